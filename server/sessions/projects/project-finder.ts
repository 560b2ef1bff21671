import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { ProjectsView } from '../../contracts/server-views.ts';
import { AppError, messageOf, systemCode } from '../../platform/app-error.ts';
import type { Clock } from '../../platform/clock.ts';
import { isInside } from '../project-path.ts';
import { projectType } from './project-type.ts';

/** How much is looked at before the answer is given as far as it has come. */
export interface FinderLimits {
  /** Folders below a root: 1 is its own children. */
  depth: number;
  /** Folders that are read. */
  folders: number;
  milliseconds: number;
}
const LIMITS: FinderLimits = { depth: 3, folders: 20_000, milliseconds: 5_000 };
/** Folders that are read at the same time. */
const AT_ONCE = 16;
/** Full of projects, and nobody's project. */
const PASSED_OVER = new Set(['node_modules']);

const troubles = new Map([
  ['ENOENT', 'does not exist'],
  ['ENOTDIR', 'is not a folder'],
  ['EACCES', 'may not be read by the user who runs the server'],
  ['EPERM', 'may not be read by the user who runs the server'],
]);

interface Folder {
  /** Its real path. */
  path: string;
  /** 0 for a root. */
  depth: number;
}

/** Finds the folders under the roots that somebody may want to work in. */
export class ProjectFinder {
  readonly #roots: readonly string[];
  readonly #clock: Clock;
  readonly #limits: FinderLimits;
  #running: Promise<ProjectsView> | null = null;

  constructor(roots: readonly string[], clock: Clock, limits: FinderLimits = LIMITS) {
    this.#roots = roots;
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * A root's own children whatever they hold, and projects below them; never what lies in a project. Hidden folders are left out, and
   * links that lead out of the roots. Who asks meanwhile shares the answer. Throws `project-not-found` when no root can be read.
   */
  find(): Promise<ProjectsView> {
    this.#running ??= this.#find().finally(() => (this.#running = null));
    return this.#running;
  }

  async #find(): Promise<ProjectsView> {
    const search = new Search(this.#limits);
    const time = Promise.withResolvers<void>();
    const timer = this.#clock.after(this.#limits.milliseconds, time.resolve);
    await Promise.race([search.run(this.#roots), time.promise]);
    timer.cancel();
    const { found, warnings, truncated } = search.end();
    if (warnings.length === this.#roots.length) throw new AppError('project-not-found', warnings.join(' '));
    return {
      basePath: this.#roots[0] ?? '',
      projects: byName(found),
      truncated,
      ...(warnings.length === 0 ? {} : { warnings }),
    };
  }
}

/** One look at the disk, level by level, so that what is near is found first. */
class Search {
  readonly #limits: FinderLimits;
  readonly #found = new Map<string, ProjectsView['projects'][number]>();
  readonly #seen = new Set<string>();
  readonly #warnings: string[] = [];
  #roots: string[] = [];
  #state: 'looking' | 'all seen' | 'too many' | 'ended' = 'looking';
  #read = 0;

  constructor(limits: FinderLimits) {
    this.#limits = limits;
  }

  async run(roots: readonly string[]): Promise<void> {
    const real = await Promise.all(roots.map((root) => this.#realRoot(root)));
    this.#roots = real.filter((root) => root !== null);
    let level: Folder[] = [...new Set(this.#roots)].map((path) => ({ path, depth: 0 }));
    while (level.length > 0 && this.#state === 'looking') {
      const next: Folder[] = [];
      const left = level.values();
      const reader = async (): Promise<void> => {
        for (const folder of left) if (this.#state === 'looking') next.push(...(await this.#look(folder)));
      };
      await Promise.all(Array.from({ length: AT_ONCE }, reader));
      level = next;
    }
    if (this.#state === 'looking') this.#state = 'all seen';
  }

  /** What was found so far; nothing is looked at any more. */
  end(): { found: ProjectsView['projects']; warnings: string[]; truncated: boolean } {
    const truncated = this.#state !== 'all seen';
    this.#state = 'ended';
    return { found: [...this.#found.values()], warnings: [...this.#warnings], truncated };
  }

  async #realRoot(root: string): Promise<string | null> {
    try {
      return await realpath(root);
    } catch (error) {
      this.#warn(root, error);
      return null;
    }
  }

  #warn(root: string, error: unknown): void {
    this.#warnings.push(`${root}, of PROJECT_ROOTS, ${troubles.get(systemCode(error) ?? '') ?? `cannot be read: ${messageOf(error)}`}.`);
  }

  /** Takes down a folder, and gives those in it that are to be looked at next. */
  async #look({ path, depth }: Folder): Promise<Folder[]> {
    if (this.#read >= this.#limits.folders) {
      this.#state = 'too many';
      return [];
    }
    this.#read += 1;
    let entries: Dirent[];
    try {
      entries = await readdir(path, { withFileTypes: true });
    } catch (error) {
      if (depth === 0) this.#warn(path, error);
      return []; // nobody can work in there
    }
    if (this.#state === 'ended') return [];
    const type = projectType(entries.map(({ name }) => name));
    if (type !== 'folder' || depth === 1) this.#found.set(path, { name: basename(path), path, type });
    if (depth === this.#limits.depth || (type !== 'folder' && depth > 0)) return [];
    const inside: Folder[] = [];
    for (const entry of entries) {
      if (entry.name.startsWith('.') || PASSED_OVER.has(entry.name)) continue;
      const child = entry.isDirectory()
        ? join(path, entry.name)
        : entry.isSymbolicLink()
          ? await this.#behind(join(path, entry.name))
          : null;
      if (child === null || this.#seen.has(child)) continue;
      this.#seen.add(child);
      inside.push({ path: child, depth: depth + 1 });
    }
    return inside;
  }

  /** The real path of the folder behind a link that stays in the roots and leads to nothing hidden; null for any other. */
  async #behind(link: string): Promise<string | null> {
    try {
      const real = await realpath(link);
      const root = this.#roots.find((candidate) => isInside(real, [candidate]));
      if (root === undefined || root === real || /(^|\/)\./.test(relative(root, real))) return null;
      return (await stat(real)).isDirectory() ? real : null;
    } catch {
      return null; // leads nowhere
    }
  }
}

/** In the order of their names, whatever the case. The keys are made once: there may be thousands. */
function byName(projects: ProjectsView['projects']): ProjectsView['projects'] {
  const keyed = projects.map((project) => ({ key: `${project.name.toLowerCase()}\0${project.path}`, project }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ project }) => project);
}
