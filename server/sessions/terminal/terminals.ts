import type { ScreenView, TerminalInput, TerminalInputView } from '../../contracts/terminal.ts';
import { AppError } from '../../platform/app-error.ts';
import type { SessionRow } from '../../storage/sessions-table.ts';
import type { InteractiveSessionPool } from '../pool/pool.ts';
import type { Session } from '../session.ts';
import { recordInput } from './record-input.ts';
import { askScreen } from './screens.ts';

/** What only terminals can do. Every method takes the owner; what belongs to another is `session-not-found`. */
export class Terminals {
  readonly #find: (owner: string, id: string) => SessionRow;
  readonly #pool: InteractiveSessionPool;

  constructor(pool: InteractiveSessionPool, find: (owner: string, id: string) => SessionRow) {
    this.#pool = pool;
    this.#find = find;
  }

  /** Types into it, and sets its size first where that is another. Throws what POST /api/sessions/{id}/input documents. */
  async input(owner: string, id: string, request: TerminalInput): Promise<TerminalInputView> {
    const session = this.#terminal(owner, id);
    session.activity.use();
    return session.run((cell) => recordInput(cell, owner, request));
  }

  /** What it shows, and the cursor from which events go on. Throws `session-busy` where it does not run. */
  async screen(owner: string, id: string, lines: number): Promise<ScreenView> {
    const session = this.#terminal(owner, id);
    session.activity.look();
    const { answer } = await session.run((cell) => askScreen(cell, lines));
    return answer;
  }

  #terminal(owner: string, id: string): Session {
    const row = this.#find(owner, id);
    if (row.terminal === null) throw new AppError('not-supported', `The agent ${row.agent} is no terminal; send it messages.`);
    return this.#pool.load(row);
  }
}
