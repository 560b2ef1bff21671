import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../server/platform/clock.ts';
import { ProjectFinder } from '../../../server/sessions/projects/project-finder.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-projects-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Makes files; a name that ends with a slash is a folder. */
function make(...names: string[]): void {
  for (const name of names) {
    const path = join(root, name);
    mkdirSync(name.endsWith('/') ? path : join(path, '..'), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(path, '');
  }
}
const find = async (roots = [root], limits = { depth: 3, folders: 10_000, milliseconds: 60_000 }) => {
  const view = await new ProjectFinder(roots, systemClock, limits).find();
  return { ...view, found: view.projects.map(({ path, type }) => `${path.slice(root.length + 1)} ${type}`) };
};

describe('projects', () => {
  it('[PA14] are told with their kind, by name', async () => {
    make('web/package.json', 'app/App.xcodeproj/', 'kit/Package.swift', 'ml/pyproject.toml', 'old/setup.py', 'fast/Cargo.toml');
    make('gopher/go.mod', 'notes/.git/', 'Empty/', 'both/package.json', 'both/.git/', 'both/go.mod', 'a file');
    const { projects, truncated, basePath } = await find();
    expect(projects.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...[
        'app swift',
        'both node',
        'Empty folder',
        'fast rust',
        'gopher go',
        'kit swift',
        'ml python',
        'notes git',
        'old python',
        'web node',
      ],
    ]);
    expect(projects[0]).toEqual({ name: 'app', path: join(root, 'app'), type: 'swift' });
    expect({ truncated, basePath }).toEqual({ truncated: false, basePath: root });
  });

  it('[PA15] below the children of a root only projects are told, not what lies in them, and not beyond the depth', async () => {
    make('client/site/index.html', 'client/shop/package.json', 'client/shop/packages/cart/package.json', 'a/b/c/go.mod', 'a/b/c/d/go.mod');
    make('x/y/z/w/go.mod', 'client/node_modules/left-pad/package.json');
    expect((await find()).found).toEqual(['a folder', 'a/b/c go', 'client folder', 'client/shop node', 'x folder']);
  });

  it('[PA15] hidden folders and links out of the roots are left out; a link that stays inside is one folder, told once', async () => {
    const outside = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-outside-')));
    try {
      mkdirSync(join(outside, 'secret'));
      make('real/go.mod', '.hidden/project/go.mod');
      symlinkSync(outside, join(root, 'out'));
      symlinkSync(join(outside, 'secret'), join(root, 'out-too'));
      symlinkSync(join(root, 'real'), join(root, 'again'));
      symlinkSync(join(root, '.hidden/project'), join(root, 'shown'));
      symlinkSync(root, join(root, 'real/loop'));
      symlinkSync(root, join(root, 'loop'));
      symlinkSync('nowhere', join(root, 'dangling'));
      expect((await find()).found).toEqual(['real go']);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('[PA15] a root that is a project itself is told, and roots in one another are looked at once', async () => {
    make('mine/package.json', 'mine/src/', 'mine/inner/go.mod');
    expect((await find([join(root, 'mine'), join(root, 'mine/inner')])).found).toEqual(['mine/inner go', 'mine node', 'mine/src folder']);
  });

  it('[PA16] 10,000 folders are told within the time of a request, while others get their turn', { timeout: 120_000 }, async () => {
    for (let index = 0; index < 10_000; index++) mkdirSync(join(root, `p${index}`));
    // The first look pays for cold code and a cold disk.
    await find([root], { depth: 3, folders: 20_000, milliseconds: 60_000 });
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const startedAt = performance.now();
    const { projects, truncated } = await find([root], { depth: 3, folders: 20_000, milliseconds: 60_000 });
    const took = performance.now() - startedAt;
    delay.disable();
    console.log(`10,000 folders: ${Math.round(took)} ms, longest block ${Math.round(delay.max / 1e6)} ms`);
    expect(projects).toHaveLength(10_000);
    expect(truncated).toBe(false);
    expect(took).toBeLessThan(5_000);
    expect(delay.max / 1e6).toBeLessThan(200);
  });

  it('[PA16] what is too much, or takes too long, is told as far as it was found, and that it was cut', async () => {
    make('a/', 'b/', 'c/', 'd/');
    const few = await find([root], { depth: 3, folders: 3, milliseconds: 60_000 });
    expect([few.projects.length, few.truncated]).toEqual([2, true]);
    const clock = new FakeClock();
    const slow = new ProjectFinder([root], clock, { depth: 3, folders: 100, milliseconds: 1_000 }).find();
    clock.advance(1_000);
    expect(await slow).toMatchObject({ truncated: true });
  });

  it('[PA16] who asks while the disk is looked at shares the answer', async () => {
    make('a/');
    const finder = new ProjectFinder([root], systemClock);
    const [one, other] = await Promise.all([finder.find(), finder.find()]);
    expect(other).toBe(one);
    make('b/');
    expect((await finder.find()).projects).toHaveLength(2);
  });

  it('[PA17] a root that cannot be read is named in a sentence; where none can, that is the error', async () => {
    make('code/', 'file');
    const { warnings, found } = await find([root, join(root, 'gone'), join(root, 'file')]);
    expect(found).toEqual(['code folder']);
    expect(warnings).toEqual([`${root}/gone, of PROJECT_ROOTS, does not exist.`, `${root}/file, of PROJECT_ROOTS, is not a folder.`]);
    await expect(find([join(root, 'gone')])).rejects.toMatchObject({
      code: 'project-not-found',
      message: `${root}/gone, of PROJECT_ROOTS, does not exist.`,
    });
  });

  it('[PA17] a folder that may not be read is left out', async () => {
    make('open/', 'shut/');
    chmodSync(join(root, 'shut'), 0);
    try {
      const { found } = await find();
      // Whoever is root may read everything.
      expect(found).toEqual(process.getuid?.() === 0 ? ['open folder', 'shut folder'] : ['open folder']);
    } finally {
      chmodSync(join(root, 'shut'), 0o700);
    }
  });
});
