import type { DataOf, EventKind } from '../../contracts/events.ts';
import { interruptedText, subjectOf, type Notification, type Verdict } from './notification.ts';

/** An event as the rules see it. */
export interface PushEvent {
  kind: EventKind;
  /** Milliseconds since 1970. */
  at: number;
  turnId: string | null;
  data: unknown;
}

/** What the rules know of the session of an event. */
export interface SessionFacts {
  id: string;
  name: string;
  projectPath: string;
  /** The last thing that the agent said in the turn of the event. */
  reply: { id: string; text: string } | null;
}

/** Kinds of events that the rules have something to say about. Subagents speak through `tool.updated`, which is not among them. */
export const pushedKinds = [
  'turn.completed',
  'turn.failed',
  'turn.interrupted',
  'turn.cancelled',
  'approval.requested',
  'approval.resolved',
  'question.asked',
  'question.answered',
  'rate-limited',
  'resource.warning',
  'session.expiring',
  'session.extended',
  'session.failed',
  'session.stalled',
  'session.renamed',
  'session.archived',
] as const satisfies EventKind[];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Data<K extends EventKind> = DataOf<K>;

/** What an event means for its owner's phones. Pure. */
export function verdictOf(event: PushEvent, session: SessionFacts): Verdict {
  const about = { kind: event.kind, fields: fieldsOf(event, session) };
  const turn = subjectOf('turn', event.turnId ?? session.id);
  switch (event.kind) {
    case 'turn.completed': {
      const { text } = event.data as Data<'turn.completed'>;
      const said = session.reply?.text ?? text;
      return shown(session, {
        ...about,
        fields: { ...about.fields, ...(session.reply ? { messageId: session.reply.id } : {}) },
        subject: turn,
        body: said === '' ? 'Done.' : said,
        text: said,
        category: 'HOLDFAST_ANSWER',
        ...{ level: 'active', relevance: 0.6, keepMs: DAY },
      });
    }
    case 'turn.failed': {
      const { code, detail } = event.data as Data<'turn.failed'>;
      return shown(session, {
        ...about,
        fields: { ...about.fields, code },
        ...{ subject: turn, subtitle: 'Failed', body: detail, category: 'HOLDFAST_RETRY' },
        ...{ level: 'active', relevance: 0.8, keepMs: DAY },
      });
    }
    case 'turn.interrupted': {
      const { reason } = event.data as Data<'turn.interrupted'>;
      return shown(session, {
        ...about,
        fields: { ...about.fields, reason },
        ...{ subject: turn, subtitle: 'Interrupted', body: interruptedText(reason), category: 'HOLDFAST_RETRY' },
        ...{ level: 'active', relevance: 0.8, keepMs: DAY },
      });
    }
    case 'approval.requested': {
      const { approvalId, tool, title, options, expiresAt, inputHash, risk } = event.data as Data<'approval.requested'>;
      return shown(session, {
        ...about,
        fields: {
          ...about.fields,
          approvalId,
          tool,
          options: options.map(({ id, label, decision }) => ({ id, label, decision })),
          ...{ expiresAt, inputHash, risk },
        },
        ...{ subject: subjectOf('ask', approvalId), body: title },
        // A category of its own: what its actions demand, such as unlocking, is a category's on a phone.
        ...(risk === 'destructive'
          ? { subtitle: 'Needs your approval: destructive', category: 'HOLDFAST_APPROVAL_DESTRUCTIVE' as const }
          : { subtitle: 'Needs your approval', category: 'HOLDFAST_APPROVAL' as const }),
        ...{ level: 'time-sensitive', relevance: 1, keepMs: keptFor(event.at, expiresAt) },
      });
    }
    case 'question.asked': {
      const { questionId, questions, expiresAt, inputHash } = event.data as Data<'question.asked'>;
      const [first] = questions;
      const more = questions.length > 1 ? ` (and ${questions.length - 1} more)` : '';
      return shown(session, {
        ...about,
        fields: {
          ...about.fields,
          questionId,
          choices: questions.length === 1 ? first?.options.map(({ label }) => label) : undefined,
          ...{ expiresAt, inputHash },
        },
        ...{ subject: subjectOf('ask', questionId), subtitle: 'Asks you', body: `${first?.question ?? 'A question'}${more}` },
        ...{ category: 'HOLDFAST_QUESTION', level: 'time-sensitive', relevance: 1, keepMs: keptFor(event.at, expiresAt) },
      });
    }
    case 'approval.resolved':
      return { settles: [subjectOf('ask', (event.data as Data<'approval.resolved'>).approvalId)], sync: true };
    case 'question.answered':
      return { settles: [subjectOf('ask', (event.data as Data<'question.answered'>).questionId)], sync: true };
    case 'rate-limited': {
      const { resetsAt } = event.data as Data<'rate-limited'>;
      const until = resetsAt === null ? '' : ` until ${resetsAt.slice(0, 16).replace('T', ' ')} UTC`;
      return shown(session, {
        ...about,
        fields: { ...about.fields, resetsAt },
        ...{ subject: subjectOf('limit', session.id), subtitle: 'Rate limit', body: `The agent's account has reached its limit${until}.` },
        ...{ level: 'active', relevance: 0.5, keepMs: keptFor(event.at, resetsAt, HOUR) },
      });
    }
    case 'resource.warning': {
      const { what, used, limit } = event.data as Data<'resource.warning'>;
      return shown(session, {
        ...about,
        fields: { ...about.fields, what, used, limit },
        ...{ subject: subjectOf('resource', what, session.id), subtitle: 'Close to a limit' },
        body: `It uses ${Math.round(used)} of ${Math.round(limit)}${what === 'cpu' ? ' %' : ' MB'} (${what}).`,
        ...{ level: 'active', relevance: 0.4, keepMs: HOUR },
      });
    }
    case 'session.stalled':
      return shown(session, {
        ...about,
        ...{ subject: subjectOf('stall', session.id), subtitle: 'Silent', body: 'The agent has said nothing for a while.' },
        ...{ level: 'passive', relevance: 0.3, keepMs: HOUR },
      });
    case 'session.expiring': {
      const { expiresAt } = event.data as Data<'session.expiring'>;
      return shown(session, {
        ...about,
        fields: { ...about.fields, expiresAt },
        ...{ subject: subjectOf('expiry', session.id), subtitle: 'Ends soon', category: 'HOLDFAST_EXPIRING' },
        body: 'Nobody has used it for long. The conversation is kept; its process ends.',
        ...{ level: 'passive', relevance: 0.3, keepMs: keptFor(event.at, expiresAt) },
      });
    }
    case 'session.extended':
      return { settles: [subjectOf('expiry', session.id)] };
    case 'session.failed': {
      const { code, detail } = event.data as Data<'session.failed'>;
      return shown(session, {
        ...about,
        fields: { ...about.fields, code },
        ...{ subject: subjectOf('failed', session.id), subtitle: 'Does not start', body: detail, category: 'HOLDFAST_RETRY' },
        ...{ level: 'active', relevance: 0.8, keepMs: DAY },
      });
    }
    case 'turn.cancelled':
    case 'session.renamed':
    case 'session.archived':
      return { sync: true };
    default:
      return {};
  }
}

function shown(session: SessionFacts, notification: Omit<Notification, 'title'>): Verdict {
  return { notification: { title: session.name, ...notification } };
}

/** What the published app reads from every push: `requestId` is the id of the message that was sent. */
function fieldsOf(event: PushEvent, session: SessionFacts): Record<string, unknown> {
  return {
    type: event.kind,
    projectPath: session.projectPath,
    sessionId: session.id,
    claudeSessionId: session.id,
    ...(event.turnId === null ? {} : { requestId: event.turnId }),
  };
}

/** Until a time that the event names, where it does; at least a minute, at most a day. */
function keptFor(at: number, until: string | null, otherwise = DAY): number {
  return until === null ? otherwise : Math.min(DAY, Math.max(60_000, Date.parse(until) - at));
}
