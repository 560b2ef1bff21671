import path from 'node:path';
import type { Rule } from 'eslint';
import { freeLayers, layers, packageHomes } from './layers.ts';

/** The layer of a file, by its path from the top folder. */
function layerOf(file: string): string | undefined {
  const posix = file.split(path.sep).join('/');
  const holds = (part: string) => (part.endsWith('/') ? posix.startsWith(part) : path.posix.dirname(posix) === path.posix.dirname(part));
  return Object.entries(layers).find(([, layer]) => layer.files.some(holds))?.[0];
}

/** Why a file may not import something, or undefined if it may. */
export function forbidden(file: string, source: string): string | undefined {
  const from = layerOf(file);
  if (from === undefined)
    return file.startsWith('server/') ? `${file} lies in no layer: add its folder to scripts/house/layers.ts.` : undefined;
  if (!source.startsWith('.')) {
    const homes = packageHomes[source];
    const allowed = homes === undefined || freeLayers.includes(from) || homes.includes(from);
    return allowed ? undefined : `${source} is used only in ${homes.join(', ')}, not in ${from}.`;
  }
  const to = layerOf(path.join(path.dirname(file), source));
  if (to === undefined || to === from || layers[from]?.may.includes(to)) return undefined;
  return `${from} may not import ${to}: see scripts/house/layers.ts.`;
}

/** ESLint rule: imports go only the way that the table of layers allows. */
export const importsRule: Rule.RuleModule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const file = path.relative(context.cwd, context.filename);
    const look = (node: Rule.Node) => {
      const source = 'source' in node && node.source?.type === 'Literal' ? node.source.value : undefined;
      const message = typeof source === 'string' ? forbidden(file, source) : undefined;
      if (message !== undefined) context.report({ node, message });
    };
    return { ImportDeclaration: look, ExportNamedDeclaration: look, ExportAllDeclaration: look, ImportExpression: look };
  },
};
