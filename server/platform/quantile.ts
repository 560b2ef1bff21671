/** Buckets in rising order; `count` is how many values are at most `upTo`. The last one is infinite. */
export type Distribution = readonly { upTo: number; count: number }[];

/** The value that a share of all values is at most, as Prometheus estimates it: evenly spread within its bucket. Null without values. */
export function quantile(distribution: Distribution, share: number): number | null {
  const total = distribution.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const rank = total * share;
  const at = distribution.findIndex(({ count }) => count >= rank);
  const bucket = distribution[at];
  const before = distribution[at - 1] ?? { upTo: 0, count: 0 };
  // Beyond the last bound nothing is known but that bound.
  if (!bucket || bucket.upTo === Infinity) return before.upTo;
  return before.upTo + ((bucket.upTo - before.upTo) * (rank - before.count)) / (bucket.count - before.count);
}
