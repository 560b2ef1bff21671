import { z } from 'zod';

/** A session's id: a UUID in lower case. */
export const SessionId = z.uuid().toLowerCase();
/** A message's id: a UUID; stored and handed on in lower case. */
export const MessageId = z.uuid().toLowerCase();
/** An id in a path: what can't be an id is an id that nobody has, so that it is 404 and not 400. */
export const PathId = z.string().min(1).max(200).toLowerCase();
/** SHA-256 of canonical JSON (RFC 8785: members sorted, no blanks), in lower-case hex. */
export const InputHash = z.string().regex(/^[\da-f]{64}$/, 'must be 64 lower-case hex digits');
/** A cursor: the last `seq` that a client has seen; 0 before the first. */
export const Cursor = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** A point in time, ISO-8601 in UTC. */
export const Time = z.iso.datetime();
