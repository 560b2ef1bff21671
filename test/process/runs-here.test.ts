import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cannotLaunch } from '../../server/process/preflight.ts';
import { cannotRun } from '../../server/process/runs-here.ts';
import { temporaryFolder } from './temporary.ts';

const machine = { platform: 'linux', arch: 'x64', env: { PATH: '/usr/bin:/bin' } } as const;

function program(bytes: string | Buffer): string {
  const file = join(temporaryFolder(), 'program');
  writeFileSync(file, bytes);
  chmodSync(file, 0o700);
  return file;
}

function elf(machineNumber: number): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 'latin1');
  head.writeUInt16LE(machineNumber, 18);
  return head;
}

describe('whether a program runs on this machine', () => {
  test('[AV3] one that is built for another processor or system does not', () => {
    expect(cannotRun(program(elf(62)), machine)).toBeNull();
    expect(cannotRun(program(elf(183)), machine)).toBe('is built for arm64, and this machine is x64');
    expect(cannotRun(program(elf(62)), { ...machine, platform: 'darwin' })).toBe('is built for Linux');
    const machO = Buffer.from('cffaedfe0c000001', 'hex');
    expect(cannotRun(program(machO), machine)).toBe('is built for macOS');
    expect(cannotRun(program(machO), { ...machine, platform: 'darwin' })).toBeNull();
  });

  test('[AV3] nor one whose interpreter is missing', () => {
    expect(cannotRun(program('#!/bin/sh -e\n'), machine)).toBeNull();
    expect(cannotRun(program('#!/usr/bin/env sh\n'), machine)).toBeNull();
    expect(cannotRun(program('#!/no/such/node\n'), machine)).toBe('needs /no/such/node, which is not there');
    expect(cannotRun(program('#!/usr/bin/env -S no-such-node --flag\n'), machine)).toBe('needs no-such-node, which is not in PATH');
  });

  test('[AV3] what cannot be told is left to the start', () => {
    expect(cannotRun(program('#!/usr/bin/env -S -u NODE_OPTIONS sh -e\n'), machine)).toBeNull();
    for (const bytes of ['', 'MZ', '#!', '\x7fELF']) expect(cannotRun(program(Buffer.from(bytes, 'latin1')), machine)).toBeNull();
    expect(cannotRun('/no/such/program', machine)).toBeNull();
    expect(cannotRun(process.execPath, { platform: process.platform, arch: process.arch, env: {} })).toBeNull();
  });

  test('[AV3] the launch of such a program fails beforehand, with the reason', () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'project'));
    const file = program('#!/no/such/node\n');
    expect(cannotLaunch({ cwd, file, env: {} })).toEqual({
      code: 'not-installed',
      detail: `${file} cannot run on this machine: it needs /no/such/node, which is not there.`,
    });
  });
});
