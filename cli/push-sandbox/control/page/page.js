// Keeps the page as the sandbox says. Every piece of HTML that comes was escaped by the sandbox, and nothing in it can run (see its CSP).

const MOST_ROWS = 200;
const MOST_PHONES = 30;

const element = (html) => {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content.firstElementChild;
};

/** What the reader has unfolded stays so. */
const keepOpen = (old, fresh) => {
  for (const open of old.querySelectorAll('details[open]')) {
    const same = fresh.querySelector(`details[data-key="${CSS.escape(open.dataset.key)}"]`);
    if (same) same.open = true;
  }
};

/** Puts pieces in their places; new ones go to the top, and the last ones off the list. */
const put = (list, pieces, most) => {
  for (const { id, html } of pieces) {
    const fresh = element(html);
    const old = document.getElementById(id);
    if (old) {
      keepOpen(old, fresh);
      old.replaceWith(fresh);
    } else list.prepend(fresh);
  }
  while (list.childElementCount > most) list.lastElementChild.remove();
};

const live = document.getElementById('live');
const source = new EventSource('/events');
source.addEventListener('open', () => (live.textContent = 'live'));
source.addEventListener('error', () => (live.textContent = 'not live'));
source.addEventListener('state', ({ data }) => {
  const { counts, phones, pushes, reset } = JSON.parse(data);
  const lists = { phones: document.getElementById('phones'), pushes: document.getElementById('pushes') };
  if (reset) for (const list of Object.values(lists)) list.replaceChildren();
  document.getElementById('counts').replaceWith(element(counts));
  put(lists.phones, phones, MOST_PHONES);
  put(lists.pushes, pushes, MOST_ROWS);
});
