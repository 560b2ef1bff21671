import { z } from 'zod';
import type { SettingRow } from '../../config/settings-table.ts';
import { settingNames, settingsTable } from '../../config/settings-table.ts';
import { eventData, noticeData } from '../../server/contracts/events.ts';
import { frameResults } from '../../server/contracts/frames-out.ts';
import { componentName } from '../../server/contracts/openapi.ts';
import { eachEndpoint } from '../../server/contracts/registry.ts';
import { errorCodes } from '../../server/platform/error-codes.ts';
import { curlOf } from './curl.ts';

type Node = z.core.JSONSchema.BaseSchema;

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
function table(heads: string[], rows: string[][]): string {
  return [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
}

/** A schema in a few letters: `string`, `"a" or "b"`, `[{…}]`. */
function short(schema: Node | boolean): string {
  if (typeof schema === 'boolean') return 'any';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => String(value)).join('/');
  if (schema.anyOf) return schema.anyOf.map(short).join(' or ');
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  if (schema.type === 'array') return `[${short((schema.items ?? true) as Node | boolean)}]`;
  if (schema.type === 'object') return schema.properties ? fields(schema) : 'object';
  return schema.format === 'date-time' ? 'time' : typeof schema.type === 'string' ? schema.type : 'any';
}
function fields(schema: Node): string {
  const entries = Object.entries(schema.properties ?? {});
  const of = ([name, type]: [string, Node | boolean]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${short(type)}`;
  return entries.length === 0 ? '' : `{${entries.map(of).join(', ')}}`;
}
const shape = (schema: z.ZodType, io: 'input' | 'output' = 'output') => short(z.toJSONSchema(schema, { io, unrepresentable: 'any' }));

const code = (text: string) => (text === '' ? '' : `\`${text}\``);

function eventRows(): string[][] {
  const channels = { ...eventData, reader: noticeData };
  return Object.entries(channels).flatMap(([channel, kinds]) =>
    Object.entries(kinds).map(([kind, data]: [string, z.ZodType]) => [channel, code(kind), code(shape(data))]),
  );
}

function settingRows(): string[][] {
  const rows: Record<string, SettingRow> = settingsTable({ home: '~', cwd: '.' });
  return settingNames.map((name) => {
    const setting = rows[name];
    return [code(name), setting?.default === undefined ? (setting?.defaultNote ?? '') : code(setting.default), setting?.about ?? ''];
  });
}

/** What stands between the markers of the documentation, by the marker's name. */
export const generatedTables: Readonly<Record<string, () => string>> = {
  endpoints: () =>
    table(
      ['method', 'path', 'what', 'answers', 'errors of its own'],
      eachEndpoint().map(({ spec }) => [
        spec.method,
        code(spec.path.replaceAll(/\{(\w+)\}/g, ':$1')),
        spec.summary,
        [...Object.keys(spec.responses), ...(spec.stream ? ['SSE'] : [])].join(', '),
        spec.errors.map(code).join(' '),
      ]),
    ),
  ...Object.fromEntries(eachEndpoint().map(({ id, spec }) => [`curl_${id}`, () => `\`\`\`sh\n${curlOf(spec)}\n\`\`\``])),
  events: () => table(['channel', 'kind', 'data'], eventRows()),
  errors: () =>
    table(
      ['code', 'status', 'title'],
      Object.entries(errorCodes).map(([name, { status, title }]) => [code(name), String(status), title]),
    ),
  results: () =>
    table(
      ['frame', 'payload of its `result`'],
      Object.entries(frameResults).map(([type, schema]) => [code(type), code(componentName(schema) ?? shape(schema))]),
    ),
  settings: () => table(['setting', 'default', 'what'], settingRows()),
};
