import type { LastInput } from '../../script.ts';
import { ownWords } from '../own-words.ts';

interface Part {
  text?: string;
  functionResponse?: { response?: Record<string, unknown> };
}

/** A request to …/models/NAME:generateContent or :streamGenerateContent; only what the script looks at. */
export interface GenerateBody {
  contents: { role?: string; parts?: Part[] }[];
  tools?: { functionDeclarations?: { name?: string }[] }[];
}

function userParts(body: GenerateBody): Part[] {
  return body.contents.flatMap(({ role, parts = [] }) => (role === 'model' ? [] : parts));
}

/** The last thing that a user or a tool said. */
export function lastInput(body: GenerateBody): LastInput {
  for (const part of userParts(body).toReversed()) {
    const response = part.functionResponse?.response;
    if (response) {
      const said = response.error ?? response.output;
      return { kind: 'tool', text: typeof said === 'string' ? said : JSON.stringify(said ?? ''), failed: response.error !== undefined };
    }
    const text = ownWords(part.text ?? '');
    if (text !== '') return { kind: 'text', text };
  }
  return { kind: 'text', text: '' };
}

/** Everything that users said, oldest first. */
export function userTexts(body: GenerateBody): string[] {
  return userParts(body)
    .map(({ text = '' }) => ownWords(text))
    .filter((text) => text !== '');
}
