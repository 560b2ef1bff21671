import type { SessionRow } from '../../storage/sessions-table.ts';
import type { Store } from '../../storage/store.ts';
import type { Recording } from '../recording.ts';

/** Characters of the agent's own words that the notice repeats. */
const MOST_SAID = 500;

/** The agent doesn't know its conversation any more: the next start begins a new one, and clients are told, once. */
export function loseConversation(store: Store, recording: Recording, sessionNum: number, said: string): void {
  if (hasLostConversation(store.sessions.byNum(sessionNum))) return;
  store.sessions.update(sessionNum, { resumable: 0, agent_session_id: null, fork_of: null });
  const detail =
    'The agent does not know this conversation any more and begins a new one. What was said before stays in the history of this session; ' +
    'a recap of it (POST /api/sessions/keep-alive with action "recap") can be sent to the agent.';
  const cause = said === '' ? '' : ` It said: ${said.slice(0, MOST_SAID)}`;
  recording.addToTurn('agent', 'notice', { code: 'conversation-lost', detail: detail + cause });
}

/** Whether the agent of a session with a process has refused the conversation: every start gives it an id, and only that takes it away. */
export function hasLostConversation(session: SessionRow | undefined): boolean {
  return session?.agent_session_id === null;
}
