import type { Client, Reply } from './client.ts';

type Body = Record<string, unknown>;

/** What the published app makes of an answer to a chat request: it waits for a push, shows a text, or shows an error. */
export type Understood =
  { kind: 'pushed'; sessionId: string } | { kind: 'shown'; sessionId: string; text: string } | { kind: 'error'; text: string } | 'nothing';

/** The published app, as far as the server sees it: its requests word for word, and how it reads what it gets. */
export class PublishedApp {
  readonly #client: Client;
  /** The app sends it as soon as it has one. */
  deviceToken: string | undefined;
  /** Session ids by project, as the app keeps them. */
  readonly sessions = new Map<string, string>();

  constructor(client: Client, deviceToken?: string) {
    this.#client = client;
    this.deviceToken = deviceToken;
  }

  body(message: string, projectPath: string, more: Body = {}): Body {
    const sessionId = this.sessions.get(projectPath);
    return {
      message,
      timestamp: new Date().toISOString().replace(/\.\d+/, ''),
      mode: 'normal',
      ...(projectPath === '__workspace__' ? { workspace: true } : {}),
      projectPath,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(this.deviceToken === undefined ? {} : { deviceToken: this.deviceToken }),
      ...more,
    };
  }

  async send(message: string, projectPath: string, more: Body = {}): Promise<Understood> {
    const understood = this.read(await this.#client.call<Body>('POST', '/api/chat', this.body(message, projectPath, more)));
    if (understood !== 'nothing' && 'sessionId' in understood) this.sessions.set(projectPath, understood.sessionId);
    return understood;
  }

  /** Its rules: an error status has `error` as a text; else `deliveryMethod: "apns"` is a receipt, else `content` is the answer. */
  read({ status, body }: Reply<Body>): Understood {
    if (status >= 400) return typeof body['error'] === 'string' ? { kind: 'error', text: body['error'] } : 'nothing';
    const sessionId = body['claudeSessionId'] ?? body['sessionId'];
    if (status < 200 || status > 299 || typeof sessionId !== 'string') return 'nothing';
    if (body['success'] === true && body['deliveryMethod'] === 'apns') return { kind: 'pushed', sessionId };
    return typeof body['content'] === 'string' ? { kind: 'shown', sessionId, text: body['content'] } : 'nothing';
  }
}
