import type { EventView } from '../../server/contracts/events.ts';
import type { ChatAccepted, ChatCompleted, MessagesPage, SessionView, StatusView } from '../../server/contracts/views.ts';

export interface Reply<T> {
  status: number;
  headers: Headers;
  body: T;
}

/** What a companion app does, in a few lines. */
export class Client {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' };
  }

  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply<T>> {
    const init = { method, headers: { ...this.headers, ...headers } };
    const response = await fetch(this.url + path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? null : JSON.parse(text)) as T };
  }

  send(body: Record<string, unknown>): Promise<Reply<ChatAccepted>> {
    return this.call('POST', '/api/chat', body);
  }

  /** Sends and waits for the outcome. */
  async ask(body: Record<string, unknown>): Promise<ChatCompleted> {
    const { status, body: answer } = await this.call<ChatCompleted>('POST', '/api/chat', { wait: true, ...body });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async status(sessionId: string): Promise<StatusView> {
    return (await this.call<StatusView>('GET', `/api/sessions/${sessionId}/status`)).body;
  }

  async session(sessionId: string): Promise<SessionView> {
    return (await this.call<SessionView>('GET', `/api/sessions/${sessionId}`)).body;
  }

  async messages(sessionId: string): Promise<MessagesPage['messages']> {
    return (await this.call<MessagesPage>('GET', `/api/sessions/${sessionId}/messages?limit=1000`)).body.messages;
  }

  /** All events after a cursor, page by page. */
  async events(sessionId: string, after = 0): Promise<EventView[]> {
    const events: EventView[] = [];
    let cursor = after;
    for (;;) {
      const { body } = await this.call<{ events: EventView[]; cursor: number; hasMore: boolean }>(
        'GET',
        `/api/sessions/${sessionId}/events?after=${cursor}&limit=1000`,
      );
      events.push(...body.events);
      cursor = body.cursor;
      if (!body.hasMore) return events;
    }
  }

  /** Events as they come, until `done` says so, the signal aborts, or the connection ends. */
  async *stream(path: string, init: RequestInit = {}): AsyncGenerator<EventView> {
    const response = await fetch(this.url + path, {
      ...init,
      headers: { ...this.headers, accept: 'text/event-stream', ...(init.headers as Record<string, string>) },
    });
    if (response.status !== 200 || !response.body) throw new Error(`${response.status}: ${await response.text()}`);
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const data = part.split('\n').find((line) => line.startsWith('data: '));
        if (data !== undefined) yield JSON.parse(data.slice(6)) as EventView;
      }
    }
  }
}
