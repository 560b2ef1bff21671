import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative } from 'node:path';
import { AppError } from '../platform/app-error.ts';

/** The published app's name for the first root. */
const FIRST_ROOT = '__workspace__';

/**
 * The real path of a project folder inside one of the roots. Throws `validation-failed` for a relative path,
 * `project-not-found` for what is no folder, `project-not-allowed` for what lies outside, also through a link.
 */
export async function resolveProject(path: string, roots: readonly string[]): Promise<string> {
  const named = path === FIRST_ROOT ? (roots[0] ?? path) : path;
  if (!isAbsolute(named)) {
    const message = 'must be an absolute path';
    throw new AppError('validation-failed', `projectPath ${message}.`, { fields: [{ field: 'projectPath', message }] });
  }
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  const { real, exists } = await realPlace(named);
  // Outside the roots nothing is said about what exists.
  if (!isInside(real, realRoots)) throw new AppError('project-not-allowed', `${named} lies outside PROJECT_ROOTS.`);
  if (!exists || !(await stat(real)).isDirectory()) throw new AppError('project-not-found', `There is no folder ${named}.`);
  return real;
}

/** The real path; of what is missing, that of the nearest folder above it: a name behind a link lies where the link leads. */
async function realPlace(path: string): Promise<{ real: string; exists: boolean }> {
  const real = await realpath(path).catch(() => null);
  if (real !== null) return { real, exists: true };
  const above = dirname(path);
  return above === path ? { real: path, exists: false } : { real: (await realPlace(above)).real, exists: false };
}

function isInside(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => {
    const way = relative(root, path);
    return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
  });
}
