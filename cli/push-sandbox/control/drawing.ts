import type { PushLog } from '../push-log.ts';
import type { PushRecord } from '../push-record.ts';
import { phoneOf } from '../phone.ts';
import type { PushSandbox } from '../push-sandbox.ts';
import type { Draw, PageState } from './feed.ts';
import type { Html } from './html.ts';
import { countsHtml, pageHtml, type Piece } from './page.ts';
import { phonePiece, type Categories } from './phone-html.ts';
import { pushPiece } from './push-html.ts';

/** What the page is drawn from. */
export interface DrawingParts {
  sandbox: PushSandbox;
  log: PushLog;
  categories: Categories;
}

const SHOWN_PHONES = 30;
const SHOWN_PUSHES = 100;
/** Of one phone; drawing goes through all of them each time. */
const DRAWN_PUSHES = 1_000;

/** Draws the pushes that have changed and their phones, or, for null, everything that the page shows; the newest come last. */
export function drawer({ sandbox, log, categories }: DrawingParts): Draw {
  const tokensOf = (changed: readonly PushRecord[]): string[] => [...new Set(changed.map(({ token }) => token.toLowerCase()))];
  return (changed) => {
    const pushes = changed ?? log.records().slice(-SHOWN_PUSHES);
    const tokens = changed === null ? log.tokens(SHOWN_PHONES).reverse() : tokensOf(changed).slice(-SHOWN_PHONES);
    const phones = tokens.flatMap((token) => {
      const taken = log.takenBy(token);
      return taken.length === 0 ? [] : [{ ...phoneOf(token, taken.slice(-DRAWN_PUSHES)), received: taken.length }];
    });
    return {
      counts: countsHtml(sandbox.counts(), sandbox.connections().length),
      phones: phones.map((phone) => phonePiece(phone, categories)),
      pushes: [...new Set(pushes)].map(pushPiece),
    };
  };
}

/** The page as it is first sent. */
export function wholePage(url: string, { counts, phones, pushes }: PageState): string {
  const newestFirst = (pieces: readonly Piece[]): Html[] => pieces.map((piece) => piece.html).reverse();
  return pageHtml(url, counts, newestFirst(phones), newestFirst(pushes));
}
