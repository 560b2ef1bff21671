import { rm } from 'node:fs/promises';
import type { AnsweredView, ApprovalView } from '../contracts/asked.ts';
import type {
  ApprovalDecision,
  CreateSession,
  ForkSession,
  KeepAlive,
  PatchSession,
  QuestionAnswers,
  SendRequest,
} from '../contracts/commands.ts';
import type { KeepAliveView } from '../contracts/recap.ts';
import type { ChatAccepted } from '../contracts/views.ts';
import { AppError } from '../platform/app-error.ts';
import { isoTime } from '../platform/clock.ts';
import type { ErrorCode } from '../platform/error-codes.ts';
import type { SessionRow } from '../storage/sessions-table.ts';
import type { AcceptParts, Sender } from './turns/accept.ts';
import { acceptMessage } from './turns/accept.ts';
import { decideRequest } from './approvals/decide.ts';
import type { Archive } from './archive/archive.ts';
import { assertEffort, assertModel } from './effort.ts';
import { forkSession } from './fork.ts';
import { deliveryOf } from './turns/delivery.ts';
import { bodyHash, earlierAnswer, requestKey } from './turns/idempotency.ts';
import type { Session } from './session.ts';
import { newSession } from './new-session.ts';
import { resolveProject } from './project-path.ts';
import type { Recaps } from './recap/recaps.ts';
import { incarnationFolder } from './lifecycle/start-incarnation.ts';
import { checkNameFree, existingTerminal } from './terminal/terminal-of.ts';
import { waitForTurn } from './turns/wait-for-turn.ts';

export type { SessionRow };

export interface CommandParts extends AcceptParts {
  recaps: Recaps;
  archive: Archive;
  /** SESSION_TIMEOUT_HOURS in milliseconds. */
  expiresAfterMs: number;
}
/** Causes of a failed start that a client can tell apart, by the codes of sessions and of the launcher. */
const startErrors = new Map<string, ErrorCode>([
  ['disk-full', 'disk-full'],
  ['agent-not-installed', 'agent-not-installed'],
  ['not-installed', 'agent-not-installed'],
  ['no-folder', 'project-not-found'],
]);

/** The only door to sessions. Every method takes the owner; what belongs to another does not exist for them. */
export class SessionCommands {
  readonly #parts: CommandParts;

  constructor(parts: CommandParts) {
    this.#parts = parts;
  }

