import type { SendRequest } from '../../contracts/commands.ts';
import type { PermissionMode } from '../../contracts/state.ts';
import type { ChatAccepted } from '../../contracts/views.ts';
import type { Append } from '../../events/event-log.ts';
import { AppError } from '../../platform/app-error.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { SessionContext } from '../context.ts';
import { deliveryOf, type Pushes } from './delivery.ts';
import { bodyHash, earlierAnswer, requestKey } from './idempotency.ts';
import { assertEffort } from '../effort.ts';
import { newSession, takesNoMessages } from '../new-session.ts';
import type { InteractiveSessionPool } from '../pool/pool.ts';
import type { Spares } from '../pool/spares.ts';
import { resolveProject } from '../project-path.ts';

export interface AcceptParts {
  context: SessionContext;
  pool: InteractiveSessionPool;
  spares: Spares;
  pushes: Pushes;
  settings: { projectRoots: readonly string[]; defaultAgent: string; permissionMode: PermissionMode };
}

/** Who sends, and under which Idempotency-Key. */
export interface Sender {
  owner: string;
  idempotencyKey?: string | undefined;
}

/**
 * Takes a message on: once for each id, whatever happens. Everything that it changes is one transaction; the same
 * request again gets the same answer. Throws the errors that POST /api/chat documents.
 */
export async function acceptMessage(parts: AcceptParts, sender: Sender, request: SendRequest): Promise<ChatAccepted> {
  const { context, pool } = parts;
  const { store } = context;
  checkSizes(request.attachments ?? []);
  const key = requestKey(request.messageId, sender.idempotencyKey);
  const hash = key === null ? '' : bodyHash(request);
  const earlier = earlierAnswer<ChatAccepted>(store, sender.owner, key, hash);
  if (earlier) return earlier;
  const project = request.projectPath === undefined ? null : resolveProject(request.projectPath, parts.settings.projectRoots);
  const turnId = request.messageId ?? context.newId();
  const answer = context.log.transact((append): ChatAccepted => {
    // Another request with this id may have come in meanwhile.
    const raced = earlierAnswer<ChatAccepted>(store, sender.owner, key, hash);
    if (raced) return raced;
    if (store.turns.byId(turnId))
      throw new AppError('idempotency-conflict', 'This message id was used before. Send a new message under a new id.');
    const found = findSession(parts, sender.owner, request, project);
    if (found) assertEffort(context, found.agent, request.effort);
    pool.assertRoom(found?.id ?? null);
    const session =
      found ?? newSession(parts, append, { ...request, owner: sender.owner, projectPath: project ?? '', firstMessage: request.message });
    const accepted = insertTurn(context, append, session, turnId, request);
    const response = {
      success: true as const,
      sessionId: session.id,
      messageId: turnId,
      ...accepted,
      resumed: found !== null,
      deliveryMethod: deliveryOf(parts.pushes, sender.owner, { deviceToken: request.deviceToken, sessionId: session.id }),
    };
    if (key !== null) {
      const row = { owner: sender.owner, key, body_hash: hash, session_id: session.id, turn_id: turnId };
      store.idempotency.insert({ ...row, response: JSON.stringify(response), created_at: context.clock.now() });
    }
    return response;
  });
  context.probe('accepted');
  const row = store.sessions.byId(answer.sessionId);
  if (row) {
    const session = pool.load(row);
    session.activity.use();
    session.pump();
    parts.spares.refillSoon();
  }
  return answer;
}

/** Bytes of one file, and of all files of a message. */
const MOST_OF_ONE = 20 * 1024 * 1024;
const MOST_OF_ALL = 30 * 1024 * 1024;

function checkSizes(attachments: readonly { name: string; size: number }[]): void {
  const large = attachments.find(({ size }) => size > MOST_OF_ONE);
  if (large)
    throw new AppError('bad-attachment', `${large.name} has more than ${MOST_OF_ONE} bytes; put it into the project folder instead.`);
  const total = attachments.reduce((sum, { size }) => sum + size, 0);
  if (total > MOST_OF_ALL)
    throw new AppError('bad-attachment', `The attachments have more than ${MOST_OF_ALL} bytes together; send fewer at a time.`);
}

/** The session that a message belongs to; null for a new one. Throws `session-not-found`, `session-archived`, `agent-unknown`. */
function findSession(parts: AcceptParts, owner: string, request: SendRequest, project: string | null): SessionRow | null {
  const { store, agents } = parts.context;
  if (request.agent !== undefined && !agents.has(request.agent)) {
    throw new AppError('agent-unknown', `There is no agent "${request.agent}"; there are: ${[...agents.keys()].join(', ')}.`);
  }
  if (request.sessionId === undefined) return (project !== null && store.sessions.current(owner, project, request.agent ?? null)) || null;
  const session = store.sessions.byId(request.sessionId);
  if (session?.owner !== owner || session.spare === 1) throw new AppError('session-not-found', `There is no session ${request.sessionId}.`);
  if (session.state === 'archived') throw new AppError('session-archived', 'This session is archived; start a new one.');
  if (session.terminal !== null) throw takesNoMessages();
  return session;
}

function insertTurn(
  context: SessionContext,
  append: Append,
  session: SessionRow,
  turnId: string,
  request: SendRequest,
): Pick<ChatAccepted, 'state' | 'cursor' | 'position'> {
  const { store, clock, limits } = context;
  const position = store.turns.openCount(session.num);
  if (position > limits.maxQueuedMessages) {
    throw new AppError(
      'queue-full',
      `${position} messages wait in this session already (MAX_QUEUED_MESSAGES is ${limits.maxQueuedMessages}).`,
      {
        retryAfter: 10,
      },
    );
  }
  const now = clock.now();
  const attachments = request.attachments ?? [];
  const shown = attachments.map(({ name, mimeType, size }) => ({ name, mimeType, size }));
  const data = { text: request.message, position, attachments: shown };
  const cursor = append(session, [{ channel: 'turn', kind: 'turn.accepted', turnId, data }]);
  store.turns.insert(turnId, session.num, JSON.stringify({ text: request.message, attachments }), cursor, now);
  if (request.autoResponse !== undefined) store.turns.setAutoResponse(turnId, JSON.stringify(request.autoResponse));
  const message = {
    id: turnId,
    session_num: session.num,
    turn_id: turnId,
    role: 'user',
    text: request.message,
    partial: 0,
    created_at: now,
  };
  store.messages.insert({ ...message, attachments: shown.length === 0 ? null : JSON.stringify(shown) });
  store.sessions.update(session.num, {
    last_activity_at: now,
    warned_at: null,
    ...(request.mode === undefined ? {} : { mode: request.mode }),
    ...(request.model === undefined ? {} : { model: request.model }),
    ...(request.effort === undefined ? {} : { effort: request.effort }),
  });
  return { state: 'accepted', cursor, position };
}
