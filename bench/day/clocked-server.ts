import { fileURLToPath } from 'node:url';
import { Holdfast } from '../../test/support/holdfast.ts';
import type { Cleanup } from '../cleanup.ts';
import { serverStart } from '../stage.ts';

const program = fileURLToPath(new URL('./server-on-clock.ts', import.meta.url));

/** What a server's process uses after its garbage was collected, in bytes. */
export interface Memory {
  /** JavaScript heap and what hangs on it outside. */
  used: number;
  resident: number;
}

/** A server in a process of its own, with the flags of `npm start`, whose clock can be put on. */
export class ClockedServer {
  readonly holdfast: Holdfast;
  readonly #controls: string;

  private constructor(holdfast: Holdfast, controls: string) {
    this.holdfast = holdfast;
    this.#controls = controls;
  }

  /** Starts it, with further settings. */
  static async start(cleanup: Cleanup, settings: Record<string, string>): Promise<ClockedServer> {
    const holdfast = await Holdfast.start({ program, env: { ...serverStart().env, ...settings } });
    cleanup.add(() => holdfast.dispose());
    const controls = /The clock listens on (\S+)/.exec(holdfast.output)?.[1];
    if (controls === undefined) throw new Error(`The server's clock can't be reached: ${holdfast.output}`);
    return new ClockedServer(holdfast, controls);
  }

  /** Lets so many milliseconds pass on its clock, in steps of so many. */
  async advance(milliseconds: number, step: number): Promise<void> {
    await fetch(`${this.#controls}/advance?ms=${milliseconds}&step=${step}`, { method: 'POST' });
  }

  async memory(): Promise<Memory> {
    return (await fetch(`${this.#controls}/memory`)).json() as Promise<Memory>;
  }
}
