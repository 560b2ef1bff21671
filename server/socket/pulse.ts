import type { Clock, Timer } from '../platform/clock.ts';

/** What sockets tell about who looks at what. */
export interface PresenceFeed {
  /** The connection is that of this device of this owner. Throws `device-not-found`. */
  identify: (connectionId: string, owner: string, deviceId: string) => void;
  focus: (connectionId: string, sessionId: string | null) => void;
  /** Something came from the other side. */
  alive: (connectionId: string) => void;
  gone: (connectionId: string) => void;
}

/** How often a device that shows a session is asked for a sign of life: it counts as there for three times as long. */
const PULSE_MS = 5_000;

/** The signs of life of one socket, asked for more often while it is a device's that shows a session. */
export class Pulse {
  readonly #presence: PresenceFeed;
  readonly #clock: Clock;
  readonly #of: { id: string; owner: string; ask: () => void };
  #known = false;
  #shows = false;
  #timer: Timer | null = null;

  /** `ask` sends a ping. */
  constructor({ presence, clock }: { presence: PresenceFeed; clock: Clock }, of: { id: string; owner: string; ask: () => void }) {
    this.#presence = presence;
    this.#clock = clock;
    this.#of = of;
  }

  identify(deviceId: string): void {
    this.#presence.identify(this.#of.id, this.#of.owner, deviceId);
    this.#known = true;
    this.#adjust();
  }

  focus(sessionId: string | null): void {
    this.#presence.focus(this.#of.id, sessionId);
    this.#shows = sessionId !== null;
    this.#adjust();
  }

  felt(): void {
    this.#presence.alive(this.#of.id);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#presence.gone(this.#of.id);
  }

  #adjust(): void {
    if (this.#known && this.#shows) {
      this.#timer ??= this.#clock.every(PULSE_MS, this.#of.ask);
    } else {
      this.#timer?.cancel();
      this.#timer = null;
    }
  }
}
