import { AppError } from '../platform/app-error.ts';
import type { SessionRow } from '../storage/sessions-table.ts';
import type { SessionContext } from './context.ts';
import { Session } from './session.ts';
import type { SessionState } from './session-state.ts';

/** Seconds after which a client may try again when all slots are taken. */
const RETRY_AFTER = 15;

/** Holds every session that has a process or work to do; at most `max` of them have a process. */
export class InteractiveSessionPool {
  readonly #context: SessionContext;
  readonly #sessions = new Map<string, Session>();
  readonly max: number;
  #closing = false;

  constructor(context: SessionContext, max: number) {
    this.#context = context;
    this.max = max;
  }

  /** Sessions with a process, including those that start or stop. */
  get live(): Session[] {
    return [...this.#sessions.values()].filter((session) => session.isLive);
  }

  get hasRoom(): boolean {
    return this.live.length < this.max;
  }

  /** The session if it is loaded. */
  loaded(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The session's mailbox, made when there is none yet. */
  load(row: SessionRow, state: SessionState = storedSessionState(row)): Session {
    const loaded = this.#sessions.get(row.id);
    if (loaded) return loaded;
    const hooks = { onIdle: (session: Session) => this.#unload(session), hasRoom: () => this.hasRoom };
    const session = new Session(this.#context, row, hooks, state);
    this.#sessions.set(row.id, session);
    return session;
  }

  /** Throws `shutting-down` when the server stops. */
  assertOpen(): void {
    if (this.#closing)
      throw new AppError('shutting-down', 'The server is stopping. Its agents go on; try again in a moment.', { retryAfter: 5 });
  }

  /** Throws `pool-full` when this session would need a slot and there is none, `shutting-down` when the server stops. */
  assertRoom(id: string | null): void {
    this.assertOpen();
    if ((id !== null && this.#sessions.get(id)?.isLive) || this.hasRoom) return;
    throw new AppError('pool-full', `All ${this.max} slots (MAX_CONCURRENT_SESSIONS) are in use. Stop a session, or try again later.`, {
      retryAfter: RETRY_AFTER,
      members: { live: this.live.length, max: this.max },
    });
  }

  /** Lets go of all processes without touching them. */
  async release(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#sessions.values()].map((session) => session.release()));
    this.#sessions.clear();
  }

  /** Forgets a session that was deleted. */
  forget(id: string): void {
    this.#sessions.delete(id);
  }

  #unload(session: Session): void {
    if (!session.isLive && this.#sessions.get(session.id) === session) this.#sessions.delete(session.id);
  }
}

/** The state of a session without a process, from its row. */
export function storedSessionState(row: SessionRow): SessionState {
  if (row.state === 'archived') return { kind: 'archived' };
  const failure = row.failure === null ? null : (JSON.parse(row.failure) as { code: string; detail: string });
  return row.state === 'failed' && failure ? { kind: 'failed', ...failure } : { kind: 'dormant' };
}
