/* How a machine's finding looks, wherever it is shown beside a person's: a word with a symbol, and a score against its limit. */

import { el, icon } from './dom.js';

/** `good`: true, false, or null when nothing was decided; `words` for these three. */
export function flag(good, words) {
  const [kind, symbol, word] = good === null ? ['open', null, words.open] : good ? ['good', 'cu-i-ok', words.good] : ['warn', 'cu-i-warn', words.bad];
  return el('span', { class: 'cu-flag', 'data-kind': kind }, symbol === null ? null : icon(symbol), word);
}

/** A bar from 0 to `top` with a tick at the limit, if there is one. Give it a role and a name, or hide it and write the numbers beside it. */
export function scoreBar({ score, threshold, top = 1, good, ...attributes }) {
  const share = (value) => `${Math.max(0, Math.min(1, value / top)) * 100}%`;
  const bar = el('span', { class: 'cu-score', 'data-bad': good === false, ...attributes });
  const fill = el('i');
  fill.style.width = share(score);
  bar.append(fill);
  if (threshold !== null) {
    const tick = el('b');
    tick.style.left = share(threshold);
    bar.append(tick);
  }
  return bar;
}
