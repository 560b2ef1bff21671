import type { RecapFacts } from '../../contracts/recap.ts';

/** What an agent is asked for a recap in its own words. It gets the facts, since it knows no cursors and may have lost what came last. */
export function recapPrompt(facts: RecapFacts, text: string): string {
  return `Write a recap of this conversation for its owner, who has been away and reads it on a phone.
Tell what happened since ${facts.since ?? 'the beginning'}: what was asked, what was done and changed, what failed, and what waits for a decision.
Plain text, no headings, at most 120 words, in the language of the conversation. Do not go on with the work, and ask nothing.

The session's log says about that time:

${text.replaceAll(/^/gm, '  ')}
`;
}
