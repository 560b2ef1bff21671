import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { messageOf } from '../platform/app-error.ts';
import type { Clock } from '../platform/clock.ts';
import { sleep } from '../platform/clock.ts';
import { identify, signal } from './identity.ts';
import { members } from './members.ts';

export interface RunOnceRequest {
  /** `<data id>/<a name of its own>`; becomes HOLDFAST_INCARNATION, so that a later server ends what this one left. */
  mark: string;
  cwd: string;
  file: string;
  args: readonly string[];
  /** The whole environment; nothing is inherited beside it. */
  env: Readonly<Record<string, string>>;
  /** Written to its stdin, which then ends. */
  input: string;
  timeoutMs: number;
  /** Bytes of stdout beyond which it is ended. */
  maxBytes: number;
  clock: Clock;
  /** Ends it early. */
  cancelled: AbortSignal;
}

export type RanOnce =
  | { kind: 'ended'; code: number | null; stdout: string; stderr: string }
  | { kind: 'failed'; code: 'start-failed' | 'timed-out' | 'too-much-output' | 'cancelled'; detail: string };
type Failed = Extract<RanOnce, { kind: 'failed' }>;

/** The end of stderr that is kept, in characters. */
const STDERR = 2_000;
const ROUNDS = 20;

/**
 * Runs a program to its end in a process group of its own, and leaves nothing of it behind. For what may be lost when the server
 * is killed: an agent that must outlive it is `launch`ed. Failures are values.
 */
export async function runOnce(request: RunOnceRequest): Promise<RanOnce> {
  if (request.cancelled.aborted) return failed('cancelled', 'It was given up before it started.');
  let child: ChildProcessWithoutNullStreams;
  try {
    const env = { ...request.env, HOLDFAST_INCARNATION: request.mark };
    child = spawn(request.file, request.args, { cwd: request.cwd, env, detached: true, stdio: 'pipe' });
  } catch (error) {
    return failed('start-failed', messageOf(error));
  }
  const agent = child.pid === undefined ? null : identify(child.pid);
  const result = await watched(request, child);
  child.stdout.destroy();
  child.stderr.destroy();
  for (let round = 0; round < ROUNDS; round++) {
    const left = members({ groupId: child.pid ?? null, agent, mark: request.mark });
    if (left.length === 0) break;
    for (const member of left) signal(member, 'SIGKILL');
    await sleep(request.clock, 10);
  }
  return result;
}

function watched(request: RunOnceRequest, child: ChildProcessWithoutNullStreams): Promise<RanOnce> {
  const { clock, timeoutMs, maxBytes, cancelled } = request;
  return new Promise((resolve) => {
    const stdout: Buffer[] = [];
    let bytes = 0;
    let stderr = '';
    const settle = (result: RanOnce): void => {
      timer.cancel();
      cancelled.removeEventListener('abort', abandon);
      resolve(result);
    };
    const abandon = (): void => settle(failed('cancelled', 'It was given up.'));
    const timer = clock.after(timeoutMs, () => settle(failed('timed-out', `It did not end within ${timeoutMs / 1_000} s.`)));
    cancelled.addEventListener('abort', abandon);
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) settle(failed('too-much-output', `It printed more than ${maxBytes} bytes.`));
      else stdout.push(part);
    });
    child.stderr.on('data', (part: Buffer) => (stderr = (stderr + part.toString('utf8')).slice(-STDERR)));
    child.once('error', (error) => settle(failed('start-failed', error.message)));
    // `exit` may come before the last bytes; a child of its own may hold the pipe open, hence the timer.
    child.once('close', (code) => settle({ kind: 'ended', code, stdout: Buffer.concat(stdout).toString('utf8'), stderr }));
    child.stdin.on('error', () => {}); // it ended without reading all: its exit tells
    child.stdin.end(request.input);
  });
}

function failed(code: Failed['code'], detail: string): Failed {
  return { kind: 'failed', code, detail };
}
