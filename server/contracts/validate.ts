import type { z } from 'zod';
import { AppError } from '../platform/app-error.ts';

/** Which part of a request is looked at. */
export type Where = 'body' | 'query' | 'path' | 'header';
export interface FieldError {
  field: string;
  message: string;
}

/** More wrong fields than this help nobody, and a hostile body could have a million. */
const MAX_FIELDS = 50;

function sentenceOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${article(issue.expected)}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must ${measured(issue.origin, 'at least', Number(issue.minimum))}`;
    case 'too_big':
      return `must ${measured(issue.origin, 'at most', Number(issue.maximum))}`;
    case 'invalid_union':
      return issue.input === undefined ? 'is required' : 'has a value that is not known here';
    case 'invalid_format':
      return issue.format === 'uuid' ? 'must be a UUID' : `must be a valid ${issue.format}`;
    default:
      return undefined;
  }
}
function measured(origin: string, bound: string, value: number): string {
  if (origin === 'string') return value === 1 && bound === 'at least' ? 'not be empty' : `have ${bound} ${value} characters`;
  return origin === 'array' ? `have ${bound} ${value} items` : `be ${bound} ${value}`;
}
function article(type: string): string {
  const name = type === 'int' ? 'whole number' : type === 'record' ? 'object' : type;
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** Every wrong field of a value, or its output. `whole` names the value itself where no field of it is meant. */
export function check<S extends z.ZodType>(schema: S, value: unknown, whole: string): { output: z.output<S> } | { fields: FieldError[] } {
  const result = schema.safeParse(value, { error: sentenceOf });
  if (result.success) return { output: result.data };
  const fields = result.error.issues.slice(0, MAX_FIELDS).map((issue) => ({
    field: issue.path.length === 0 ? whole : issue.path.map(String).join('.'),
    message: issue.message,
  }));
  return { fields };
}

/** One sentence that names every field and what it must be. `whole` as in `check`. */
export function sentence(whole: string, fields: FieldError[]): string {
  const parts = fields.map(({ field, message }) => (field === whole ? `it ${message}` : `${field} ${message}`));
  return `The ${whole} is not valid: ${parts.join('; ')}.`;
}

/** The checked value; throws AppError `validation-failed` that names every wrong field. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, where: Where): z.output<S> {
  const result = check(schema, value, where);
  if ('output' in result) return result.output;
  throw new AppError('validation-failed', sentence(where, result.fields), { fields: result.fields });
}
