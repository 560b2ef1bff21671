import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../platform/app-error.ts';
import type { ProcessIdentity } from './identity.ts';
import { identify, lookUp, onLinux } from './identity.ts';
import { readMark } from './stat.ts';

/** How an agent ended; one of the two is null. */
export interface Exit {
  exitCode: number | null;
  signal: string | null;
}

export interface Identities {
  wrapper: ProcessIdentity | null;
  tail: ProcessIdentity | null;
  agent: ProcessIdentity | null;
}

/** Makes an incarnation's folder (0700) with empty `in`, `out` and `err` (0600). Throws the system's error. */
export function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of ['in', 'out', 'err']) closeSync(openSync(join(folder, name), 'a', 0o600));
}

/** Takes the right to start in this folder. True: nothing was started here, and nothing will be. Throws on a full disk. */
export function tryClaim(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'claim'), { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The pid in one of the files `sh`, `tail` and `agent`; null while it is not there. */
export function readPid(folder: string, name: 'sh' | 'tail' | 'agent'): number | null {
  try {
    const pid = Number.parseInt(readFileSync(join(folder, name), 'latin1'), 10);
    return pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

/**
 * The processes that the pid files name, each only if it lives and is proven to be this incarnation's: by `verify` if
 * given, else on Linux by the mark, elsewhere by having started just before its file was written.
 */
export function readIdentities(folder: string, mark: string, verify?: (identity: ProcessIdentity) => boolean): Identities {
  const read = (name: 'sh' | 'tail' | 'agent', group: number | null): ProcessIdentity | null => {
    const pid = readPid(folder, name);
    const identity = pid === null ? null : identify(pid);
    if (identity === null) return null;
    const proven = verify ? verify(identity) : isMarked(identity.pid, mark, group) || wroteItself(identity, join(folder, name));
    return proven ? identity : null;
  };
  const wrapper = read('sh', null);
  return { wrapper, tail: read('tail', wrapper?.pid ?? null), agent: read('agent', wrapper?.pid ?? null) };
}

// Some programs write their title over their environment; a verified wrapper's group then vouches for them.
function isMarked(pid: number, mark: string, group: number | null): boolean {
  return onLinux && (readMark(pid) === mark || (group !== null && lookUp(pid)?.group === group));
}

function wroteItself(identity: ProcessIdentity, file: string): boolean {
  if (onLinux) return false;
  const age = statSync(file).mtimeMs - Date.parse(`${identity.startTime} UTC`);
  return age > -1_000 && age < 10_000;
}

/** What `exit.<code>` says; null while it is not there. A code that the shell uses for a signal is given as that signal. */
export function readExit(folder: string): Exit | null {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return null;
  }
  const name = names.find((candidate) => /^exit\.\d+$/.test(candidate));
  return name === undefined ? null : decodeExit(Number(name.slice('exit.'.length)));
}

/** Decodes a shell's `$?`. */
function decodeExit(code: number): Exit {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined ? { exitCode: code, signal: null } : { exitCode: null, signal };
}
