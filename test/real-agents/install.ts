import { spawnSync } from 'node:child_process';
import { missingIn, programFolders } from './programs.ts';

// node test/real-agents/install.ts: installs the real agents at the exact versions of their package.json, where they are not
// there yet. `npm ci` by the lockfile; without one, `npm install` of exact versions.
for (const [index, folder] of programFolders.entries()) {
  const missing = missingIn(folder);
  if (missing.length === 0) continue;
  process.stdout.write(`Installing ${missing.join(', ')}\n`);
  const { status, error } = spawnSync('npm', [index === 0 ? 'ci' : 'install', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
  });
  const left = missingIn(folder);
  if (status === 0 && left.length === 0) continue;
  process.stderr.write(`Could not install ${left.join(', ')}${error ? `: ${error.message}` : ''}. Try npm in ${folder}.\n`);
  process.exitCode = 1;
}
