import { serve } from './serve.ts';

// The real server, which kills itself (kill -9) when a step has been taken for the nth time: KILL_AT=<step>:<n>.
const [step, count] = (process.env['KILL_AT'] ?? ':0').split(':');
let left = Number(count);
const probe = (taken: string): void => {
  if (taken !== step) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
};
await serve({ probe });
