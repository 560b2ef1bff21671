import type { Write } from './protocol.ts';

export interface Message {
  id?: number | string;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: unknown;
}

/** JSON-RPC over lines, as little of it as a client needs. `version` is what each message also has. */
export class JsonRpc {
  readonly #write: Write;
  readonly #version: object;
  readonly #waiting = new Map<number | string, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #last = 0;

  constructor(write: Write, version: object) {
    this.#write = write;
    this.#version = version;
  }

  /** Resolves to the result. Rejects when it is answered with an error. */
  ask<T>(method: string, params: object): Promise<T> {
    const id = ++this.#last;
    this.#write({ ...this.#version, id, method, params });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  tell(method: string): void {
    this.#write({ ...this.#version, method });
  }

  /** Takes a line. An answer goes to whoever asked; a request is refused; a notification is given back. */
  hear(text: string): Message | null {
    const message = JSON.parse(text) as Message;
    const { id, method } = message;
    if (method !== undefined && id === undefined) return message;
    if (id === undefined) return null;
    if (method !== undefined) {
      this.#write({ ...this.#version, id, error: { code: -32601, message: `There is no ${method} here.` } });
      return null;
    }
    const asked = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (message.error !== undefined) asked?.reject(new Error(text));
    else asked?.resolve(message.result as never);
    return null;
  }
}
