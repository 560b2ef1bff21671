import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';

/** How packages name the machines that they are built for. */
const triples: Record<string, string> = {
  'linux-x64': 'x86_64-unknown-linux-musl',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
};

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function packageOf(file: string): string | null {
  const folder = path.dirname(file);
  if (folder === file) return null;
  return existsSync(path.join(folder, 'package.json')) ? folder : packageOf(folder);
}

/**
 * The program behind an npm shim, or the given one where it is no shim or nothing is behind it. A shim stays as the parent of the
 * real program: it costs a start of Node, and a signal to it leaves the real one behind. `patterns` are paths from the shim's
 * package, with {platform}, {arch} and {triple}.
 */
export function nativeProgram(
  command: string,
  patterns: readonly string[],
  machine: string = `${process.platform}-${process.arch}`,
): string {
  if (patterns.length === 0) return command;
  try {
    const shim = realpathSync(command);
    const home = shim.endsWith('.js') || shim.endsWith('.mjs') || shim.endsWith('.cjs') ? packageOf(shim) : null;
    if (home === null) return command;
    const [platform = '', arch = ''] = machine.split('-');
    const filled = patterns.map((pattern) =>
      pattern
        .replaceAll('{platform}', platform)
        .replaceAll('{arch}', arch)
        .replaceAll('{triple}', triples[machine] ?? machine),
    );
    return filled.map((pattern) => path.resolve(home, pattern)).find(isProgram) ?? command;
  } catch {
    // Gone in the meantime: whoever starts it says so.
    return command;
  }
}
