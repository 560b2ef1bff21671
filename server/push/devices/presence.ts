import type { Clock } from '../../platform/clock.ts';

/** A sign of life older than this, in milliseconds, proves nothing: a phone that sleeps closes no socket. */
export const PROOF_MS = 15_000;

/** Times after which one who left a session is forgotten, in milliseconds. */
const LEFT_KEPT_MS = 60_000;

interface Seat {
  deviceId: string | null;
  sessionId: string | null;
  /** Of the last sign of life, on both clocks. */
  alive: { wall: number; monotonic: number };
}

/** Which devices show which session right now, by what their sockets said and by their last sign of life. Kept in memory only. */
export class Presence {
  readonly #clock: Clock;
  readonly #seats = new Map<string, Seat>();
  /** When a device last proved to show a session that it left since, by the wall clock. */
  readonly #left = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The socket is that of a device. */
  identify(connectionId: string, deviceId: string): void {
    this.#seat(connectionId).deviceId = deviceId;
  }

  /** The socket's device shows a session; null: none, or not in the foreground. */
  focus(connectionId: string, sessionId: string | null): void {
    const seat = this.#seat(connectionId);
    if (seat.sessionId !== sessionId) this.#leave(seat);
    seat.sessionId = sessionId;
  }

  /** Something came from the other side: a frame, or a pong. */
  alive(connectionId: string): void {
    const seat = this.#seats.get(connectionId);
    if (seat) seat.alive = this.#now();
  }

  /** The socket has closed. */
  gone(connectionId: string): void {
    const seat = this.#seats.get(connectionId);
    if (seat) this.#leave(seat);
    this.#seats.delete(connectionId);
  }

  /** Ids of the devices that proved within the last 15 seconds that they show this session. */
  showing(sessionId: string): ReadonlySet<string> {
    const ids = [...this.#seats.values()].map((seat) => (seat.sessionId === sessionId && this.#isFresh(seat) ? seat.deviceId : null));
    return new Set(ids.filter((id) => id !== null));
  }

  /**
   * Whether a device proved after a moment (milliseconds since 1970) that it shows a session, though it may have left it since: a phone
   * that was put away just before an event still counts as `showing`, but never as having seen it. Knows the last minute only.
   */
  provedSince(deviceId: string, sessionId: string, since: number): boolean {
    const shows = [...this.#seats.values()].some(
      (seat) => seat.deviceId === deviceId && seat.sessionId === sessionId && seat.alive.wall > since,
    );
    return shows || (this.#left.get(`${deviceId} ${sessionId}`) ?? -Infinity) > since;
  }

  /** The session that a device proved to show within the last 15 seconds. */
  shownBy(deviceId: string): string | null {
    const seat = [...this.#seats.values()].find((each) => each.deviceId === deviceId && each.sessionId !== null && this.#isFresh(each));
    return seat?.sessionId ?? null;
  }

  #leave({ deviceId, sessionId, alive }: Seat): void {
    if (deviceId === null || sessionId === null) return;
    const now = this.#clock.now();
    for (const [key, at] of this.#left) if (Math.abs(now - at) > LEFT_KEPT_MS) this.#left.delete(key);
    this.#left.set(`${deviceId} ${sessionId}`, alive.wall);
  }

  // On both clocks: one stands still while the machine sleeps, the other may be set.
  #isFresh({ alive }: Seat): boolean {
    const { wall, monotonic } = this.#now();
    return monotonic - alive.monotonic <= PROOF_MS && wall - alive.wall <= PROOF_MS;
  }

  #seat(connectionId: string): Seat {
    const seat = this.#seats.get(connectionId) ?? { deviceId: null, sessionId: null, alive: this.#now() };
    this.#seats.set(connectionId, seat);
    return seat;
  }

  #now(): Seat['alive'] {
    return { wall: this.#clock.now(), monotonic: this.#clock.monotonic() };
  }
}
