import { describe, expect, it } from 'vitest';
import { instant, quietAt, quietNow, type QuietHours } from '../../server/push/devices/quiet-hours.ts';

const MINUTE = 60_000;
const DAY = 1_440;
const night = (from: string, to: string, timeZone: string): QuietHours => ({ from, to, timeZone, allowTimeSensitive: true });
const at = (text: string): number => Date.parse(text);

/** Zones with a summer time of an hour, of half an hour, of two hours, with changes at midnight, south of the equator, and with none. */
const zones = [
  ...['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Antarctica/Troll', 'Africa/Cairo', 'America/Santiago'],
  ...['Africa/Casablanca', 'America/St_Johns', 'Asia/Kathmandu', 'Asia/Beirut'],
];

/** What the clocks of a zone show, as minutes since 1970 as if it were UTC: written in another way than the code's own. */
function wallMinutes(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (time) => Math.floor(Date.parse(`${format.format(time).replace(' ', 'T')}Z`) / MINUTE);
}

/** Minutes of 2026 and 2027 (since 1970) at which the clocks of a zone change. */
function changes(timeZone: string): number[] {
  const wall = wallMinutes(timeZone);
  const ahead = (minute: number): number => wall(minute * MINUTE) - minute;
  const found: number[] = [];
  const end = at('2028-01-01T00:00:00Z') / MINUTE;
  for (let minute = at('2026-01-01T00:00:00Z') / MINUTE; minute < end; minute += 720) {
    let [early, late] = [minute, minute + 720];
    if (ahead(early) === ahead(late)) continue;
    while (late - early > 1) {
      const middle = (early + late) >> 1;
      if (ahead(middle) === ahead(early)) early = middle;
      else late = middle;
    }
    found.push(late);
  }
  return found;
}

/** Somebody who watches the clock minute by minute: a time is reached when the clock first shows it or a later one. */
function watched(hours: QuietHours, from: number, to: number, step: number): boolean[] {
  const wall = wallMinutes(hours.timeZone);
  const [begin, end] = [hours.from, hours.to].map((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));
  let reached = 0;
  const quiet: boolean[] = [];
  for (let minute = from; minute < to; minute += step) {
    reached = Math.max(reached, wall(minute * MINUTE));
    const time = reached % DAY;
    const [b = 0, e = 0] = [begin, end];
    quiet.push(b < e ? b <= time && time < e : time >= b || time < e);
  }
  return quiet;
}

/** The same numbers in each run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('quiet hours', () => {
  it('[DV20] last from the one time of day to the other, over midnight or not, to the millisecond', () => {
    const berlin = night('22:00', '07:00', 'Europe/Berlin');
    expect(quietNow(berlin, at('2026-01-15T20:59:59.999Z'))).toBe(false);
    expect(quietNow(berlin, at('2026-01-15T21:00:00Z'))).toBe(true);
    expect(quietNow(berlin, at('2026-01-16T05:59:59.999Z'))).toBe(true);
    expect(quietNow(berlin, at('2026-01-16T06:00:00Z'))).toBe(false);
    const lunch = night('12:00', '13:30', 'Asia/Kathmandu');
    expect(quietNow(lunch, at('2026-06-01T06:14:59Z'))).toBe(false);
    expect(quietNow(lunch, at('2026-06-01T06:15:00Z'))).toBe(true);
    expect(quietNow(lunch, at('2026-06-01T07:45:00Z'))).toBe(false);
  });

  it('[DV21] are those of the clock on the wall, in summer and in winter', () => {
    const berlin = night('22:00', '07:00', 'Europe/Berlin');
    expect(quietNow(berlin, at('2026-07-15T20:00:00Z'))).toBe(true);
    expect(quietNow(berlin, at('2026-07-16T05:00:00Z'))).toBe(false);
    expect(quietNow(berlin, at('2026-01-16T05:00:00Z'))).toBe(true);
  });

  it('[DV21] a night in which the clocks change is one piece', () => {
    // 02:00 to 03:00 is skipped: a night that begins in it begins at the change.
    expect(instant('Europe/Berlin', at('2026-03-29T02:30:00Z'))).toBe(at('2026-03-29T01:00:00Z'));
    // 02:00 to 03:00 comes twice: what ends in it ends at the first time, what begins in it too.
    const ends = night('22:00', '02:30', 'Europe/Berlin');
    expect(quietNow(ends, at('2026-10-25T00:29:59Z'))).toBe(true);
    expect(quietNow(ends, at('2026-10-25T00:30:00Z'))).toBe(false);
    expect(quietNow(ends, at('2026-10-25T01:15:00Z'))).toBe(false);
    const begins = night('02:30', '03:00', 'Europe/Berlin');
    expect(quietNow(begins, at('2026-10-25T00:30:00Z'))).toBe(true);
    expect(quietNow(begins, at('2026-10-25T01:15:00Z'))).toBe(true);
    expect(quietNow(begins, at('2026-10-25T02:00:00Z'))).toBe(false);
  });

  it.each(zones)('[DV21] in %s they are what somebody sees who watches the clock, over every change of it', (timeZone) => {
    const random = seeded(timeZone.length * 97 + timeZone.charCodeAt(0));
    const clock = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    const moments = changes(timeZone);
    if (timeZone !== 'Asia/Kathmandu') expect(moments.length).toBeGreaterThanOrEqual(3);
    for (const moment of moments.length > 0 ? moments : [at('2026-03-29T01:00:00Z') / MINUTE]) {
      for (let round = 0; round < 3; round++) {
        // Half of them have an end in the very hours of the change.
        const near = (wallMinutes(timeZone)(moment * MINUTE) % DAY) - 120 + random(48) * 5;
        const begin = round % 2 === 0 ? (near + DAY) % DAY : random(288) * 5;
        const hours = night(clock(begin), clock((begin + 5 + random(287) * 5) % DAY), timeZone);
        const [from, to] = [moment - DAY - 600, moment + DAY];
        const seen = watched(hours, from, to, 5);
        const told = seen.map((_, index) => quietNow(hours, (from + index * 5) * MINUTE));
        const differs = seen.findIndex((quiet, index) => quiet !== told[index]);
        expect({ hours, differs: differs < 0 ? null : new Date((from + differs * 5) * MINUTE).toISOString() }).toEqual({
          hours,
          differs: null,
        });
      }
    }
  });

  it('[DV22] many devices with the same nights cost little', () => {
    const isQuiet = quietAt(at('2026-01-15T23:00:00Z'));
    const kinds = zones.map((timeZone) => night('22:00', '07:00', timeZone));
    const before = performance.now();
    for (let count = 0; count < 10_000; count++) isQuiet({ ...(kinds[count % kinds.length] as QuietHours) });
    expect(performance.now() - before).toBeLessThan(200);
  });
});
