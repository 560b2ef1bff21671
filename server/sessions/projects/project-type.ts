import type { ProjectType } from '../../contracts/server-views.ts';

/** What makes a folder a project of its kind; the first that fits. */
const signs: [ProjectType, RegExp][] = [
  ['node', /^package\.json$/],
  ['swift', /^Package\.swift$|\.(xcodeproj|xcworkspace)$/],
  ['python', /^(pyproject\.toml|setup\.py|requirements\.txt|Pipfile)$/],
  ['rust', /^Cargo\.toml$/],
  ['go', /^go\.mod$/],
  ['git', /^\.git$/],
];

/** The kind of project in a folder with these entries. */
export function projectType(names: readonly string[]): ProjectType {
  return signs.find(([, sign]) => names.some((name) => sign.test(name)))?.[0] ?? 'folder';
}
