/* The annotators' scores side by side, for whoever settles; what differs says so in words and colour. */

import { el } from '../review/dom.js';
import { SCALES } from './work.js';

const nothing = () => el('span', { class: 'cu-nothing' }, '–');

/** Fill `slot` with the table; empty for an annotator. `sentenceOf(start)` names a place in the answer. */
export function showScores(slot, others, sentenceOf) {
  slot.hidden = !others.length;
  if (!others.length) return slot.replaceChildren();
  const told = (start) => (start === null ? 'none' : `sentence ${sentenceOf(start)}`);
  const rows = [
    ...SCALES.map(({ id, text }) => ({ head: text, value: (one) => String(one[id]) })),
    { head: 'First warning', value: (one) => told(one.warning_start) },
    { head: 'Note', value: (one) => one.note, plain: true },
  ];
  const body = rows.map(({ head, value, plain }) => {
    const differs = !plain && new Set(others.map(value)).size > 1;
    const name = el('th', { scope: 'row' }, head);
    if (differs) name.append(el('span', { class: 'cu-differs', title: 'They differ' }, el('span', { class: 'cu-sr' }, 'they differ'), el('span', { 'aria-hidden': 'true' }, '≠')));
    return el('tr', { 'data-differs': differs }, name, ...others.map((one) => el('td', { class: plain ? null : 'cu-num' }, value(one) || nothing())));
  });
  const take = (place) => el('button', { type: 'button', class: 'cu-btn cu-btn-s', 'data-line': true, 'data-take': place }, 'Take these ', el('kbd', { class: 'cu-key', 'data-key-of': `take_${place + 1}` }));
  const top = el('tr', {}, el('th', {}, el('span', { class: 'cu-sr' }, 'Scale')), ...others.map((one) => el('th', { scope: 'col' }, one.who)));
  const ends = el('tr', {}, el('th', {}, el('span', { class: 'cu-sr' }, 'Side with')), ...others.map((one, place) => el('td', {}, take(place))));
  slot.replaceChildren(
    el('div', { class: 'cu-head' }, el('h2', { class: 'cu-label' }, 'What the annotators scored')),
    el('table', {}, el('thead', {}, top), el('tbody', {}, ...body, ends)),
  );
  return undefined;
}
