import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from '../../server/process/identity.ts';
import { messageOf } from '../../server/platform/app-error.ts';
import { claudeEnv, prepareClaudeHome } from '../model/claude-env.ts';
import { startModelServer, type ModelServer } from '../model/model-server.ts';
import { companionCategories } from '../push-sandbox/categories.ts';
import { startPushSandbox, type PushSandbox } from '../push-sandbox/push-sandbox.ts';
import { chooseAgent, type DemoAgent } from './agent.ts';
import type { DemoPlace } from './commands.ts';
import { makeDemoFolder, removeDemoFolder, removeLeftovers, type DemoFolder } from './folder.ts';
import { startServerProcess, type Listening, type ServerProcess } from './server-process.ts';
import { introduction, restarted } from './text.ts';

const READY_MS = 30_000;
const TRIES = 3;
/** The phone of the demo, as Apple would name it. */
const DEVICE = { token: 'd3'.repeat(32), platform: 'ios', name: 'Demo phone' };
const SIGNALS_AGAIN_MS = 1_000;

/** A server with an agent and its model, in a folder of their own, started again whenever the server is killed. */
export class Demo {
  readonly #env: NodeJS.ProcessEnv;
  readonly #say: (text: string) => void;
  readonly #folder: DemoFolder = makeDemoFolder();
  readonly #token = `demo-${randomBytes(9).toString('base64url')}`;
  #model: ModelServer | null = null;
  #pushes: PushSandbox | null = null;
  #agent: DemoAgent = { agent: 'echo', because: '' };
  #server: ServerProcess | null = null;
  #process: ProcessIdentity | null = null;
  #ending: Promise<number[]> | null = null;

  constructor(env: NodeJS.ProcessEnv, say: (text: string) => void) {
    this.#env = env;
    this.#say = say;
  }

