import { toLine } from '../json.ts';
import type { AcpState, Call } from './state.ts';

/** A request of ours: its line, and the state that waits for its answer. */
export function call(state: AcpState, about: Call['about'], method: string, params: unknown): { line: string; state: AcpState } {
  const id = state.lastId + 1;
  const line = toLine({ jsonrpc: '2.0', id, method, params });
  return { line, state: { ...state, lastId: id, calls: [...state.calls, { id, about }] } };
}

/** A notification of ours. */
export function notify(method: string, params: unknown): string {
  return toLine({ jsonrpc: '2.0', method, params });
}

/** The answer to a request of the agent. */
export function answer(id: string | number, result: unknown): string {
  return toLine({ jsonrpc: '2.0', id, result });
}

/** That a request of the agent is for a method that we don't have. */
export function methodNotFound(id: string | number, method: string): string {
  return toLine({ jsonrpc: '2.0', id, error: { code: -32601, message: `Method not found: ${method}` } });
}
