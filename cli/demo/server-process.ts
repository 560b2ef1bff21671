import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';

const LISTENS = /Holdfast listens on (http:\/\/[^\s:]+:(\d+))/;
const KEPT_CHARS = 4_000;

/** A server in a process of its own. */
export interface ServerProcess {
  pid: number;
  url: string;
  port: number;
  /** Resolves with how it ended, when it has. */
  ended: Promise<string>;
}

/** Starts `server/main.ts`; resolves when it listens, and rejects with what it printed when it ends before that. `log` gets its later lines. */
export function startServerProcess(env: Record<string, string>, cwd: string, log: (text: string) => void): Promise<ServerProcess> {
  const child = spawn(process.execPath, [join(packageRoot, 'server/main.ts')], {
    cwd,
    env,
    // In a group of its own: Ctrl-C in the terminal is for the demo, which ends it in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  return new Promise((resolve, reject) => {
    let printed = '';
    let listens = false;
    const read = (bytes: Buffer): void => {
      if (listens) return log(bytes.toString());
      printed = (printed + bytes.toString()).slice(-KEPT_CHARS);
      const [, url, port] = LISTENS.exec(printed) ?? [];
      if (url === undefined || child.pid === undefined) return;
      listens = true;
      resolve({ pid: child.pid, url, port: Number(port), ended });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then((how) => reject(new Error(printed.trim() || `The server ended (${how}) before it listened.`)));
  });
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