  /** Runs until `end` is called. Rejects when the server does not come up. */
  async run(): Promise<void> {
    this.#say('Starting…');
    for (const root of await removeLeftovers()) this.#say(`Cleared up after a demo that was killed: ${root}`);
    this.#agent = await chooseAgent(this.#env);
    prepareClaudeHome(this.#folder.home);
    this.#model = await startModelServer();
    this.#pushes = await startPushSandbox({ folder: this.#folder.push, controlPort: 0, categories: companionCategories });
    let server = await this.#startServer(0);
    const { sessionId, cursor } = await this.#makeSession(server);
    await this.#call(server, 'POST', '/api/devices', DEVICE);
    const phoneUrl = this.#pushes.controlUrl ?? '';
    const place: DemoPlace = { url: server.url, token: this.#token, sessionId, serverPid: server.pid, cursor, phoneUrl };
    this.#say(introduction(this.#agent, this.#process?.pid ?? 0, this.#folder.root, place));
    for (;;) {
      const how = await this.#server?.ended;
      if (this.#ending) return;
      const old = server;
      server = await this.#startServer(old.port);
      const lives = this.#process !== null && isAlive(this.#process);
      this.#say(restarted(how ?? 'ended', old.pid, server.pid, { pid: this.#process?.pid ?? 0, lives }));
      if (server.url !== old.url) {
        this.#say('Its port was taken meanwhile, so the commands are others now.');
        this.#say(
          introduction(this.#agent, this.#process?.pid ?? 0, this.#folder.root, { ...place, url: server.url, serverPid: server.pid }),
        );
      }
    }
  }

  /** Ends everything and removes the folder; resolves to the pids that could not be ended. Calling it again waits for the same end. */
  end(): Promise<number[]> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  get root(): string {
    return this.#folder.root;
  }

  async #end(): Promise<number[]> {
    // Also one that is only just starting again: it would make its folder anew.
    await this.#server?.end();
    const left = await removeDemoFolder(this.#folder.root);
    await Promise.all([this.#model?.close(), this.#pushes?.close()]);
    return left;
  }

  /** Starts the server on a port (0: a free one), a few times, and on another port where that one is taken. */
  async #startServer(port: number): Promise<Listening> {
    for (let attempt = 1; ; attempt++) {
      if (this.#ending) throw new Error('The demo is ending.');
      try {
        this.#server = startServerProcess(this.#serverEnv(attempt === TRIES ? 0 : port), this.#folder.root, (text) => this.#log(text));
        return await this.#server.listening;
      } catch (error) {
        if (this.#ending || attempt === TRIES) throw error;
        await pause(300 * attempt);
      }
    }
  }

  #log(text: string): void {
    // What a server says at its end is for those whose agents go on.
    if (!this.#ending) this.#say(text.trimEnd());
  }

  /** All that the server sees: nothing of the user's settings, and no account. */
  #serverEnv(port: number): Record<string, string> {
    const { root, dataDir, home, temporary } = this.#folder;
    const passed = ['PATH', 'LANG', 'LC_ALL', 'TERM', 'USER', 'SHELL'].flatMap((name) => {
      const value = this.#env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      ...Object.fromEntries(passed),
      ...claudeEnv(this.#model?.url ?? '', home),
      ...this.#pushes?.settings,
      ...(this.#agent.agent === 'claude' ? { CLAUDE_COMMAND: this.#agent.command } : {}),
      TMPDIR: temporary,
      DEFAULT_AGENT: this.#agent.agent,
      PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      AUTH_TOKEN: this.#token,
      PROJECT_ROOTS: root,
      LOG_LEVEL: 'error',
    };
  }

  /** A session with a warm agent, so that the commands can name both. */
  async #makeSession(server: Listening): Promise<{ sessionId: string; cursor: number }> {
    const { sessionId } = (await this.#call(server, 'POST', '/api/sessions', { projectPath: this.#folder.project, name: 'Demo' })) as {
      sessionId: string;
    };
    await this.#call(server, 'POST', `/api/sessions/${sessionId}/wake`);
    for (const until = Date.now() + READY_MS; Date.now() < until; await pause(50)) {
      const session = (await this.#call(server, 'GET', `/api/sessions/${sessionId}`)) as { state: string; pid?: number; cursor: number };
      if (session.state === 'starting') continue;
      if (session.pid === undefined) break;
      this.#process = identify(session.pid);
      return { sessionId, cursor: session.cursor };
    }
    throw new Error('The agent did not start.');
  }

  async #call(server: Listening, method: string, path: string, body?: unknown): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
    const response = await fetch(server.url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error((answer as { detail?: string }).detail ?? `${response.status}`);
    return answer;
  }
}

/** Runs a demo until a signal or its own end; resolves to the exit code. */
export async function runDemo(env: NodeJS.ProcessEnv): Promise<number> {
  let closed = false;
  const say = (text: string): void => {
    if (!closed) console.log(text);
  };
  const demo = new Demo(env, say);
  const end = async (why: string, code: number): Promise<number> => {
    say(why);
    const left = await demo.end();
    if (left.length === 0) say(`Ended. Nothing is left of ${demo.root}.`);
    else console.error(`These processes do not end: ${left.join(' ')}. Try: kill -9 ${left.join(' ')}`);
    return left.length === 0 ? code : 1;
  };
  const asked = new Promise<string>((resolve) => {
    let since = 0;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        // npm hands on a Ctrl-C that the terminal has sent already: two at once are one.
        if (since !== 0 && Date.now() - since > SIGNALS_AGAIN_MS) say('Still ending, a moment…');
        since ||= Date.now();
        resolve(`\n${signal}: ending.`);
      });
    }
    // Whoever read our output is gone, such as `npm run demo | head`.
    process.stdout.on('error', () => {
      closed = true;
      resolve('');
    });
  });
  const failed = demo.run().then(
    () => 'The demo is over.',
    (error: unknown) => messageOf(error),
  );
  const first = await Promise.race([
    asked.then((why) => ({ why, code: 0 })),
    failed.then((why) => ({ why: `The demo cannot go on: ${why}`, code: 1 })),
  ]);
  return end(first.why, first.code);
}
