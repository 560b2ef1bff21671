import type { PushCounts } from '../push-log.ts';
import { html, type Html } from './html.ts';

/** An element of the page that is replaced when it changes, known by its id. */
export interface Piece {
  id: string;
  html: Html;
}

/** The numbers at the top. */
export function countsHtml(counts: PushCounts, connections: number): Html {
  const { received, accepted, refused, broken, gone, forgotten, reasons } = counts;
  const why = Object.entries(reasons).map(([reason, count]) => html`<li>${reason} ${count}</li>`);
  return html`<div id="counts">
    <p>
      <b>${received}</b> received, <b>${accepted}</b> accepted, <b>${refused}</b> refused, <b>${broken}</b> broken off, <b>${gone}</b> gone
      before an answer; ${connections} open connections${forgotten > 0 ? `; the oldest ${forgotten} are forgotten` : ''}
    </p>
    <ul>
      ${why}
    </ul>
  </div>`;
}

/** The whole page as it is first sent; the script keeps it up to date. */
export function pageHtml(url: string, counts: Html, phones: readonly Html[], pushes: readonly Html[]): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Holdfast push sandbox</title>
        <link rel="stylesheet" href="/page.css" />
        <script src="/page.js" defer></script>
      </head>
      <body>
        <header>
          <h1>Push sandbox</h1>
          <code>${url}</code>
          <span id="live">not live</span>
          ${counts}
        </header>
        <main id="phones">${phones}</main>
        <h2>Pushes</h2>
        <table>
          <thead>
            <tr>
              <th>#</th>
              <th>time</th>
              <th>connection</th>
              <th>device</th>
              <th>type</th>
              <th>outcome</th>
              <th>as sent</th>
            </tr>
          </thead>
          <tbody id="pushes">
            ${pushes}
          </tbody>
        </table>
      </body>
    </html> `.text;
}
