import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Driver, LaunchRequest, Output } from '../../server/agents/driver.ts';
import { type AnyCommand, encoded as encodedBy, type TranscriptEntry } from './transcript.ts';

/** How long a step of a scenario may take, in milliseconds. */
const stepLimit = 30_000;

/** A real agent driven by its driver, with everything that passes written to `entries`. */
export interface AgentRun {
  send(command: AnyCommand): void;
  /** The next output of this kind that was not waited for before. */
  next<K extends Output['kind']>(kind: K): Promise<Extract<Output, { kind: K }>>;
  /** Waits until it has ended by itself, and all that it printed was read. */
  gone(): Promise<void>;
  /** Ends the agent's input and waits for its exit. */
  end(): Promise<void>;
}

/** Starts the agent of `driver` in `request.projectPath`. */
export function startAgent<S>(
  driver: Driver<S>,
  request: LaunchRequest,
  env: Record<string, string>,
  entries: TranscriptEntry[],
): AgentRun {
  const spec = driver.launch(request);
  const child = spawn(spec.file, spec.args, { cwd: request.projectPath, env: { ...env, ...spec.env }, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const closed = once(child, 'close');
  const begun = driver.begin(request);
  let state = begun.state;
  let unseen: Output[] = [];
  let wake = (): void => {};
  const write = (line: string, command?: AnyCommand): void => {
    entries.push(command ? { dir: 'in', line, command } : { dir: 'in', line });
    child.stdin.write(`${line}\n`);
  };

  entries.push({ dir: 'begin', request });
  for (const line of begun.lines) write(line);
  let rest = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString(driver.encoding ?? 'utf8');
      rest = rest.subarray(end + 1);
      entries.push({ dir: 'out', line });
      const decoded = driver.decode(line, state);
      state = decoded.state;
      unseen.push(...decoded.outputs);
      for (const reply of decoded.replies) write(reply);
    }
    wake();
  });

  return {
    send: (command) => {
      const encoded = encodedBy(driver, command, state);
      state = encoded.state;
      if (encoded.lines.length === 0) entries.push({ dir: 'command', command });
      encoded.lines.forEach((line, index) => write(line, index === 0 ? command : undefined));
    },
    next: async (kind) => {
      const until = Date.now() + stepLimit;
      for (;;) {
        const at = unseen.findIndex((output) => output.kind === kind);
        if (at >= 0) {
          const found = unseen[at];
          unseen = unseen.slice(at + 1);
          return found as Extract<Output, { kind: typeof kind }>;
        }
        const left = until - Date.now();
        if (left <= 0 || child.exitCode !== null) throw new Error(`No ${kind} came; exit code ${child.exitCode}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(left, 500));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    gone: async () => void (await closed),
    end: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), stepLimit);
      await exited;
      clearTimeout(timer);
    },
  };
}
