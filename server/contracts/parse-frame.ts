import { AppError } from '../platform/app-error.ts';
import { IncomingFrame, RequestId } from './frames-in.ts';
import { check, sentence } from './validate.ts';

/**
 * A frame from a client. `only`: the session that a message without one goes to, on a socket for that session. Throws
 * AppError `bad-frame` that names every wrong field, with the frame's `requestId` if it had one.
 */
export function parseFrame(text: string, only: string | null = null): IncomingFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError('bad-frame', 'The frame is not JSON: send one JSON object with type and payload.', { cause: error });
  }
  const result = check(IncomingFrame, only === null ? value : withSession(value, only), 'frame');
  if ('output' in result) return result.output;
  const requestId = requestIdOf(value);
  throw new AppError('bad-frame', sentence('frame', result.fields), {
    fields: result.fields,
    ...(requestId === undefined ? {} : { members: { requestId } }),
  });
}

function withSession(value: unknown, only: string): unknown {
  const frame = value as { type?: unknown; payload?: { sessionId?: unknown } | null } | null;
  if (
    typeof frame?.type !== 'string' ||
    !/^(session\.send|terminal\.\w+)$/.test(frame.type) ||
    typeof frame.payload !== 'object' ||
    frame.payload === null
  )
    return value;
  return { ...frame, payload: { ...frame.payload, sessionId: frame.payload.sessionId ?? only } };
}

/** The `requestId` of anything that came in, so that even a wrong frame gets an answer that its sender can place. */
function requestIdOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('requestId' in value)) return undefined;
  return RequestId.safeParse(value.requestId).data;
}
