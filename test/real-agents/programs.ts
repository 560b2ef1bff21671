import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';

/** The two packages that hold the real agents: the second one's can't stand in a lockfile everywhere. */
export const programFolders: readonly string[] = [
  join(packageRoot, 'test/real-agents/programs'),
  join(packageRoot, 'test/real-agents/programs/outside'),
];

function dependenciesOf(folder: string): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  return dependencies;
}

function installedVersion(folder: string, name: string): string | null {
  try {
    return (JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
  } catch {
    return null;
  }
}

/** What a package folder lacks, as `name@version`. */
export function missingIn(folder: string): string[] {
  return Object.entries(dependenciesOf(folder))
    .filter(([name, version]) => installedVersion(folder, name) !== version)
    .map(([name, version]) => `${name}@${version}`);
}

/** The path of an installed agent's program, as npm links it. */
export function programOf(binary: 'codex' | 'copilot' | 'gemini' | 'opencode'): string {
  const folder = programFolders[binary === 'opencode' ? 1 : 0] ?? '';
  return join(folder, 'node_modules/.bin', binary);
}
