import type { ForkSession } from '../contracts/commands.ts';
import { AppError } from '../platform/app-error.ts';
import type { SessionRow } from '../storage/sessions-table.ts';
import type { Sender } from './turns/accept.ts';
import type { SessionContext } from './context.ts';
import { bodyHash, earlierAnswer, requestKey } from './turns/idempotency.ts';

/** Characters that a session's name can have. */
const MOST_NAME = 200;

/**
 * Makes a session whose first process goes on from a copy of the parent's conversation; returns its id. The parent may be at work: the
 * copy is of what its agent has saved by the time of that start. Throws `not-supported`, `idempotency-conflict`.
 */
export function forkSession(context: SessionContext, sender: Sender, parent: SessionRow, request: ForkSession): string {
  const { store, clock } = context;
  const key = requestKey(undefined, sender.idempotencyKey);
  const hash = key === null ? '' : bodyHash({ ...request, fork: parent.id });
  return context.log.transact((append) => {
    const earlier = earlierAnswer<{ sessionId: string }>(store, sender.owner, key, hash);
    if (earlier) return earlier.sessionId;
    const { agent, project_path, mode, model, effort, labels } = parent;
    const forkOf = conversationOf(context, parent);
    const name = request.name ?? forkName(parent.name);
    const now = clock.now();
    const session = store.sessions.insert({
      id: context.newId(),
      owner: sender.owner,
      name,
      agent,
      project_path,
      mode,
      model,
      effort,
      labels,
      created_at: now,
    });
    store.sessions.update(session.num, { forked_from: parent.id, fork_of: forkOf });
    append(session, [
      { channel: 'session', kind: 'session.created', data: { agent, projectPath: project_path, name, forkedFrom: parent.id } },
    ]);
    if (key !== null) {
      const row = { owner: sender.owner, key, body_hash: hash, session_id: session.id, turn_id: null, created_at: now };
      store.idempotency.insert({ ...row, response: JSON.stringify({ sessionId: session.id }) });
    }
    return session.id;
  });
}

/** The agent's own id of what is to be copied; null for a parent that has said nothing yet. */
function conversationOf(context: SessionContext, parent: SessionRow): string | null {
  const conversation = parent.resumable === 1 ? parent.agent_session_id : parent.fork_of;
  if (conversation === null || context.agents.get(parent.agent)?.driver.capabilities.fork) return conversation;
  throw new AppError('not-supported', `The agent ${parent.agent} cannot copy a conversation.`);
}

function forkName(name: string): string {
  const ending = ' (fork)';
  return name.endsWith(ending) ? name : `${[...name].slice(0, MOST_NAME - ending.length).join('')}${ending}`;
}
