import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveProject } from '../../server/sessions/project-path.ts';

describe('project folders', () => {
  let base: string;
  let root: string;
  beforeAll(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-paths-')));
    root = join(base, 'root');
    mkdirSync(join(root, 'project', 'inner'), { recursive: true });
    mkdirSync(join(base, 'root-sibling'));
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(root, 'file'), '');
    symlinkSync(join(base, 'outside'), join(root, 'way-out'));
    symlinkSync(join(root, 'project'), join(root, 'way-in'));
  });
  afterAll(() => rmSync(base, { recursive: true }));

  it('[SE48] are known by their real path', () => {
    expect(resolveProject(join(root, 'project'), [root])).toBe(join(root, 'project'));
    expect(resolveProject(join(root, 'way-in', 'inner', '..'), [root])).toBe(join(root, 'project'));
    expect(resolveProject(root, [root])).toBe(root);
    expect(resolveProject('__workspace__', [root])).toBe(root);
  });

  it.each([
    ['a link that leads out', 'root/way-out'],
    ['a folder beside the root with a similar name', 'root-sibling'],
    ['a way up', 'root/../outside'],
    ['a folder that is missing outside', 'nowhere'],
  ])('[SE49] are refused outside the roots: %s', (_name, path) => {
    expect(() => resolveProject(`${base}/${path}`, [root])).toThrow(expect.objectContaining({ code: 'project-not-allowed' }));
  });

  it('[SE50] that are missing or no folder are not found, and relative ones not valid', () => {
    expect(() => resolveProject(join(root, 'missing'), [root])).toThrow(expect.objectContaining({ code: 'project-not-found' }));
    expect(() => resolveProject(join(root, 'file'), [root])).toThrow(expect.objectContaining({ code: 'project-not-found' }));
    expect(() => resolveProject('project', [root])).toThrow(expect.objectContaining({ code: 'validation-failed' }));
  });
});
