import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';

/** Bytes that tell what a program is. */
const HEAD_BYTES = 256;
/** `e_machine` of ELF files. */
const elfMachines = new Map([
  [3, 'ia32'],
  [40, 'arm'],
  [62, 'x64'],
  [183, 'arm64'],
]);
const MACH_O = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe, 0xcafebabe]);

/** The machine that a program is to run on, and the variables that it gets. */
export interface Machine {
  platform: NodeJS.Platform;
  arch: string;
  env: Readonly<Record<string, string>>;
}

/** Why a program that is there can't run on this machine, as the end of a sentence; null where nothing is known against it. */
export function cannotRun(file: string, machine: Machine): string | null {
  const head = headOf(file);
  if (head === null) return null;
  if (head.subarray(0, 2).toString('latin1') === '#!') return missingInterpreter(head.toString('latin1'), machine.env);
  if (head.subarray(0, 4).toString('latin1') === '\x7fELF') return wrongElf(head, machine);
  if (head.length >= 4 && MACH_O.has(head.readUInt32BE(0)) && machine.platform !== 'darwin') return 'is built for macOS';
  return null;
}

function headOf(file: string): Buffer | null {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } catch {
    // Executable but not readable: only the start can tell.
    return null;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function wrongElf(head: Buffer, { platform, arch }: Machine): string | null {
  if (platform !== 'linux') return 'is built for Linux';
  const built = head.length >= 20 ? elfMachines.get(head.readUInt16LE(18)) : undefined;
  return built === undefined || built === arch || (built === 'ia32' && arch === 'x64')
    ? null
    : `is built for ${built}, and this machine is ${arch}`;
}

/** Options of `env` whose next word is not the program. */
const takesAWord = /^-(?:-unset|-chdir|-argv0|-path|[^-]*[uCPa])$/;

function missingInterpreter(head: string, env: Readonly<Record<string, string>>): string | null {
  const [interpreter = '', ...rest] = (head.slice(2).split('\n')[0] ?? '').trim().split(/\s+/);
  if (interpreter === '') return null;
  if (!canExecute(interpreter)) return `needs ${interpreter}, which is not there`;
  // `env` finds the program in PATH, behind its own options and variables.
  if (basename(interpreter) !== 'env' || rest.some((word) => takesAWord.test(word))) return null;
  const name = rest.find((word) => !word.startsWith('-') && !word.includes('='));
  if (name === undefined || name.includes('/')) return null;
  const folders = (env['PATH'] ?? '/usr/bin:/bin').split(':').filter(isAbsolute);
  return folders.some((folder) => canExecute(join(folder, name))) ? null : `needs ${name}, which is not in PATH`;
}

function canExecute(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
