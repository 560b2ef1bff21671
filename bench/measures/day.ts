import { Cleanup } from '../cleanup.ts';
import { ClockedServer, type Memory } from '../day/clocked-server.ts';
import { Phone } from '../day/phone.ts';
import { isScraped, keepAliveOf, messageTo, SESSIONS, TICK_SECONDS, TICKS_PER_HOUR } from '../day/schedule.ts';
import { openEchoSessions } from '../echo-sessions.ts';
import type { Row } from '../report.ts';
import { slope } from '../statistics.ts';

const HOURS = 24;
const MOST_GROWTH = 0.1;
/** Timers of a shorter pace run once in each step. */
const STEP_SECONDS = 5;
const SETTINGS = {
  HEALTH_CHECK_INTERVAL_SECONDS: String(TICK_SECONDS),
  SESSION_TIMEOUT_HOURS: '1',
  // An agent's CPU is that of the machine's time, in which half a minute lasts milliseconds: a start would look like a loop.
  CPU_USAGE_LIMIT_PERCENT: '100000',
};

/**
 * A day of the whole server with ten echo sessions, on a clock that is put on by half a minute, 2,880 times: about 20 ms each,
 * so that the day lasts about a minute. At each step one session gets a message over a socket that comes and goes, a
 * health check runs, and the list of sessions is looked at; every hour each session is kept alive and recapped, every
 * five minutes the figures are read, and once a day each session is left alone until it expires, and is then resumed.
 * What the server's process has in use after a collection of its garbage, at the end and after the first hour: the
 * JavaScript heap with what hangs on it, and the resident set, in which SQLite's memory is, too.
 */
export async function day(): Promise<Row[]> {
  const cleanup = new Cleanup();
  try {
    const server = await ClockedServer.start(cleanup, SETTINGS);
    const phone = await Phone.connect(server.holdfast);
    const ids = await openEchoSessions(server.holdfast, SESSIONS);
    const { messages, hourly } = await live(server, phone, ids);
    for (const id of ids) {
      const expiries = await phone.expiries(id);
      if (expiries !== 1) throw new Error(`Session ${id} expired ${expiries} times.`);
    }
    return [row(`JavaScript heap and external (${messages} messages)`, hourly, 'used'), row('resident set', hourly, 'resident')];
  } finally {
    await cleanup.run();
  }
}

/** Lives the day; gives the memory at the end of each hour. */
async function live(server: ClockedServer, phone: Phone, ids: readonly string[]): Promise<{ messages: number; hourly: Memory[] }> {
  const { client } = server.holdfast;
  const hourly: Memory[] = [];
  let messages = 0;
  for (let tick = 1; tick <= HOURS * TICKS_PER_HOUR; tick++) {
    await server.advance(TICK_SECONDS * 1_000, STEP_SECONDS * 1_000);
    await phone.settled();
    const talkedTo = ids[messageTo(tick) ?? -1];
    if (talkedTo !== undefined) {
      await phone.talk(talkedTo, `message ${(messages += 1)} tokens=20`);
    }
    const kept = ids[keepAliveOf(tick) ?? -1];
    if (kept !== undefined) await phone.keep(kept);
    if (isScraped(tick)) await Promise.all([client.call('GET', '/api/sessions/active'), client.call('GET', '/api/metrics/sessions')]);
    if (tick % TICKS_PER_HOUR === 0) hourly.push(await server.memory());
  }
  return { messages, hourly };
}

function row(what: string, hourly: readonly Memory[], figure: keyof Memory): Row {
  const megabytes = hourly.map((memory) => memory[figure] / 1024 / 1024);
  const [first = NaN, last = NaN] = [megabytes[0], megabytes.at(-1)];
  const growth = last / first - 1;
  const perHour = slope(megabytes.map((y, x) => ({ x, y })));
  const percent = `${growth < 0 ? '−' : '+'}${Math.abs(growth * 100).toFixed(1)} %`;
  return {
    measure: `memory after a simulated day with ${SESSIONS} sessions, ${what}`,
    ours: `${last.toFixed(1)} MiB after ${HOURS} h`,
    baseline: `${first.toFixed(1)} MiB after 1 h`,
    compared: `${percent} (${(perHour * 1024).toFixed(0)} kB an hour)`,
    target: `≤ +${MOST_GROWTH * 100} %`,
    met: growth <= MOST_GROWTH,
  };
}
