import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { AppError } from '../../platform/app-error.ts';
import { packFolder } from '../../process/pack-folder.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { SessionContext } from '../context.ts';
import type { InteractiveSessionPool } from '../pool/pool.ts';
import { incarnationFolder } from '../lifecycle/start-incarnation.ts';

/** How often an archiving begins again because the session was used meanwhile. */
const TRIES = 3;
/** The end of a file that is being packed. */
const UNFINISHED = '.unfinished';

/**
 * Finished journals, packed: DATA_DIR/archive/<session>/<incarnation>.tar.gz. A journal is packed, then noted in the store, then its
 * folder goes; a kill between any two of these loses nothing, and the next run or the next start goes on from there.
 */
export class Archive {
  readonly #context: SessionContext;
  readonly #pool: InteractiveSessionPool;
  /** One at a time: packing is work for the disk, and nobody waits for it. */
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #closing = new AbortController();

  constructor(context: SessionContext, pool: InteractiveSessionPool) {
    this.#context = context;
    this.#pool = pool;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
  }

  get #root(): string {
    return archiveFolder(this.#context.data.dir);
  }

  /** Removes what a killed server left: files half packed, and folders whose journal is packed and noted. Call it before the first use. */
  clean(): void {
    const { store, data } = this.#context;
    for (const name of readdirSync(this.#root)) if (name.endsWith(UNFINISHED)) rmSync(join(this.#root, name), { force: true });
    for (const id of readdirSync(join(data.dir, 'incarnations'))) {
      if (store.incarnations.byId(id)?.archived_at) rmSync(incarnationFolder(data.dir, id), { recursive: true, force: true });
    }
  }

  /** Ends the session's process, and archives it. Throws `session-busy` when it is used meanwhile. */
  async endAndArchive(session: SessionRow): Promise<void> {
    const end = async (): Promise<void> => {
      const loaded = this.#pool.loaded(session.id);
      await loaded?.stop(loaded.state.kind === 'ready' ? 'finished' : 'killed-by-user');
    };
    if (await this.#once(session, end)) return;
    throw new AppError('session-busy', 'The session was used while it was being archived, so it was left as it is.');
  }

  /** Archives a session that nobody uses; false when somebody does. */
  archiveUnused(session: SessionRow): Promise<boolean> {
    return this.#once(session, async () => undefined);
  }

  /** Packs the journal of one process that has ended; its session may live. One with attachments stays: the conversation names them by their paths. */
  async archiveJournal(sessionId: string, incarnationId: string): Promise<boolean> {
    const { store, clock, data } = this.#context;
    if (statSync(join(incarnationFolder(data.dir, incarnationId), 'files'), { throwIfNoEntry: false })) return false;
    await this.#queue.add(async () => {
      await this.#pack(sessionId, incarnationId);
      store.incarnations.setArchived(incarnationId, clock.now());
      await this.#removeFolders([incarnationId]);
    });
    return true;
  }

  /** Removes what is packed of a session. Waits for what is under way. */
  async forget(sessionId: string): Promise<void> {
    await this.idle(sessionId);
    await rm(join(this.#root, sessionId), { recursive: true, force: true });
  }

  /** Resolves when the session is not being archived. */
  async idle(sessionId: string): Promise<void> {
    await this.#running.get(sessionId)?.catch(() => undefined);
  }

  /** Gives up what is under way, which changes nothing, and waits for that. */
  async close(): Promise<void> {
    this.#closing.abort();
    // Not cleared: whoever waits for a place in it is told, too.
    await this.#queue.onIdle();
  }

  /** Two requests for one session are one archiving. */
  #once(session: SessionRow, end: () => Promise<void>): Promise<boolean> {
    const running = this.#running.get(session.id);
    if (running) return running;
    const started = this.#queue
      .add(() => this.#archive(session, end))
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) throw error;
        throw new AppError('shutting-down', 'The server is stopping; the session is as it was. Try again in a moment.', { cause: error });
      });
    const run = started.finally(() => this.#running.delete(session.id));
    this.#running.set(session.id, run);
    return run;
  }

  async #archive({ num, id }: SessionRow, end: () => Promise<void>): Promise<boolean> {
    const { store } = this.#context;
    this.#closing.signal.throwIfAborted();
    // Only once: a message that comes later is what its owner wants now.
    if (store.sessions.byNum(num)?.state !== 'archived') await end();
    for (let left = TRIES; left > 0; left -= 1) {
      const session = store.sessions.byNum(num);
      if (!session || session.state === 'archived') return session !== undefined;
      if (this.#pool.loaded(id)?.isLive) return false;
      const packed = store.incarnations.ofSession(num);
      for (const incarnation of packed) await this.#pack(id, incarnation);
      if (!(await this.#pool.load(session).archive(new Set(packed)))) continue;
      this.#pool.forget(id);
      await this.#removeFolders(packed);
      return true;
    }
    return false;
  }

  async #pack(sessionId: string, incarnationId: string): Promise<void> {
    const folder = incarnationFolder(this.#context.data.dir, incarnationId);
    const target = packedJournal(this.#context.data.dir, sessionId, incarnationId);
    // A journal that has ended never changes, so what is packed already stays.
    if (exists(target) || !exists(folder)) return;
    mkdirSync(join(this.#root, sessionId), { recursive: true, mode: 0o700 });
    await packFolder(folder, target, join(this.#root, `${incarnationId}${UNFINISHED}`), this.#closing.signal);
  }

  /** Only what the store knows to be archived, also after a power cut. */
  async #removeFolders(incarnations: readonly string[]): Promise<void> {
    const { store, data } = this.#context;
    store.flush();
    for (const id of incarnations) await rm(incarnationFolder(data.dir, id), { recursive: true, force: true });
  }
}

function archiveFolder(dataDir: string): string {
  return join(dataDir, 'archive');
}

/** Where the packed journal of an incarnation is. */
export function packedJournal(dataDir: string, sessionId: string, incarnationId: string): string {
  return join(archiveFolder(dataDir), sessionId, `${incarnationId}.tar.gz`);
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
