/** Ticks of the simulated day are half a minute long, as the default time between two health checks is. */
export const TICK_SECONDS = 30;
export const TICKS_PER_HOUR = 3_600 / TICK_SECONDS;
export const SESSIONS = 10;

/** Ticks between two messages of a session, between two signs of life from its owner, and between two looks at the figures. */
const MESSAGE_TICKS = 10;
const KEEP_ALIVE_TICKS = TICKS_PER_HOUR;
const SCRAPE_TICKS = 10;

/** After the first hour each session is left alone for a while, one after the other, long enough to expire after an hour. */
const FIRST_QUIET_TICK = TICKS_PER_HOUR;
const QUIET_TICKS = 1.5 * TICKS_PER_HOUR;
const QUIET_EVERY_TICKS = 2 * TICKS_PER_HOUR;

/** Whether nobody cares for a session at this tick (sessions count from 0, ticks from 1). */
export function isQuiet(session: number, tick: number): boolean {
  const since = tick - FIRST_QUIET_TICK - session * QUIET_EVERY_TICKS;
  return since > 0 && since <= QUIET_TICKS;
}

/** Which session gets a message at this tick, if any: each in turn, every five minutes. */
export function messageTo(tick: number): number | null {
  const session = tick % MESSAGE_TICKS;
  return isQuiet(session, tick) ? null : session;
}

/** Which session is kept alive and recapped at this tick, if any: each once an hour. */
export function keepAliveOf(tick: number): number | null {
  const session = tick % KEEP_ALIVE_TICKS;
  return session >= SESSIONS || isQuiet(session, tick) ? null : session;
}

/** Whether somebody reads the server's figures at this tick. */
export function isScraped(tick: number): boolean {
  return tick % SCRAPE_TICKS === 0;
}
