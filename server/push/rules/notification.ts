import { createHash } from 'node:crypto';

/** What somebody is told, before it is made to fit a push. Texts are whole, and may hold secrets: `alertPayload` masks and cuts them. */
export interface Notification {
  /** The kind of its event, or `test`. */
  kind: string;
  /** What it is about: of two with one subject a phone shows the newer. At most 64 bytes. */
  subject: string;
  title: string;
  subtitle?: string;
  body: string;
  /** Names the actions that the app offers with it. */
  category?: Category;
  level: 'passive' | 'active' | 'time-sensitive';
  /** 0 to 1: which of several is shown first. */
  relevance: number;
  /** Members for the app, beside those that all have. */
  fields: Record<string, unknown>;
  /** The whole answer, for `message`, or for `preview` where it does not fit. */
  text?: string;
  /** Milliseconds after the event after which nobody needs it any more. */
  keepMs: number;
}

/** Categories that a companion app registers, each with its actions in its own words. */
export type Category =
  'HOLDFAST_APPROVAL' | 'HOLDFAST_APPROVAL_DESTRUCTIVE' | 'HOLDFAST_QUESTION' | 'HOLDFAST_ANSWER' | 'HOLDFAST_RETRY' | 'HOLDFAST_EXPIRING';

/** What one event means for the phones of its owner. */
export interface Verdict {
  /** What is to be shown. */
  notification?: Notification;
  /** Apps that are shown nothing are to look again. */
  sync?: true;
  /** Subjects that need nobody any more. */
  settles?: string[];
}

/** What is said of a turn that was interrupted. */
export const interruptedText = (reason: string): string => `The agent ended before it was done (${reason}).`;

/** What silent pushes of one session are about: only the newest is worth anything. */
export const syncSubject = (sessionId: string): string => subjectOf('sync', sessionId);

/** What a header can carry, as Apple allows it. */
const COLLAPSE_ID = /^[\x21-\x7e]{1,64}$/;

/** A subject, which is also the collapse id; what is no such id (agents name their requests as they like) becomes a hash. */
export function subjectOf(...parts: string[]): string {
  const subject = parts.join(':');
  return COLLAPSE_ID.test(subject) ? subject : `h:${createHash('sha256').update(subject).digest('base64url')}`;
}
