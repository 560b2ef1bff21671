import { expect } from 'vitest';
import type { EventView } from '../../server/contracts/events.ts';

/** What `tokens=N` is answered with. */
export function tokens(count: number): string {
  return Array.from({ length: count }, (_, index) => `w${index + 1}`).join(' ');
}

/** Every rung of the delivery ladder of a turn that was answered. */
export const wholeLadder = ['turn.accepted', 'turn.written', 'turn.acknowledged', 'turn.started', 'turn.completed'];

/** The steps of a turn in the order of the log. */
export function ladderOf(events: readonly EventView[], turnId: string): string[] {
  return events.filter((event) => event.channel === 'turn' && event.turnId === turnId).map((event) => event.kind);
}

/** What a reader of deltas has put together for a turn. */
export function streamedText(events: readonly EventView[], turnId: string): string {
  return events.map((event) => (event.kind === 'text' && event.turnId === turnId ? event.data.delta : '')).join('');
}

/** What a turn's whole messages say. */
function wholeTexts(events: readonly EventView[], turnId: string): string[] {
  return events.flatMap((event) =>
    event.kind === 'message' && event.turnId === turnId && event.data.role === 'assistant' ? [event.data.text] : [],
  );
}

/** Fails unless `seq` counts 1, 2, 3… in this order. */
export function expectNoHoles(events: readonly EventView[]): void {
  const wrong = events.findIndex((event, index) => event.seq !== index + 1);
  expect(wrong < 0 ? 'no holes' : events.slice(Math.max(0, wrong - 2), wrong + 2)).toBe('no holes');
}

/** Fails unless a turn was accepted, written, acknowledged, started and completed once each, and its answer stands there once and whole. */
export function expectAnsweredOnce(events: readonly EventView[], turnId: string, text: string): void {
  expect(ladderOf(events, turnId)).toEqual(wholeLadder);
  expect(streamedText(events, turnId)).toBe(text);
  expect(wholeTexts(events, turnId)).toEqual([text]);
  const end = events.find((event) => event.kind === 'turn.completed' && event.turnId === turnId);
  expect(end).toMatchObject({ data: { text } });
}
