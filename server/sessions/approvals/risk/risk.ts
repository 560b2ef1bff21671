/** How much harm a request could do, as far as that can be told from its text. */
export type RiskLevel = 'low' | 'elevated' | 'destructive';

/** A level, and why in words for its owner. */
export interface Finding {
  level: RiskLevel;
  reason: string;
}

export interface Risk {
  risk: RiskLevel;
  riskReasons: string[];
}

export const elevated = (reason: string): Finding => ({ level: 'elevated', reason });
export const destructive = (reason: string): Finding => ({ level: 'destructive', reason });

/** A command or path that is longer is not read: nobody looks at it on a phone either. */
export const MOST_CHARS = 100_000;
/** Reasons beyond these help nobody. */
const MOST_REASONS = 10;
const order = { low: 0, elevated: 1, destructive: 2 } as const;

/** The highest level that was found, with the reasons for it and, behind them, for the lower ones. */
export function worst(findings: readonly Finding[]): Risk {
  const sorted = [...findings].sort((a, b) => order[b.level] - order[a.level]);
  const reasons = [...new Set(sorted.filter(({ level }) => level !== 'low').map(({ reason }) => reason))];
  return { risk: sorted[0]?.level ?? 'low', riskReasons: reasons.slice(0, MOST_REASONS) };
}
