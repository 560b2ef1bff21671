/** Hours of each day in which a device is left alone, by the clock on the wall of its time zone. */
export interface QuietHours {
  /** 'HH:MM'; both are times of day, and where `to` is not after `from` it is that of the next day. */
  from: string;
  to: string;
  /** An IANA name, such as Europe/Berlin. */
  timeZone: string;
  /** What holds up an agent (an approval, a question) comes through all the same. */
  allowTimeSensitive: boolean;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Zones that are kept ready; there are about 600. */
const MOST_ZONES = 700;

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Whether it is quiet at a time (milliseconds since 1970). A night is one piece, also where clocks change in it: it begins when the
 * clock first shows `from` and ends when it next first shows `to`, and a time that a change skips is the moment of the change.
 */
export function quietNow({ from, to, timeZone }: QuietHours, now: number): boolean {
  const start = minutes(from);
  const length = (minutes(to) - start + 1_440) % 1_440;
  const midnight = Math.floor((now + offset(timeZone, now)) / DAY) * DAY;
  // The night that began today, and that of yesterday, which may still last.
  return [midnight, midnight - DAY].some((day) => {
    const wallStart = day + start * MINUTE;
    return instant(timeZone, wallStart) <= now && now < instant(timeZone, wallStart + length * MINUTE);
  });
}

/** `quietNow` for one moment and many devices: each kind of night is looked at once. */
export function quietAt(now: number): (hours: QuietHours) => boolean {
  const known = new Map<string, boolean>();
  return (hours) => {
    const key = `${hours.from} ${hours.to} ${hours.timeZone}`;
    const quiet = known.get(key) ?? quietNow(hours, now);
    known.set(key, quiet);
    return quiet;
  };
}

/** The first moment at which the clocks of a zone show a time or, where they skip it, a later one. `wall` is that time as if it were UTC. */
export function instant(timeZone: string, wall: number): number {
  const before = offset(timeZone, wall - DAY);
  const after = offset(timeZone, wall + DAY);
  const fits = [wall - before, wall - after].filter((time) => time + offset(timeZone, time) === wall);
  if (fits.length > 0) return Math.min(...fits);
  let [early, late] = [wall - Math.max(before, after), wall - Math.min(before, after)];
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2);
    if (middle + offset(timeZone, middle) < wall) early = middle;
    else late = middle;
  }
  return late;
}

/** What the clocks of a zone are ahead of UTC at a time, in milliseconds. */
function offset(timeZone: string, time: number): number {
  const parts = new Map(
    format(timeZone)
      .formatToParts(time)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(time / 1_000) * 1_000;
}

function format(timeZone: string): Intl.DateTimeFormat {
  let known = formats.get(timeZone);
  if (known) return known;
  const numbers = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
  known = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...numbers });
  if (formats.size >= MOST_ZONES) formats.clear();
  formats.set(timeZone, known);
  return known;
}

function minutes(time: string): number {
  const [hours = 0, rest = 0] = time.split(':').map(Number);
  return hours * 60 + rest;
}
