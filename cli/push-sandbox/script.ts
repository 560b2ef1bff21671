import { z } from 'zod';
import type { PushHeaders } from './push-headers.ts';
import { isReason, reasonStatus, type Refusal } from './reasons.ts';

const delayMs = z.number().min(0).max(3_600_000).optional();
const taken = z.boolean();

/** What the service does with a push beside what Apple's rules say. */
const ScriptedAction = z.discriminatedUnion('do', [
  /** Answers 200, late where it says so. */
  z.strictObject({ do: z.literal('accept'), delayMs }),
  z.strictObject({
    do: z.literal('refuse'),
    reason: z.string().max(100),
    /** Where it is missing: the one that Apple documents for the reason. */
    status: z.int().min(400).max(599).optional(),
    /** Seconds, or an HTTP date. */
    retryAfter: z
      .union([
        z.number().min(0),
        z
          .string()
          .max(100)
          .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII, as in a header'),
      ])
      .optional(),
    /** Milliseconds since 1970, for 410. */
    timestamp: z.number().optional(),
    delayMs,
  }),
  /** Destroys the socket of the connection, with all streams in it; `taken`: the phone got this push all the same. */
  z.strictObject({ do: z.literal('cut'), taken, delayMs }),
  /** Ends only this stream, with RST_STREAM. */
  z.strictObject({ do: z.literal('reset'), taken, delayMs }),
  /** Never answers. */
  z.strictObject({ do: z.literal('silence'), taken, delayMs }),
  /** Takes and answers this push, and ends the connection with GOAWAY: streams that came after it are finished, or left unprocessed. */
  z.strictObject({ do: z.literal('goaway'), inFlight: z.enum(['finish', 'refuse']), delayMs }),
]);
export type ScriptedAction = z.infer<typeof ScriptedAction>;

/** Which pushes a rule is for. Pushes that Apple's rules refuse never get to the script. */
const When = z.strictObject({
  token: z.string().max(400).optional(),
  topic: z.string().max(300).optional(),
  pushType: z.string().max(50).optional(),
  /** The how many-th matching push from now on is the first that it applies to. */
  nth: z.int().min(1).default(1),
  /** To how many; without it, to one where `nth` is given, else to all. */
  times: z.int().min(1).optional(),
});

/** A rule of a script: `{when: {token?, topic?, pushType?, nth?, times?}, then: {do: …}}`. */
export const ScriptedRule = z
  .strictObject({ when: When.optional(), then: ScriptedAction })
  .refine(({ then }) => then.do !== 'refuse' || then.status !== undefined || isReason(then.reason), {
    path: ['then', 'status'],
    message: "is needed where the reason is none of Apple's",
  });
export type ScriptedRule = z.input<typeof ScriptedRule>;

/** A rule under way. */
export interface RunningRule {
  id: number;
  rule: ScriptedRule;
  /** Pushes that it matched, and those that it applied to. */
  matched: number;
  applied: number;
}

interface Entry extends RunningRule {
  first: number;
  times: number;
  matches: (token: string, headers: PushHeaders) => boolean;
}

const MOST_RULES = 1_000;

/** What tests and users want to go wrong. Of several rules that apply to a push, the one that was given first decides. */
export class Script {
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;

  /** Adds a rule; throws a ZodError where it is none. What it returns goes on counting. */
  add(rule: ScriptedRule): RunningRule {
    const { when, then } = ScriptedRule.parse(rule);
    if (this.#entries.size >= MOST_RULES) throw new RangeError(`A script has ${MOST_RULES} rules at most.`);
    const { token, topic, pushType } = when ?? {};
    const entry: Entry = {
      id: ++this.#lastId,
      rule: { ...(when === undefined ? {} : { when }), then },
      matched: 0,
      applied: 0,
      first: when?.nth ?? 1,
      times: when?.times ?? (rule.when?.nth === undefined ? Infinity : 1),
      matches: (ofToken, headers) =>
        (token === undefined || token.toLowerCase() === ofToken.toLowerCase()) &&
        (topic === undefined || topic === headers.topic) &&
        (pushType === undefined || pushType === headers.pushType),
    };
    this.#entries.set(entry.id, entry);
    return entry;
  }

  remove(id: number): boolean {
    return this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }

  rules(): RunningRule[] {
    return [...this.#entries.values()].map(viewOf);
  }

  /** What to do with the next push; null where no rule applies. Counts the push for every rule that matches it. */
  next(token: string, headers: PushHeaders): ScriptedAction | null {
    let chosen: Entry | null = null;
    for (const entry of this.#entries.values()) {
      if (!entry.matches(token, headers)) continue;
      entry.matched++;
      const applies = entry.matched >= entry.first && entry.matched < entry.first + entry.times;
      if (applies) chosen ??= entry;
    }
    if (chosen === null) return null;
    chosen.applied++;
    return chosen.rule.then;
  }
}

function viewOf({ id, rule, matched, applied }: Entry): RunningRule {
  return { id, rule, matched, applied };
}

/** The answer of a scripted refusal. `now` in milliseconds since 1970. */
export function scriptedRefusal(action: Extract<ScriptedAction, { do: 'refuse' }>, now: number): Refusal {
  const { reason, retryAfter } = action;
  const status = action.status ?? (isReason(reason) ? reasonStatus[reason] : 500);
  const timestamp = action.timestamp ?? (status === 410 ? now : undefined);
  return {
    status,
    reason,
    why: 'The script says so.',
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(retryAfter === undefined ? {} : { retryAfter: String(retryAfter) }),
  };
}
