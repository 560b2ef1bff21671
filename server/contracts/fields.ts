import { z } from 'zod';
import type { PermissionMode } from './state.ts';

// Fields that more than one command has.

const NUL = '\0';
const modes = {
  ask: 'ask',
  'accept-edits': 'accept-edits',
  plan: 'plan',
  auto: 'auto',
  normal: 'ask',
  planning: 'plan',
  code: 'accept-edits',
} as const satisfies Record<string, PermissionMode>;

/** A mode by our name or by the published app's (`normal`, `planning`, `code`). */
export const ModeField = z
  .enum(Object.keys(modes) as [keyof typeof modes, ...(keyof typeof modes)[]])
  .transform((name): PermissionMode => modes[name]);

/** A folder on the server's machine, or `__workspace__` for the first root. Whether it may be used is for the server to say. */
export const ProjectPath = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => !path.includes(NUL), 'must not contain a NUL character');

/** What people call a session. */
export const SessionName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((name) => !/\p{Cc}/u.test(name), 'must not contain control characters');

/** What a client calls its device; the same each time, so that a repeated decision is known as one. */
export const DeviceName = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((name) => !/\p{Cc}/u.test(name), 'must not contain control characters');

export const Labels = z.array(z.string().trim().min(1).max(50)).max(20);

/** A model's name as the agent knows it. It becomes an argument, so it can't begin with a dash. */
export const ModelName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][\w.:/@[\]-]*$/, 'must be a model name: letters, digits and . : / @ [ ] _ -');

/** How hard a model is to think, as its agent calls it: which words an agent knows, GET /api/agents says. */
export const EffortName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be an effort such as low, medium or high');

export const AgentName = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be an agent name such as claude');

/** A whole number in a query string, strict: no sign, no blanks, no rounding, no clamping. */
export function queryNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string({ error: message })
    .regex(/^\d{1,16}$/, { error: message, abort: true })
    .transform(Number)
    .pipe(z.number().int(message).min(min, message).max(max, message));
}

/** Characters that the configuration of automatic replies can have as JSON. */
const AUTO_RESPONSE_CHARS = 10_000;
const isShort = (value: unknown): boolean => {
  try {
    return JSON.stringify(value).length <= AUTO_RESPONSE_CHARS;
  } catch {
    return false; // nested deeper than anything that can be written
  }
};

/** What the published app says about its automatic replies: a configuration of its own making, or just whether. Kept as it is. */
export const AutoResponse = z.union(
  [z.boolean(), z.record(z.string(), z.unknown()).refine(isShort, `must not have more than ${AUTO_RESPONSE_CHARS} characters as JSON`)],
  { error: 'must be true, false or an object' },
);

/** How many rows a page has: 1 to 1,000, an error beyond. */
export const pageLimit = (byDefault: number) => queryNumber(1, 1000).default(byDefault);