  /** Takes a message on; see `acceptMessage`. */
  send(sender: Sender, request: SendRequest): Promise<ChatAccepted> {
    return acceptMessage(this.#parts, sender, request);
  }

  /** Whether the answer to a message from this device will be pushed to it, as far as it can be told before the message is taken on. */
  isPushed(owner: string, { deviceToken, sessionId = '' }: Pick<SendRequest, 'deviceToken' | 'sessionId'>): boolean {
    return deliveryOf(this.#parts.pushes, owner, { deviceToken, sessionId }) === 'apns';
  }

  /** True when the turn ended within the time, in milliseconds. */
  waitForTurn(accepted: ChatAccepted, milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return waitForTurn(this.#parts.context, accepted.sessionId, accepted.messageId, milliseconds, signal);
  }

  /** Makes a session without a message, or finds the terminal of that name, which is started. Throws what POST /api/sessions documents. */
  async create(sender: Sender, request: CreateSession): Promise<{ id: string; created: boolean }> {
    const { context, pool, spares, settings } = this.#parts;
    const key = requestKey(undefined, sender.idempotencyKey);
    const hash = key === null ? '' : bodyHash(request);
    const earlier = earlierAnswer<{ sessionId: string }>(context.store, sender.owner, key, hash);
    if (earlier) return this.#started(sender.owner, earlier.sessionId, false);
    pool.assertOpen();
    const projectPath = resolveProject(request.projectPath, settings.projectRoots);
    const isTerminal = context.agents.get(request.agent ?? settings.defaultAgent)?.driver.terminal !== undefined;
    const existing = isTerminal ? existingTerminal(context.store, sender.owner, projectPath, request) : undefined;
    if (existing) return this.#started(sender.owner, existing.id, false);
    if (isTerminal) pool.assertRoom(null);
    const id = context.log.transact((append) => {
      const raced = earlierAnswer<{ sessionId: string }>(context.store, sender.owner, key, hash);
      if (raced) return raced.sessionId;
      const session = newSession(this.#parts, append, { ...request, owner: sender.owner, projectPath });
      if (key !== null) {
        const row = { owner: sender.owner, key, body_hash: hash, session_id: session.id, turn_id: null, created_at: context.clock.now() };
        context.store.idempotency.insert({ ...row, response: JSON.stringify({ sessionId: session.id }) });
      }
      return session.id;
    });
    spares.refillSoon();
    return this.#started(sender.owner, id, true);
  }

  /** A terminal without a process is nothing: it is started at once. */
  async #started(owner: string, id: string, created: boolean): Promise<{ id: string; created: boolean }> {
    if (this.find(owner, id).terminal !== null) await this.start(owner, id);
    return { id, created };
  }

  /** Changes name, labels, mode, model or effort; an agent that runs is told before its next message. Throws `session-archived` for the last three, `not-supported`. */
  patch(owner: string, id: string, patch: PatchSession): void {
    const session = this.find(owner, id);
    const { context } = this.#parts;
    const { name, labels, mode, model, effort } = patch;
    const manner = { ...(mode && { mode }), ...(model === undefined ? {} : { model }), ...(effort === undefined ? {} : { effort }) };
    const isOther = Object.keys(manner).length > 0;
    if (session.state === 'archived' && isOther)
      throw new AppError('session-archived', 'This session is archived: only its name and its labels can be changed.');
    if (name !== undefined && session.terminal !== null) checkNameFree(context.store, session, name);
    assertEffort(context, session.agent, effort);
    assertModel(context, session.agent, model);
    context.log.transact((append) => {
      context.store.sessions.update(session.num, {
        ...(name === undefined ? {} : { name }),
        ...(labels === undefined ? {} : { labels: JSON.stringify(labels) }),
        ...manner,
      });
      if (name !== undefined) append(session, [{ channel: 'session', kind: 'session.renamed', data: { name } }]);
      if (labels === undefined && !isOther) return;
      const data = { ...(labels && { labels }), ...manner };
      append(session, [{ channel: 'session', kind: 'session.updated', data }]);
    });
  }

  /** Starts the session's process and resolves when that was tried; a live session stays as it is. */
  async start(owner: string, id: string): Promise<void> {
    const session = this.find(owner, id);
    if (session.state === 'archived') throw new AppError('session-archived', 'This session is archived; start a new one.');
    this.#parts.pool.assertRoom(id);
    const loaded = this.#parts.pool.load(session);
    loaded.activity.look();
    loaded.pump();
    await loaded.settled();
    const { state } = loaded;
    if (state.kind === 'failed')
      throw new AppError(startErrors.get(state.code) ?? 'start-failed', state.detail, { members: { cause: state.code } });
  }

  /** Warms a session because its owner looks at it, as far as there is a slot for that; a live one goes later for another's sake. */
  wake(owner: string, id: string): void {
    this.#parts.pool.warm(this.find(owner, id));
  }

  /** Stops the session's processes where they are; messages wait. Throws `session-busy`. */
  async pause(owner: string, id: string): Promise<void> {
    await this.#live(owner, id).pause();
  }

  /** Lets a paused session go on. */
  async resume(owner: string, id: string): Promise<void> {
    await this.#live(owner, id).resume();
  }

  #live(owner: string, id: string): Session {
    const session = this.find(owner, id);
    const loaded = this.#parts.pool.loaded(session.id);
    if (!loaded?.isLive) throw new AppError('session-busy', 'This session has no process now; start it first.');
    return loaded;
  }

  /** Puts off the session's expiry, and tells what happened since a cursor where that is asked for. Throws `session-archived`. */
  async keepAlive(owner: string, { sessionId, action, style, after }: KeepAlive): Promise<KeepAliveView> {
    const session = this.find(owner, sessionId);
    if (session.state === 'archived') throw new AppError('session-archived', 'This session is archived; it does not expire any more.');
    const { context, pool, recaps, expiresAfterMs } = this.#parts;
    const now = context.clock.now();
    const expiresAt = isoTime(now + expiresAfterMs);
    context.log.transact((append) => {
      context.store.sessions.update(session.num, { last_activity_at: now, warned_at: null });
      append(session, [{ channel: 'session', kind: 'session.extended', data: { expiresAt } }]);
    });
    pool.loaded(sessionId)?.activity.use();
    const recap = action === 'recap' ? await recaps.of(session, after, style) : undefined;
    return { success: true, sessionId, expiresAt, ...(recap ? { recap } : {}) };
  }

  /** Ends the session's process and keeps the conversation; resolves when it has ended. */
  async stop(owner: string, id: string): Promise<void> {
    const session = this.find(owner, id);
    await this.#parts.pool.loaded(session.id)?.stop('killed-by-user');
  }

  /** Gives up the running turn, or a waiting one. */
  async cancel(owner: string, id: string, turnId?: string): Promise<void> {
    const session = this.find(owner, id);
    await this.#parts.pool.load(session).cancel(turnId);
  }

  /** Allows or denies what the agent asked for. */
  async decide(owner: string, id: string, approvalId: string, { decision, message, ...bound }: ApprovalDecision): Promise<ApprovalView> {
    const session = this.find(owner, id);
    const by = { by: owner, device: bound.device ?? undefined, inputHash: bound.inputHash ?? undefined };
    const request = { kind: 'approval', id: approvalId, decision, message: message ?? undefined, ...by } as const;
    const decided = await this.#parts.pool.load(session).run((cell) => decideRequest(cell, request));
    return { success: true, sessionId: session.id, approvalId, ...decided, decision };
  }

  /** Answers the agent's questions. */
  async answer(owner: string, id: string, questionId: string, { answers, ...bound }: QuestionAnswers): Promise<AnsweredView> {
    const session = this.find(owner, id);
    const by = { by: owner, device: bound.device ?? undefined, inputHash: bound.inputHash ?? undefined };
    const request = { kind: 'question', id: questionId, answers, ...by } as const;
    const { decision: _answered, ...decided } = await this.#parts.pool.load(session).run((cell) => decideRequest(cell, request));
    return { success: true, sessionId: session.id, questionId, ...decided };
  }

  /** Makes a session that goes on from a copy of this one; returns its id. See `forkSession`. */
  fork(sender: Sender, id: string, request: ForkSession): string {
    this.#parts.pool.assertOpen();
    return forkSession(this.#parts.context, sender, this.find(sender.owner, id), request);
  }

  /** Ends the process and archives the session; for an archived one nothing happens. Throws `session-busy`. */
  async archive(owner: string, id: string): Promise<void> {
    const session = this.find(owner, id);
    this.#parts.pool.assertOpen();
    await this.#parts.archive.endAndArchive(session);
  }

  /** Ends the process, and deletes the conversation with everything that belongs to it. */
  async remove(owner: string, id: string): Promise<void> {
    const session = this.find(owner, id);
    const { context, pool, archive } = this.#parts;
    await archive.idle(id);
    await pool.loaded(id)?.stop('killed-by-user');
    const folders = context.store.incarnations
      .ofSession(session.num)
      .map((incarnation) => incarnationFolder(context.data.dir, incarnation));
    await pool.loaded(id)?.release();
    pool.forget(id);
    context.store.transaction(() => context.store.sessions.remove(session.num));
    context.log.deleted(id);
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    await archive.forget(id);
  }

  /** The session's row. Throws `session-not-found`. */
  find(owner: string, id: string): SessionRow {
    const session = this.#parts.context.store.sessions.byId(id);
    if (session?.owner !== owner || session.spare === 1) throw new AppError('session-not-found', `There is no session ${id}.`);
    return session;
  }
}
