import { fitBytes } from './fit.ts';
import { maskSecrets } from './mask.ts';

/** Characters of a text that are looked at: many times what fits, also where most of it is masked. */
const MOST_LOOKED_AT = 65_536;

/** What a phone is shown of a text: nothing that looks like a secret, and at most so many bytes inside a JSON string. */
export function shownText(text: string, most: number): string {
  return fitBytes(maskSecrets(text.slice(0, MOST_LOOKED_AT)), most);
}
