import { z } from 'zod';
import { decodedSize, isBase64 } from './attachment.ts';
import { queryNumber } from './fields.ts';
import { MessageId } from './ids.ts';

/** Bytes of one input. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024;
/** Lines that have scrolled out, with a screen. */
const MAX_LINES = 5_000;
const LINES = 1_000;

/** What terminals are called: each name once in a project. */
export const terminalNamePattern = /^[a-zA-Z0-9][a-zA-Z0-9_-]*$/;

const side = z.number().int().min(2).max(1_000);
/** A size in characters. */
export const sizeFields = { cols: side, rows: side };
export const TerminalSize = z.object(sizeFields);
export type TerminalSize = z.output<typeof TerminalSize>;

/** What runs in a terminal: a line for the user's shell; the shell itself without one. */
export const TerminalCommandLine = z
  .string()
  .min(1)
  .max(4_096)
  .refine((command) => !command.includes('\0'), 'must not contain a NUL character');

/** Keys for a terminal: the same `id` again is the same input, and is typed once. */
export const keyFields = {
  id: MessageId.optional(),
  text: z.string().max(MAX_INPUT_BYTES).optional(),
  data: z
    .string()
    .refine(isBase64, { error: 'must be base64', abort: true })
    .refine((data) => decodedSize(data) <= MAX_INPUT_BYTES, `must have at most ${MAX_INPUT_BYTES} bytes`)
    .meta({ contentEncoding: 'base64' })
    .optional(),
};

interface Sent {
  text?: unknown;
  data?: unknown;
  cols?: unknown;
  rows?: unknown;
}
export const oneKind = ({ text, data }: Sent): boolean => text === undefined || data === undefined;
const bothSides = ({ cols, rows }: Sent): boolean => (cols === undefined) === (rows === undefined);
const saysSomething = ({ text, data, cols }: Sent): boolean => (text ?? data ?? cols) !== undefined;

/** Keys, a new size, or both: the size comes first. */
export const TerminalInput = z
  .object({ ...keyFields, cols: side.optional(), rows: side.optional() })
  .refine(oneKind, { path: ['data'], error: 'goes without text' })
  .refine(bothSides, { path: ['rows'], error: 'cols and rows go together' })
  .refine(saysSomething, { error: 'needs text, data, or cols and rows' });
export type TerminalInput = z.output<typeof TerminalInput>;

/** The input is stored, and will be typed once whatever happens. `cursor`: its echo comes after this. */
export const TerminalInputView = z.object({
  success: z.literal(true),
  sessionId: z.uuid(),
  bytes: z.number().int().min(0),
  cursor: z.number().int().min(0),
});
export type TerminalInputView = z.output<typeof TerminalInputView>;

export const ScreenQuery = z.object({ lines: queryNumber(0, MAX_LINES).default(LINES) });
export const screenLines = z.number().int().min(0).max(MAX_LINES).default(LINES);

/** What a terminal shows: `data` (base64) draws it on a fresh emulator of this size, and events after `cursor` go on from there. */
export const ScreenView = z.object({
  sessionId: z.uuid(),
  cursor: z.number().int().min(0),
  cols: z.number().int(),
  rows: z.number().int(),
  cursorX: z.number().int(),
  cursorY: z.number().int(),
  alternate: z.boolean().describe('a full-screen program has the screen'),
  data: z.string().meta({ contentEncoding: 'base64' }),
  text: z.string().describe('the same without colours'),
});
export type ScreenView = z.output<typeof ScreenView>;
