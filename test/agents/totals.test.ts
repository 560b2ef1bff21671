import { describe, expect, it } from 'vitest';
import { agents } from '../../config/agents.ts';
import { driverOf } from '../../server/agents/catalogue.ts';
import type { Output } from '../../server/agents/driver.ts';
import { replay, transcriptsOf } from './replay.ts';

const played = agents.flatMap((entry) => {
  const driver = driverOf(entry);
  return driver ? transcriptsOf(entry.agent).map(({ name, entries }) => ({ name, outputs: replay(driver, entries).outputs })) : [];
});

describe('what a turn used', () => {
  it.each(played)('[TO3] is told once before its end, as its end has it: $name', ({ outputs }) => {
    const ends = outputs.filter((output): output is Output & { kind: 'turn.completed' } => output.kind === 'turn.completed');
    for (const end of ends) {
      const { usage, costUsd } = end.result;
      const before = outputs.slice(0, outputs.indexOf(end));
      const told = before.flatMap((output) => (output.kind === 'usage' && output.turnId === end.turnId ? [output.data] : []));
      expect(told).toEqual(usage === null ? [] : [{ usage, costUsd }]);
    }
  });
});
