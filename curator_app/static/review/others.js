/* The reviewers' answers side by side, for the adjudicator; rows that differ say so in words and colour. */

import { el, icon } from './dom.js';
import { ANSWERS, CRITERIA, REASONS, VERDICTS } from './work.js';

const VERDICT_ICONS = { approve: 'cu-i-ok', revise: 'cu-i-pen', reject: 'cu-i-no' };
export const SHORT = { query_benignness: 'Query harmless', linguistic_naturalness: 'Wording natural', contextual_relevance: 'Picture fits', risk_clarity: 'Danger clear' };
export const textOf = (list, id) => list.find((one) => one.id === id)?.text;
const nothing = () => el('span', { class: 'cu-nothing' }, '–');

/** A verdict with its symbol, in `words` for the verdicts. */
export const verdictMark = (verdict, words = VERDICTS) => el('span', { class: 'cu-vmark', 'data-v': verdict }, icon(VERDICT_ICONS[verdict]), words[verdict]);
const verdictCell = ({ verdict }) => (verdict in VERDICTS ? verdictMark(verdict) : nothing());

/** Rows: heading, cell of a review, and the value by which reviews are compared (null: not compared). */
const ROWS = [
  { head: 'Verdict', cell: verdictCell, value: (review) => review.verdict },
  ...CRITERIA.map(({ id }) => ({ head: SHORT[id], cell: (review) => textOf(ANSWERS, review.answers?.[id]) ?? nothing(), value: (review) => review.answers?.[id] ?? '' })),
  { head: 'Reasons', cell: (review) => (review.reasons || []).map((id) => textOf(REASONS, id) ?? id).join(', ') || nothing(), value: (review) => [...(review.reasons || [])].sort().join() },
  { head: 'Note', cell: (review) => review.note || nothing(), value: null },
  { head: 'Query, edited', cell: (review) => review.edits?.query || nothing(), value: (review) => review.edits?.query || '', optional: true },
  { head: 'Scene, edited', cell: (review) => review.edits?.scene || nothing(), value: (review) => review.edits?.scene || '', optional: true },
];

/** Fill `slot` with the table; empty when there are no reviews. */
export function showOthers(slot, reviews) {
  slot.hidden = !reviews.length;
  if (!reviews.length) return slot.replaceChildren();
  const rows = ROWS.filter((row) => !row.optional || reviews.some((review) => row.value(review)));
  const body = rows.map((row) => {
    const differs = row.value !== null && new Set(reviews.map(row.value)).size > 1;
    const head = el('th', { scope: 'row' }, row.head);
    if (differs) head.append(el('span', { class: 'cu-differs', title: 'They differ' }, el('span', { class: 'cu-sr' }, 'they differ'), el('span', { 'aria-hidden': 'true' }, '≠')));
    return el('tr', { 'data-differs': differs }, head, ...reviews.map((review) => el('td', {}, row.cell(review))));
  });
  const top = el('tr', {}, el('th', {}, el('span', { class: 'cu-sr' }, 'Question')), ...reviews.map((review, place) => el('th', { scope: 'col' }, review.who || `Reviewer ${place + 1}`)));
  slot.replaceChildren(
    el('div', { class: 'cu-head' }, el('h2', { class: 'cu-label' }, 'What the reviewers said')),
    el('table', {}, el('thead', {}, top), el('tbody', {}, ...body)),
  );
}
