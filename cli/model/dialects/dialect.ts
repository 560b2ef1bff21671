import type { ServerResponse } from 'node:http';
import type { Answer, Prompt } from '../script.ts';

/** A request for an answer, as a dialect read it. */
export interface ModelCall extends Prompt {
  model: string;
  stream: boolean;
  /** How hard it is to think, where that was said. */
  effort?: string | undefined;
  /** True for what an agent asks on its own account. */
  side: boolean;
  /** How many messages the conversation has, and how many bytes of JSON. */
  messages: number;
  size: number;
  /** The names of the tools that the agent offers, as it calls them. */
  tools: string[];
}

/** An answer that is written, with what its shape needs beside it. `id` is this answer's alone. */
export interface Reply {
  call: ModelCall;
  id: string;
  inputTokens: number;
  answer: Extract<Answer, { kind: 'blocks' }>;
}

type Send = (res: ServerResponse, reply: Reply) => Promise<void> | void;

/** Sends an answer in the way that its request asked for. */
export const sending =
  (stream: Send, whole: Send): Dialect['send'] =>
  async (res, reply) =>
    reply.call.stream ? stream(res, reply) : whole(res, reply);

/** The API of one kind of model provider: how requests are read, and in which shape answers and errors are written. */
export interface Dialect {
  readonly name: string;
  /** Whether this path (without a query) is its own, for a request that asks for an answer. */
  asks(method: string, path: string): boolean;
  /** The request in the body that came to `path`; null for one that is none. */
  read(body: unknown, path: string): ModelCall | null;
  /** What it answers to a path beside, such as a list of models or a count of tokens; undefined for a path that it doesn't know. */
  beside?(method: string, path: string, body: unknown): unknown;
  /** Answers with an error in the API's own shape. */
  sendError(res: ServerResponse, status: number, message: string): void;
  /** The answer, streamed where the request asked for that. */
  send(res: ServerResponse, reply: Reply): Promise<void>;
}
