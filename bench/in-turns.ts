/** The ways of a measure in the order of this round: every other time from the last to the first, so that none always comes first. */
export function inTurns<Way>(round: number, ways: readonly Way[]): readonly Way[] {
  return round % 2 === 0 ? ways : ways.toReversed();
}
