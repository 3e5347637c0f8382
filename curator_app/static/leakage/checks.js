/* The checks that differ, for whoever settles them: in a table, on the words of the query, and as boxes on the picture. */

import { el, icon } from '../review/dom.js';
import { nothing, showSideBySide } from '../review/side_by_side.js';
import { diffWords } from './diff.js';
import { isIn, textOf } from './words.js';

export const SURE = { guess: 'A guess', fairly: 'Fairly sure', sure: 'Sure' };
const OUTCOMES = {
  clean: ['approve', 'cu-i-ok', 'Keep'], rewrite_generic: ['revise', 'cu-i-pen', 'Rewrite, generic'],
  rewrite_covert: ['revise', 'cu-i-pen', 'Rewrite, covert'], reject: ['reject', 'cu-i-no', 'Reject'],
};
const THREE = { yes: 'Yes', unsure: 'Unsure', no: 'No', partly: 'Partly' };
const SAME_BOX = 0.5; // two hands never draw one box; below this share of common area they mean different things

function outcomeCell({ outcome }) {
  const [verdict, symbol, text] = OUTCOMES[outcome];
  return el('span', { class: 'cu-vmark', 'data-v': verdict }, icon(symbol), text);
}

function guessCell({ guess }) {
  return el('span', {}, guess.text || 'No danger', el('small', { class: 'cu-how' }, SURE[guess.sure]));
}

/** The marked words; those that not all have marked stand out. */
function wordsCell(one, { others, item }) {
  if (!one.findings.words.length) return nothing();
  const all = (span) => others.every(({ findings }) => findings.words.some(([start, end]) => start <= span[0] && end >= span[1]));
  const nodes = one.findings.words.flatMap((span, place) => [place ? ', ' : '', el(all(span) ? 'span' : 'mark', {}, textOf(item.query, span))]);
  return el('span', { class: 'cu-marked' }, ...nodes);
}

function boxCell({ findings: { box } }) {
  if (!box) return nothing();
  const percent = (value) => `${Math.round(value * 100)}`;
  return el('span', { class: 'cu-num' }, `${percent(box.width)} × ${percent(box.height)} %`, el('small', { class: 'cu-how' }, `${percent(box.x)} % from the left, ${percent(box.y)} % from the top`));
}

function commonShare(a, b) {
  const side = (start, length) => Math.max(0, Math.min(a[start] + a[length], b[start] + b[length]) - Math.max(a[start], b[start]));
  const common = side('x', 'width') * side('y', 'height');
  return common / (a.width * a.height + b.width * b.height - common);
}

function boxesDiffer(others) {
  const boxes = others.map(({ findings }) => findings.box);
  if (boxes.some((box) => !box)) return boxes.some(Boolean);
  return boxes.some((a) => boxes.some((b) => commonShare(a, b) < SAME_BOX));
}

function rewriteCell({ rewrite }, item) {
  if (rewrite === null) return nothing();
  return el('span', { class: 'cu-inline-diff' }, ...diffWords(item.query, rewrite).map(({ kind, text }) => (kind === 'same' ? text : el(kind, {}, text))));
}

export function showChecks(slot, { claim, item }) {
  const { others } = claim;
  const found = (head, id) => ({ head, cell: ({ findings }) => THREE[findings[id]], value: ({ findings }) => findings[id] });
  const rows = [
    { head: 'Outcome', cell: outcomeCell, value: ({ outcome }) => outcome },
    { head: 'Rewrite', cell: (one) => rewriteCell(one, item), value: ({ rewrite }) => rewrite ?? '', wanted: others.some(({ rewrite }) => rewrite !== null) },
    { head: 'From the words alone', cell: guessCell, value: ({ guess }) => guess.text.toLowerCase() },
    { head: 'Guess named it', cell: ({ guess, guess_named_it: named }) => (guess.text ? THREE[named] : null), value: ({ guess_named_it: named }) => named },
    found('Query gives it away', 'gives_away'),
    { head: 'Words that tell', cell: (one) => wordsCell(one, { others, item }), value: ({ findings }) => findings.words.join(';') },
    found('Evidence sufficient', 'sufficient'),
    found('Unambiguous', 'unambiguous'),
    { head: 'Telling writing', cell: ({ findings }) => (findings.telling_text ? 'Yes' : 'No'), value: ({ findings }) => findings.telling_text, wanted: item.image !== null },
    { head: 'Box', cell: boxCell, differs: boxesDiffer, wanted: item.image !== null },
    { head: 'Note', cell: ({ note }) => note },
  ];
  showSideBySide(slot, {
    title: 'What they found', corner: 'Question', answers: others, who: ({ who }) => who, take: 'Side with', rows: rows.filter(({ wanted }) => wanted !== false),
  });
}

/** Which of the others have marked the piece, as letters; empty when the next piece goes on with the same. */
export function markersOf(pieces, place, others) {
  const letters = (piece) => (piece ? others.filter(({ findings }) => isIn(piece, findings.words)).map(({ who }) => who).join(' ') : '');
  const here = letters(pieces[place]);
  return { here, ends: here !== '' && letters(pieces[place + 1]) !== here };
}

/** Everybody's boxes on the picture. The table says the same in words, so they are for the eye. */
export function paintOtherBoxes(holder, others) {
  for (const node of holder.querySelectorAll('.cu-box[data-other]')) node.remove();
  for (const { who, findings: { box } } of others) {
    if (!box) continue;
    const node = el('div', { class: 'cu-box', 'data-other': who, 'data-fixed': true, 'aria-hidden': 'true' }, el('span', {}, who));
    for (const [side, value] of [['left', box.x], ['top', box.y], ['width', box.width], ['height', box.height]]) node.style[side] = `${value * 100}%`;
    holder.append(node);
  }
}
