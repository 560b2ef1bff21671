import type { LastInput } from '../../script.ts';

/** One item of the input, as OpenAI's Responses API carries it; only what the script looks at. */
export interface InputItem {
  type?: string;
  role?: string;
  content?: string | { type?: string; text?: string }[];
  output?: unknown;
}

/** A request to /v1/responses; only what the script looks at. */
export interface ResponsesBody {
  reasoning?: { effort?: string };
  model?: string;
  stream?: boolean;
  tools?: { type?: string; name?: string }[];
  input: InputItem[];
}

/** How texts begin that codex adds by itself: its surroundings, a project's instructions, and that a turn was interrupted. */
const remarks = [
  '<environment_context>',
  '<user_instructions>',
  '# AGENTS.md instructions',
  '<turn_aborted>',
  '<image',
  '</image>',
  '<skills_instructions>',
];

function textsOf(item: InputItem): string[] {
  const parts = typeof item.content === 'string' ? [{ text: item.content }] : (item.content ?? []);
  return parts.map((part) => part.text ?? '').filter((text) => text !== '' && !remarks.some((remark) => text.startsWith(remark)));
}

function isMessage(item: InputItem): boolean {
  return (item.type === undefined || item.type === 'message') && item.role === 'user';
}

function outputText(output: unknown): string {
  if (typeof output === 'string') return output;
  if (!Array.isArray(output)) return '';
  return output.map((part: { text?: string }) => part?.text ?? '').join('');
}

/** What codex prints around a command's output. */
const outputHead = /^[\s\S]*?\nOutput:\n/;

/** Codex says in words that a tool was refused, or did not work. */
const refusal = /^(?:exec_command failed|.*\brejected by user|.*\bdeclined|apply_patch verification failed|aborted by user)/m;

/** The last thing that a user or a tool said. */
export function lastInput(body: ResponsesBody): LastInput {
  for (const item of body.input.toReversed()) {
    if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output') {
      const text = outputText(item.output);
      return { kind: 'tool', text: text.replace(outputHead, '').trim(), failed: refusal.test(text) };
    }
    const text = isMessage(item) ? textsOf(item).at(-1) : undefined;
    if (text !== undefined) return { kind: 'text', text };
  }
  return { kind: 'text', text: '' };
}

/** Everything that users said, oldest first. */
export function userTexts(body: ResponsesBody): string[] {
  return body.input.filter(isMessage).flatMap(textsOf);
}
