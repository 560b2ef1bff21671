import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';

const LISTENS = /Holdfast listens on (http:\/\/[^\s:]+:(\d+))/;
const KEPT_CHARS = 4_000;

/** A server that listens. */
export interface Listening {
  pid: number;
  url: string;
  port: number;
}

/** A server in a process of its own. */
export interface ServerProcess {
  /** Rejects with what it printed when it ends before it listens. */
  listening: Promise<Listening>;
  /** Resolves with how it ended, when it has. */
  ended: Promise<string>;
  /** Ends it; resolves when it has ended. */
  end(): Promise<void>;
}

/** A demo's server has nothing to save, so it gets little time to end. */
const PATIENCE_MS = 3_000;

/** Starts `server/main.ts`. `log` gets what it prints once it listens. */
export function startServerProcess(env: Record<string, string>, cwd: string, log: (text: string) => void): ServerProcess {
  const child = spawn(process.execPath, [join(packageRoot, 'server/main.ts')], {
    cwd,
    env,
    // In a group of its own: Ctrl-C in the terminal is for the demo, which ends it in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(timer);
  };
  return { listening: listeningOf(child, ended, log), ended, end };
}

function listeningOf(child: ChildProcess, ended: Promise<string>, log: (text: string) => void): Promise<Listening> {
  return new Promise((resolve, reject) => {
    let printed = '';
    let listens = false;
    const read = (bytes: Buffer): void => {
      if (listens) return log(bytes.toString());
      printed = (printed + bytes.toString()).slice(-KEPT_CHARS);
      const [, url, port] = LISTENS.exec(printed) ?? [];
      if (url === undefined || child.pid === undefined) return;
      listens = true;
      resolve({ pid: child.pid, url, port: Number(port) });
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void ended.then((how) => reject(new Error(printed.trim() || `The server ended (${how}) before it listened.`)));
  });
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
