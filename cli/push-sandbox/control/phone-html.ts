import { createHash } from 'node:crypto';
import type { Activity, Phone, ShownNotification, SilentPush } from '../phone.ts';
import { html, type Html } from './html.ts';
import type { Piece } from './page.ts';

export type Categories = Readonly<Record<string, readonly string[]>>;

const MOST_SHOWN = 50;
const MOST_NAMED = 10;

const nothing = html``;
const clockTime = (at: number): string => new Date(at).toISOString().slice(11, 19);

/** A device token, short enough to read. */
export const shortToken = (token: string): string => (token.length > 16 ? `${token.slice(0, 8)}…${token.slice(-4)}` : token);

/** Something as it was sent, to unfold. `key` keeps it unfolded when it is drawn again. */
export function rawHtml(key: string, label: string, raw: unknown): Html {
  const text = typeof raw === 'string' ? raw : JSON.stringify(raw, null, 2);
  return html`<details data-key="${key}">
    <summary>${label}</summary>
    <pre>${text}</pre>
  </details>`;
}

function tags(notification: ShownNotification): Html[] {
  const { interruption, relevance, thread, collapseId, replaced, sound, category } = notification;
  return [
    interruption === 'active' ? '' : interruption,
    relevance === null ? '' : `relevance ${relevance}`,
    thread === '' ? '' : `thread ${thread}`,
    category === '' ? '' : `category ${category}`,
    collapseId === null ? '' : `collapse id ${collapseId}`,
    replaced.length === 0
      ? ''
      : `replaced ${replaced
          .slice(-MOST_NAMED)
          .map((n) => `#${n}`)
          .join(' ')}`,
    sound ? 'sound' : '',
  ]
    .filter((tag) => tag !== '')
    .map((tag) => html`<li>${tag}</li>`);
}

function notificationHtml(notification: ShownNotification, categories: Categories): Html {
  const { n, at, title, subtitle, body, interruption, category, payload } = notification;
  const actions = Object.hasOwn(categories, category) ? (categories[category] ?? []) : [];
  return html`<article class="notification" data-interruption="${interruption}">
    <time>${clockTime(at)}</time>
    ${title === '' ? nothing : html`<h3>${title}</h3>`} ${subtitle === '' ? nothing : html`<h4>${subtitle}</h4>`}
    <p class="body">${body}</p>
    <ul class="actions">
      ${actions.map((action) => html`<li>${action}</li>`)}
    </ul>
    <ul class="tags">
      ${tags(notification)}
    </ul>
    ${rawHtml(`shown-${n}`, `#${n}`, payload)}
  </article>`;
}

function activityHtml({ n, at, event, alert, relevance, contentState, staleAt, dismissedAt }: Activity): Html {
  const tags = [
    staleAt === null ? '' : `stale at ${clockTime(staleAt)}`,
    dismissedAt === null ? '' : dismissedAt <= at ? 'goes at once' : `goes at ${clockTime(dismissedAt)}`,
    relevance === null ? '' : `relevance ${relevance}`,
  ].filter((tag) => tag !== '');
  const { state } = contentState;
  const heading = `Live activity${event === 'end' ? ', ended' : ''}${typeof state === 'string' ? `: ${state}` : ''}`;
  return html`<article class="activity">
    <time>${clockTime(at)}</time>
    <h3>${heading}</h3>
    ${alert === null ? nothing : html`<p class="body">${alert}</p>`}
    <pre>${JSON.stringify(contentState, null, 2)}</pre>
    <p>#${n} ${event} ${tags.join(', ')}</p>
  </article>`;
}

function silentHtml(silent: readonly SilentPush[]): Html {
  const rows = silent.slice(0, MOST_SHOWN).map(({ n, at, payload }) => rawHtml(`silent-${n}`, `#${n} ${clockTime(at)}`, payload));
  return html`<details data-key="silent">
    <summary>${silent.length} silent</summary>
    ${rows}
  </details>`;
}

/** The lock screen of a phone, as a piece of the page. */
export function phonePiece(phone: Phone, categories: Categories): Piece {
  const { token, notifications, silent, badge, activity, received } = phone;
  const id = `phone-${createHash('sha256').update(token.toLowerCase()).digest('hex').slice(0, 16)}`;
  const hidden = notifications.length - MOST_SHOWN;
  const section = html`<section class="phone" id="${id}">
    <h2 title="${token}">${shortToken(token)} ${badge === null ? nothing : html`<b class="badge">${badge}</b>`}</h2>
    ${activity === null ? nothing : activityHtml(activity)}
    ${notifications.slice(0, MOST_SHOWN).map((notification) => notificationHtml(notification, categories))}
    <footer>
      ${received} received${hidden > 0 ? `, ${hidden} older ones not drawn` : ''} ${silent.length === 0 ? nothing : silentHtml(silent)}
    </footer>
  </section>`;
  return { id, html: section };
}
