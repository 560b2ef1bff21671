import { expect } from 'vitest';
import type { ExitReason } from '../../server/contracts/events.ts';
import { SessionMetricsView as Schema, type SessionMetricsView } from '../../server/contracts/metrics-views.ts';
import type { Holdfast } from './holdfast.ts';

/** One sample of Prometheus' text format. */
interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Everything that Prometheus is told. */
export async function scrape(holdfast: Holdfast): Promise<{ text: string; samples: Sample[] }> {
  const response = await fetch(`${holdfast.url}/metrics`, { headers: holdfast.client.headers });
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const samples = text.split('\n').flatMap((line): Sample[] => {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? ([-+\d.e]+|\+Inf|NaN)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => [key, of]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }];
  });
  return { text, samples };
}

/** The value of one series; undefined where there is none. */
export async function valueOf(holdfast: Holdfast, name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const { samples } = await scrape(holdfast);
  return samples.find((sample) => sample.name === name && JSON.stringify(sample.labels) === JSON.stringify(labels))?.value;
}

/** The same as JSON. */
export async function figures(holdfast: Holdfast): Promise<SessionMetricsView> {
  const { status, body } = await holdfast.client.call<SessionMetricsView>('GET', '/api/metrics/sessions');
  expect(status).toBe(200);
  return Schema.parse(body);
}

/** Fails unless so many processes have ended for this reason since the server started, in both forms. */
export async function expectExits(holdfast: Holdfast, reason: ExitReason, count: number): Promise<void> {
  expect((await figures(holdfast)).processes.exits[reason]).toBe(count);
  expect(await valueOf(holdfast, 'holdfast_process_exits_total', { reason })).toBe(count);
}
