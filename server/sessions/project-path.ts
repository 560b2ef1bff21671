import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative } from 'node:path';
import { AppError } from '../platform/app-error.ts';

/** The published app's name for the first root. */
const FIRST_ROOT = '__workspace__';

/**
 * The real path of a project folder inside one of the roots. Throws `validation-failed` for a relative path,
 * `project-not-found` for what is no folder, `project-not-allowed` for what lies outside, also through a link. Synchronous: three
 * trips through the thread pool would cost more than the whole rest of accepting a message.
 */
export function resolveProject(path: string, roots: readonly string[]): string {
  const named = path === FIRST_ROOT ? (roots[0] ?? path) : path;
  if (!isAbsolute(named)) {
    const message = 'must be an absolute path';
    throw new AppError('validation-failed', `projectPath ${message}.`, { fields: [{ field: 'projectPath', message }] });
  }
  const realRoots = roots.map((root) => realPathOf(root) ?? root);
  const { real, exists } = realPlace(named);
  // Outside the roots nothing is said about what exists.
  if (!isInside(real, realRoots)) throw new AppError('project-not-allowed', `${named} lies outside PROJECT_ROOTS.`);
  if (!exists || !statSync(real).isDirectory()) throw new AppError('project-not-found', `There is no folder ${named}.`);
  return real;
}

/** The real path; of what is missing, that of the nearest folder above it: a name behind a link lies where the link leads. */
function realPlace(path: string): { real: string; exists: boolean } {
  const real = realPathOf(path);
  if (real !== null) return { real, exists: true };
  const above = dirname(path);
  return above === path ? { real: path, exists: false } : { real: realPlace(above).real, exists: false };
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null; // missing, or forbidden, which is the same to a caller
  }
}

/** Whether a real path is one of these real roots or lies below one. */
export function isInside(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => {
    const way = relative(root, path);
    return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
  });
}
