import type { Clock, Timer } from '../platform/clock.ts';
import { systemClock } from '../platform/clock.ts';
import type { ProcessIdentity } from './identity.ts';
import { isAlive, seemsAlive } from './identity.ts';
import { readExit } from './journal-folder.ts';
import { sharedInterval } from './shared-interval.ts';

export type Gone =
  /** The exit file is there. */
  | 'exit'
  /** Nobody is left to write an exit file, but the agent may live: end what lives, then drain. */
  | 'wrapper-lost'
  /** Wrapper and agent are dead and left no exit file. */
  | 'all-gone';

export interface WatchdogOptions {
  folder: string;
  wrapper: ProcessIdentity | null;
  agent: ProcessIdentity;
  clock?: Clock;
  /** Called once. */
  onGone: (kind: Gone) => void;
}

const beatMs = 1_000;
// A look that settles pids and zombies needs `ps` where there is no /proc; the beats between it get by without.
const thoroughEvery = 10;
// A wrapper that lives writes the exit within milliseconds, unless it was stopped.
const beatsForWrapper = 3;

/** Notices within a second or so that an incarnation's processes are gone, even if they could not say so. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #timer: Timer;
  #beats = 0;
  #withoutAgent = 0;
  #open = true;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#timer = sharedInterval(options.clock ?? systemClock, beatMs).join(() => this.look());
  }

  /** Looks now. */
  look(): void {
    if (!this.#open) return;
    this.#beats += 1;
    const alive = this.#beats % thoroughEvery === 0 ? isAlive : seemsAlive;
    const { wrapper, agent, folder } = this.#options;
    const agentLives = alive(agent);
    const wrapperLives = wrapper !== null && alive(wrapper);
    this.#withoutAgent = agentLives ? 0 : this.#withoutAgent + 1;
    // An adopted incarnation may have lost its wrapper's identity; then the agent's life is all that can be watched.
    const calm = agentLives ? wrapperLives || wrapper === null : wrapperLives && this.#withoutAgent < beatsForWrapper;
    if (calm && agentLives) return;
    // Read after the processes were seen dead: the wrapper writes before it ends.
    if (readExit(folder) !== null) this.#tell('exit');
    else if (!calm) this.#tell(agentLives || wrapperLives ? 'wrapper-lost' : 'all-gone');
  }

  close(): void {
    this.#open = false;
    this.#timer.cancel();
  }

  #tell(kind: Gone): void {
    this.close();
    this.#options.onGone(kind);
  }
}
