import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';
import { markedProcesses } from '../../server/process/members.ts';
import { terminate } from '../../server/process/terminate.ts';
import { Client } from './client.ts';
import { programEnv } from './program-env.ts';

const LISTENS = /Holdfast listens on (http:\/\/\S+)/;
export const TOKEN = 'test-token-0123456789abcdef';

export interface HoldfastOptions {
  /** Settings and whatever the agents need, on top of a quiet test's own. */
  env?: Record<string, string>;
  /** A data folder from an earlier server, or one on a special disk. */
  dataDir?: string;
  /** Another program than server/main.ts, such as one that kills itself at a step. */
  program?: string;
}

/** A real server in a process of its own, on its own data folder, that a test may kill and start again. */
export class Holdfast {
  readonly root: string;
  readonly dataDir: string;
  readonly project: string;
  readonly #options: HoldfastOptions;
  #child: ChildProcess | null = null;
  /** Everything that the servers printed. */
  output = '';
  url = '';

  private constructor(options: HoldfastOptions) {
    this.#options = options;
    this.root = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
    this.dataDir = options.dataDir ?? join(this.root, 'data');
    this.project = this.folder('project');
  }

  /** Starts a server; resolves when it listens. */
  static async start(options: HoldfastOptions = {}): Promise<Holdfast> {
    const holdfast = new Holdfast(options);
    await holdfast.start();
    return holdfast;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get client(): Client {
    return new Client(this.url, TOKEN);
  }

  /** A project folder in this test's root. */
  folder(name: string): string {
    const path = join(this.root, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Starts (again). Rejects with what it printed when it ends before it listens. */
  async start(env: Record<string, string> = {}): Promise<void> {
    const child = spawn(process.execPath, [this.#options.program ?? join(packageRoot, 'server/main.ts')], {
      cwd: this.root,
      env: {
        ...programEnv,
        HOME: this.root,
        PORT: '0',
        DATA_DIR: this.dataDir,
        AUTH_TOKEN: TOKEN,
        PROJECT_ROOTS: this.root,
        DEFAULT_AGENT: 'echo',
        LOG_LEVEL: 'warn',
        ...this.#options.env,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let printed = '';
    this.url = await new Promise<string>((resolve, reject) => {
      const read = (bytes: Buffer): void => {
        printed += bytes.toString();
        this.output += bytes.toString();
        const url = LISTENS.exec(printed)?.[1];
        if (url !== undefined) resolve(url);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code, signal) => reject(new Error(`The server ended (${code ?? signal}) before it listened: ${printed}`)));
    });
  }

  /** Resolves when the server has ended by itself. */
  ended(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.ended();
  }

  /** Ends the server regularly; its agents go on. */
  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.ended();
  }

  /** The journals' folders. */
  incarnations(): string[] {
    const folder = join(this.dataDir, 'incarnations');
    return readdirSync(folder).map((name) => join(folder, name));
  }

  /** Ends the server and every process of its agents, and removes the folder. Call it in a `finally` or `afterEach`. */
  async dispose(): Promise<void> {
    await this.kill();
    for (const { mark } of markedProcesses(this.#dataId())) {
      const folder = join(this.dataDir, 'incarnations', mark.slice(mark.indexOf('/') + 1));
      await terminate({ folder, mark, identities: {}, graceMs: { eof: 0, term: 0 } }, 'kill');
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** Marks begin with the data folder's id; any agent's environment tells it. */
  #dataId(): string {
    for (const folder of this.#foldersQuietly()) {
      for (const name of ['sh', 'agent']) {
        try {
          const environment = readFileSync(`/proc/${readFileSync(join(folder, name), 'utf8').trim()}/environ`, 'latin1');
          const mark = /HOLDFAST_INCARNATION=([^/\0]+)\//.exec(environment)?.[1];
          if (mark !== undefined) return mark;
        } catch {
          // that one has ended
        }
      }
    }
    return 'no agent is alive';
  }

  #foldersQuietly(): string[] {
    try {
      return this.incarnations();
    } catch {
      return [];
    }
  }
}
