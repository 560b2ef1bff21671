import type { Outcome, PushRecord } from '../push-record.ts';
import { html } from './html.ts';
import type { Piece } from './page.ts';
import { rawHtml, shortToken } from './phone-html.ts';

function inWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'waiting':
      return 'waiting';
    case 'accepted':
      return 'accepted';
    case 'refused':
      return `${outcome.status} ${outcome.reason}: ${outcome.why}`;
    case 'broken':
      return `${outcome.how} by the script, ${outcome.taken ? 'but the phone got it' : 'and the phone did not get it'}`;
    case 'gone':
      return 'the stream was gone before an answer';
  }
}

/** A push as a row of the page's table. */
export function pushPiece(record: PushRecord): Piece {
  const { n, at, connection, token, pushType, priority, outcome, headers, body, bytes, providerToken } = record;
  const id = `push-${n}`;
  const type = pushType === null ? '' : `${pushType} ${priority ?? ''}`;
  const names = Object.entries({ ...headers, 'provider token': providerToken ?? 'none' }).map(([name, value]) => `${name}: ${value}`);
  const row = html`<tr id="${id}" data-outcome="${outcome.kind}">
    <td>${n}</td>
    <td>${new Date(at).toISOString().slice(11, 23)}</td>
    <td>${connection}</td>
    <td title="${token}">${shortToken(token)}</td>
    <td>${type}</td>
    <td>${inWords(outcome)}</td>
    <td>${rawHtml(`raw-${n}`, `${bytes} bytes`, `${names.join('\n')}\n\n${body}`)}</td>
  </tr>`;
  return { id, html: row };
}
