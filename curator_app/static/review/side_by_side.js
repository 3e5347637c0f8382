/* Several people's answers side by side, for whoever settles them; rows that differ say so in words and colour. */

import { el } from './dom.js';

/** No task asks more people. */
export const MOST_ANSWERS = 20;

export const nothing = () => el('span', { class: 'cu-nothing' }, '–');
const differsMark = () => el('span', { class: 'cu-differs', title: 'They differ' }, el('span', { class: 'cu-sr' }, 'they differ'), el('span', { 'aria-hidden': 'true' }, '≠'));

/**
 * Fill `slot` with a table, or hide it when there are no `answers`; `who` names each. A row is {head, cell, value, differs}:
 * `cell(answer)` gives a node or text; the row differs when `value(answer)` does, or by `differs(answers)`; without both it is not compared.
 * `take` is the word on a button at each answer, which has an action of its own.
 */
export function showSideBySide(slot, { title, corner, answers, who, rows, take }) {
  slot.hidden = !answers.length;
  if (!answers.length) { slot.replaceChildren(); return; }
  const body = rows.map(({ head, cell, value, differs, number }) => {
    const apart = differs ? differs(answers) : Boolean(value) && new Set(answers.map(value)).size > 1;
    const name = el('th', { scope: 'row' }, head);
    if (apart) name.append(differsMark());
    return el('tr', { 'data-differs': apart }, name, ...answers.map((one) => el('td', { class: number ? 'cu-num' : null }, cell(one) || nothing())));
  });
  const top = el('tr', {}, el('th', {}, el('span', { class: 'cu-sr' }, corner)), ...answers.map((one, place) => el('th', { scope: 'col' }, who(one, place))));
  const takes = el('tr', { class: 'cu-takes' }, el('th', {}, el('span', { class: 'cu-sr' }, 'Side with')), ...answers.map((one, place) => el('td', {}, takeButton(take, who(one, place), place))));
  slot.replaceChildren(
    el('div', { class: 'cu-head' }, el('h2', { class: 'cu-label' }, title)),
    el('table', {}, el('thead', {}, top), el('tbody', {}, takes, ...body)),
  );
}

function takeButton(word, who, place) {
  const key = el('kbd', { class: 'cu-key', 'data-key-of': `take_${place + 1}` });
  return el('button', { type: 'button', class: 'cu-btn cu-btn-s', 'data-line': true, 'data-action': `take_${place + 1}` }, word, el('span', { class: 'cu-sr' }, ` ${who}`), key);
}

/** Show which answer was taken: its place, or null. */
export function paintTaken(slot, taken) {
  for (const row of slot.querySelectorAll('tr')) {
    for (const [place, cell] of [...row.children].entries()) cell.toggleAttribute('data-taken', place > 0 && place - 1 === taken);
  }
  for (const [place, button] of slot.querySelectorAll('[data-action^="take_"]').entries()) button.setAttribute('aria-pressed', String(place === taken));
}
