import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import type { FSWatcher } from 'node:fs';
import { readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../platform/app-error.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import { systemClock } from '../platform/clock.ts';
import type { ProcessIdentity } from './identity.ts';
import { bootId, identify, signal } from './identity.ts';
import { readPid } from './journal-folder.ts';
import { members } from './members.ts';
import { cannotLaunch, isFull } from './preflight.ts';
import { wrapperCodes, wrapperScript } from './script.ts';

export { prepareFolder, readExit, readIdentities, tryClaim } from './journal-folder.ts';

export interface LaunchRequest {
  /** The incarnation's folder, made by `prepareFolder`. */
  folder: string;
  /** `<data id>/<incarnation id>`; becomes HOLDFAST_INCARNATION. */
  mark: string;
  cwd: string;
  /** A path, or a name that is looked for in PATH of `env`. */
  file: string;
  args: readonly string[];
  /** The agent's whole environment; nothing is inherited beside it. Names that a shell could not hold are dropped by it. */
  env: Readonly<Record<string, string>>;
  /** How often `tail` looks when it cannot be notified, in seconds (default 0.02; GNU tail only). */
  pollSeconds?: number;
  clock?: Clock;
  /** Default 30,000. */
  timeoutMs?: number;
}

export type LaunchFailure =
  | 'start-failed'
  | 'disk-full'
  /** The working folder is missing or no folder. */
  | 'no-folder'
  /** The program is not there or not executable. */
  | 'not-installed'
  /** Something was or is being started in this journal already. */
  | 'already-claimed'
  | 'timed-out';

export type Launched =
  /** `agent` was seen to start; if it ended before it could be identified, its start time is `unseen` and it is never alive. */
  { kind: 'started'; wrapper: ProcessIdentity | null; agent: ProcessIdentity } | { kind: 'failed'; code: LaunchFailure; detail: string };

/** Starts an agent on its journal, detached from this process. Resolves when its pid is known, or with why it failed; never rejects. */
export async function launch(request: LaunchRequest): Promise<Launched> {
  const obstacle = cannotLaunch(request);
  if (obstacle) return { kind: 'failed', ...obstacle };
  const poll = (await hasGnuTail()) ? String(request.pollSeconds ?? 0.02) : '';
  const path = request.env['PATH'] ?? standardPath;
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', wrapperScript, 'holdfast', poll, path, request.cwd, request.file, ...request.args], {
      cwd: request.folder,
      // The wrapper needs mkdir, mv, mkfifo, sed and tail, whatever the agent's PATH is.
      env: { ...request.env, PATH: `${path}:${standardPath}`, HOLDFAST_INCARNATION: request.mark },
      detached: true,
      stdio: 'ignore',
    });
  } catch (error) {
    return { kind: 'failed', code: 'start-failed', detail: messageOf(error) };
  }
  return started(request, child);
}

const standardPath = '/usr/bin:/bin:/usr/sbin:/sbin';

function started(request: LaunchRequest, child: ChildProcess): Promise<Launched> {
  const { folder, clock = systemClock } = request;
  const wrapper = child.pid === undefined ? null : identify(child.pid);
  return new Promise((resolve) => {
    let watcher: FSWatcher | null = null;
    const timers: Timer[] = [];
    const settle = (result: Launched): void => {
      watcher?.close();
      for (const timer of timers) timer.cancel();
      child.unref(); // only now: a program must not end while it waits for its launch
      resolve(result);
    };
    const look = (): boolean => {
      const pid = readPid(folder, 'agent');
      // Another's files may lie here already; ours are those whose wrapper is our child.
      if (pid === null || readPid(folder, 'sh') !== child.pid) return false;
      const agent = identify(pid) ?? { pid, startTime: 'unseen', bootId: bootId() };
      settle({ kind: 'started', wrapper, agent });
      return true;
    };
    child.once('error', (error) => settle({ kind: 'failed', code: 'start-failed', detail: error.message }));
    child.once('exit', (code) => {
      if (!look()) settle(failure(folder, code));
    });
    timers.push(clock.every(20, look));
    timers.push(
      clock.after(request.timeoutMs ?? 30_000, () => {
        // The claim is taken, so only the processes themselves can still start something.
        for (const member of members({ groupId: child.pid ?? null, agent: null, wrapper, mark: request.mark })) signal(member, 'SIGKILL');
        settle({ kind: 'failed', code: 'timed-out', detail: 'The agent was not started in time. ' + lastLines(folder) });
      }),
    );
    watcher = watchQuietly(folder, look);
    look();
  });
}

function watchQuietly(folder: string, look: () => void): FSWatcher | null {
  try {
    return watch(folder, { persistent: false }, look).on('error', () => {});
  } catch {
    return null; // no watch to be had: the timer looks
  }
}

function failure(folder: string, code: number | null): Launched {
  if (code === wrapperCodes.claimed)
    return { kind: 'failed', code: 'already-claimed', detail: 'Something was started in this journal before.' };
  if (code === wrapperCodes.cannotWrite && isFull(folder)) {
    return { kind: 'failed', code: 'disk-full', detail: `The disk of ${folder} is full; make room and try again.` };
  }
  return { kind: 'failed', code: 'start-failed', detail: lastLines(folder) || `The wrapper ended with ${code ?? 'a signal'}.` };
}

/** The last lines that the agent and its wrapper wrote to `err`, at most 2,000 characters. */
export function lastLines(folder: string): string {
  try {
    return readFileSync(join(folder, 'err'), 'utf8').trim().slice(-2_000);
  } catch {
    return '';
  }
}

let gnuTail: Promise<boolean> | undefined;

function hasGnuTail(): Promise<boolean> {
  gnuTail ??= new Promise((resolve) => execFile('tail', ['--version'], (error, stdout) => resolve(!error && stdout.includes('GNU'))));
  return gnuTail;
}
