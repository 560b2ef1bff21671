import type { JsonObject } from '../../server/agents/json.ts';
import { objectOf, parseObject } from '../../server/agents/json.ts';

/** Long lists that differ from version to version and that no driver reads. */
const dropped = new Set([
  'commands',
  'models',
  'agents',
  'tools',
  'slash_commands',
  'skills',
  'plugins',
  'memory_paths',
  'available_output_styles',
  'subagent_stats',
  'iterations',
  'capabilities',
  'mcp_servers',
  'availableCommands',
  'availableModels',
]);
/** Figures that differ from run to run. */
const figure =
  /_ms$|AtMs$|^durationMs$|^(created|updated|started|completed|recency)At$|^pid$|^costUSD$|^total_cost_usd$|^retry_delay|_wall_/;

function prune(value: unknown, key = ''): unknown {
  // Of a session's options only the choices are long.
  if (key === 'configOptions' && Array.isArray(value)) return value.map((option) => ({ ...objectOf(option), options: [] }));
  if (dropped.has(key)) return Array.isArray(value) ? [] : {};
  if (typeof value === 'number' && figure.test(key)) return key.toLowerCase().includes('cost') ? 0.01 : 1;
  if (Array.isArray(value)) return value.map((item) => prune(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, prune(item, name)]));
}

function pruneLine(line: string): string {
  const parsed = parseObject(line);
  return parsed ? JSON.stringify(prune(parsed)) : line;
}

/**
 * Makes recordings of different runs and machines alike: paths, ids, times and ports become constants, in the order
 * in which they first appear. `places` maps a folder of this run to the name that it gets.
 */
export function normaliser(places: Record<string, string>): (entry: JsonObject) => JsonObject {
  const names = new Map<string, string>();
  const rename = (found: string, name: (number: number) => string): string => {
    const known = names.get(found) ?? name(names.size + 1);
    names.set(found, known);
    return known;
  };
  const clean = (text: string): string => {
    let result = text;
    for (const [folder, name] of Object.entries(places)) {
      result = result.replaceAll(folder, name).replaceAll(folder.replace(/[^a-zA-Z0-9]/g, '-'), name.replaceAll('/', '-'));
    }
    return result
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) =>
        rename(id, (number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`),
      )
      .replace(/(msg|toolu)_[0-9a-f]{24}\d*/g, (id) => rename(id, (number) => `${id.startsWith('msg') ? 'msg' : 'toolu'}_${number}`))
      .replace(/\b(ses|msg|prt|call)_[0-9a-zA-Z]{20,}/g, (id) => rename(id, (number) => `${id.split('_')[0]}_${number}`))
      .replace(/([a-z_]+__[a-z_]+)_\d{13}_\d+/g, (id, name: string) => rename(id, (number) => `${name}_${number}`))
      .replace(/\b(rs|fc|ctc|resp)_[0-9a-f]{24}\d*/g, (id) => rename(id, (number) => `${id.split('_')[0]}_${number}`))
      .replace(/sessions\/\d{4}\/\d\d\/\d\d\/rollout-[\dT-]+-0/g, 'sessions/rollout-0')
      .replace(/(processId\\?":\\?")\d+/g, '$11')
      .replace(/PGID: \d+/g, 'PGID: 1')
      .replace(/[A-Z][a-z]+day, [A-Z][a-z]+ \d+, \d{4}/g, 'Thursday, January 1, 2026')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-01-01T00:00:00.000Z')
      .replace(/\/tmp\/cc-socks\/\d+/g, '/run/cc-socks/1')
      .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:1')
      .replace(/sk-ant-[\w-]+/g, 'x');
  };
  return (entry) => {
    // Our own lines are short, and must stay what the driver writes.
    const pruned = entry.dir === 'out' && typeof entry.line === 'string' ? { ...entry, line: pruneLine(entry.line) } : entry;
    return objectOf(JSON.parse(clean(JSON.stringify(pruned))));
  };
}
