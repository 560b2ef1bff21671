import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { agentEntry } from '../../config/agents.ts';
import { nativeProgram } from '../../config/native-program.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'holdfast-native-'));
afterAll(() => rmSync(root, { recursive: true }));
const patterns = agentEntry('codex')?.native ?? [];

function file(name: string, text = ''): string {
  const full = path.join(root, name);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, text);
  chmodSync(full, 0o755);
  return full;
}

/** A package as npm lays it out, with its link in `.bin`. */
function installed(folder: string): string {
  file(`${folder}/node_modules/@openai/codex/package.json`, '{}');
  const shim = file(`${folder}/node_modules/@openai/codex/bin/codex.js`);
  mkdirSync(path.join(root, folder, 'bin'), { recursive: true });
  const link = path.join(root, folder, 'bin/codex');
  symlinkSync(shim, link);
  return link;
}

describe('the real program behind an npm shim', () => {
  it('[CMD5] is found beside the shim, or below it, for this kind of machine', () => {
    const beside = installed('beside');
    const native = file('beside/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex');
    expect(nativeProgram(beside, patterns, 'linux-x64')).toBe(native);
    const below = installed('below');
    const mac = file('below/node_modules/@openai/codex/node_modules/@openai/codex-darwin-arm64/vendor/aarch64-apple-darwin/bin/codex');
    expect(nativeProgram(below, patterns, 'darwin-arm64')).toBe(mac);
  });

  it('[CMD5] else the shim itself is started, as is a program that is no shim', () => {
    const lone = installed('lone');
    expect(nativeProgram(lone, patterns, 'linux-x64')).toBe(lone);
    expect(nativeProgram(installed('other'), patterns, 'freebsd-x64')).toBe(path.join(root, 'other/bin/codex'));
    // Another version may put something else in that place.
    const moved = installed('moved');
    file('moved/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex/README.md');
    expect(nativeProgram(moved, patterns, 'linux-x64')).toBe(moved);
    const plain = file('usr/bin/codex');
    expect(nativeProgram(plain, patterns)).toBe(plain);
    expect(nativeProgram('/nowhere/codex', patterns)).toBe('/nowhere/codex');
    expect(nativeProgram(lone, [])).toBe(lone);
  });
});
