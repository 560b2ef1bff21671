import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';

const folder = join(packageRoot, 'ios-client-contracts/fixtures');
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
/** As sentences say it. */
const minute = /\d{4}-\d\d-\d\d \d\d:\d\d/g;

/** What differs from run to run, by the member that holds it. */
const steady: Record<string, unknown> = {
  ...{ pid: 4711, seq: 7, cursor: 42, durationMs: 1200, firstTokenMs: 350, memoryMb: 182.5, usedMb: 182.5, cpuPercent: 1.5 },
  ...{ used: 330, silentMs: 1234, averageMs: 1200, p50Ms: 1100, p95Ms: 2300, serverMb: 92.5, lagBytes: 0, mostLagBytes: 0 },
  ...{
    uptimeSeconds: 12.5,
    version: '1.2.3',
    node: 'v24.0.0',
    sqlite: '3.54.0',
    timestamp: 1767225600000,
    ticket: 'c2luZ2xlLXVzZSB0aWNrZXQ',
    nextBefore: '1767225600000.2',
    headSeq: 42,
    startedAt: 1767225600,
    endedAt: 1767225602,
  },
};

/** Members that hold figures of a run by name, such as events by channel. */
const steadyWithin: Record<string, number> = { total: 120, perSecond: 2, agentsMb: 45.5 };

/** The same value with stable ids, times, figures and places, so that two runs give the same text. */
export function normalise(value: unknown, places: Record<string, string>): unknown {
  const ids = new Map<string, string>();
  const idOf = (id: string): string => {
    if (!ids.has(id)) ids.set(id, `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, '0')}`);
    return ids.get(id) ?? id;
  };
  const text = (raw: string): string =>
    Object.entries(places)
      .reduce((changed, [place, name]) => changed.replaceAll(place, name), raw)
      .replaceAll(uuid, idOf)
      .replaceAll(time, '2026-01-01T00:00:00.000Z')
      .replaceAll(minute, '2026-01-01 00:00')
      .replaceAll(/\d+( MB (are )?free)/g, '50000$1');
  const walk = (part: unknown, name = '', holder = ''): unknown => {
    if (typeof part === 'number' && steadyWithin[holder] !== undefined) return steadyWithin[holder];
    // A time is a number in one place and a text in another.
    if (part !== null && typeof part === typeof steady[name]) return steady[name];
    if (typeof part === 'string') return text(part);
    // On a machine with many agents `tail` complains that it has to poll.
    if (Array.isArray(part)) return part.filter((item) => !String(item).startsWith('tail: inotify')).map((item) => walk(item));
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, member]) => [text(key), walk(member, key, name)]));
  };
  return walk(value);
}

/** The committed fixtures of a kind, by name. With UPDATE_FIXTURES=1 they are first replaced by these. */
export function fixtures(kind: 'events' | 'bodies' | 'errors', fresh: Record<string, unknown>): Record<string, unknown> {
  const place = join(folder, kind);
  if (process.env['UPDATE_FIXTURES'] === '1') {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    for (const [name, value] of Object.entries(fresh)) writeFileSync(join(place, `${name}.json`), `${JSON.stringify(value, null, 2)}\n`);
  }
  const names = readdirSync(place).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(
    names.map((name) => [name.slice(0, -'.json'.length), JSON.parse(readFileSync(join(place, name), 'utf8')) as unknown]),
  );
}
