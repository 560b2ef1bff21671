import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentEntry } from './agents.ts';
import { nativeProgram } from './native-program.ts';
import type { SettingValues } from './settings.ts';

/** The folder of this package. */
export const packageRoot = path.resolve(fileURLToPath(import.meta.url), '../..');

/** The folders that npm puts before PATH for a script of ours: `node_modules/.bin` here and in every folder above. */
export function ownBinFolders(from: string = packageRoot): string[] {
  const parent = path.dirname(from);
  const here = path.join(from, 'node_modules/.bin');
  return parent === from ? [here] : [here, ...ownBinFolders(parent)];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // Missing and forbidden are the same here: it can't be run.
    return false;
  }
}

/**
 * The absolute path of an agent's program, or null where there is none: what its setting names, else the one in PATH
 * (without npm's own folders, so that the user's installation wins), else the one that was installed beside Holdfast. Behind
 * an npm shim it is the real program, where that can be found.
 */
export function findCommand(entry: AgentEntry, settings: Partial<SettingValues>, env: NodeJS.ProcessEnv): string | null {
  if (entry.binary === null) return process.execPath;
  const command = findInstalled(entry, entry.binary, settings, env);
  return command === null ? null : nativeProgram(command, entry.native ?? []);
}

function findInstalled(entry: AgentEntry, binary: string, settings: Partial<SettingValues>, env: NodeJS.ProcessEnv): string | null {
  const named = entry.command === null ? undefined : settings[entry.command];
  if (typeof named === 'string' && path.isAbsolute(named)) return isExecutable(named) ? named : null;
  const name = typeof named === 'string' ? named : binary;
  const ours = ownBinFolders();
  // An empty or relative folder in PATH would run what a project put there.
  const theirs = (env['PATH'] ?? '').split(':').filter((folder) => path.isAbsolute(folder) && !ours.includes(folder));
  return [...theirs, ...ours].map((folder) => path.join(folder, name)).find(isExecutable) ?? null;
}
