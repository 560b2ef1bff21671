import { toLine } from '../json.ts';
import type {
  ConfigReadParams,
  InitializeParams,
  ModelListParams,
  ThreadForkParams,
  ThreadResumeParams,
  ThreadStartParams,
  TurnInterruptParams,
  TurnStartParams,
  TurnSteerParams,
} from './protocol.ts';

/** What we ask of codex. */
interface Requests {
  initialize: InitializeParams;
  'thread/start': ThreadStartParams;
  'thread/resume': ThreadResumeParams;
  'thread/fork': ThreadForkParams;
  'turn/start': TurnStartParams;
  'turn/steer': TurnSteerParams;
  'turn/interrupt': TurnInterruptParams;
  'config/read': ConfigReadParams;
  'model/list': ModelListParams;
}

/** A request as its line. Codex's messages are JSON-RPC without the field that says so. */
export function requestLine<M extends keyof Requests>(id: string, method: M, params: Requests[M]): string {
  return toLine({ method, id, params });
}

/** The answer to a request of codex. */
export function responseLine<T>(id: string | number, result: T): string {
  return toLine({ id, result });
}

/** Refuses a request of codex, so that it doesn't wait for ever. */
export function refusalLine(id: string | number, message: string): string {
  return toLine({ id, error: { code: -32601, message } });
}
