import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What an echo conversation remembers, in a file by its id, so that another process can resume it. */
export interface Memory {
  word: string | null;
  messages: number;
}

function fileOf(folder: string, session: string): string {
  return join(folder, `${session.replace(/[^\w-]/g, '_')}.json`);
}

/** Keeps the memory; a kill in the middle leaves the old one. */
export function saveMemory(folder: string, session: string, memory: Memory): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = fileOf(folder, session);
  writeFileSync(`${file}.new`, JSON.stringify(memory), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The memory of a conversation, or null when there is none of this id. */
export function loadMemory(folder: string, session: string): Memory | null {
  const file = fileOf(folder, session);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Memory) : null;
}
