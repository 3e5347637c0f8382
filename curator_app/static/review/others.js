/* The reviewers' answers, for the adjudicator, and how a review's parts are named wherever one is shown. */

import { el, icon } from './dom.js';
import { nothing, showSideBySide } from './side_by_side.js';
import { ANSWERS, CRITERIA, REASONS, VERDICTS } from './work.js';

const VERDICT_ICONS = { approve: 'cu-i-ok', revise: 'cu-i-pen', reject: 'cu-i-no' };
export const SHORT = { query_benignness: 'Query harmless', linguistic_naturalness: 'Wording natural', contextual_relevance: 'Picture fits', risk_clarity: 'Danger clear' };
export const textOf = (list, id) => list.find((one) => one.id === id)?.text;

/** A verdict with its symbol, in `words` for the verdicts. */
export const verdictMark = (verdict, words = VERDICTS) => el('span', { class: 'cu-vmark', 'data-v': verdict }, icon(VERDICT_ICONS[verdict]), words[verdict]);
const verdictCell = ({ verdict }) => (verdict in VERDICTS ? verdictMark(verdict) : nothing());

const ROWS = [
  { head: 'Verdict', cell: verdictCell, value: (review) => review.verdict },
  ...CRITERIA.map(({ id }) => ({ head: SHORT[id], cell: (review) => textOf(ANSWERS, review.answers?.[id]), value: (review) => review.answers?.[id] ?? '' })),
  { head: 'Reasons', cell: (review) => (review.reasons || []).map((id) => textOf(REASONS, id) ?? id).join(', '), value: (review) => [...(review.reasons || [])].sort().join() },
  { head: 'Note', cell: (review) => review.note },
  { head: 'Query, edited', cell: (review) => review.edits?.query, value: (review) => review.edits?.query || '', optional: true },
  { head: 'Scene, edited', cell: (review) => review.edits?.scene, value: (review) => review.edits?.scene || '', optional: true },
];

/** Fill `slot` with the table; empty when there are no reviews. */
export function showOthers(slot, reviews) {
  showSideBySide(slot, {
    title: 'What the reviewers said', corner: 'Question', answers: reviews, take: 'Take this',
    who: (review, place) => review.who || `Reviewer ${place + 1}`,
    rows: ROWS.filter((row) => !row.optional || reviews.some((review) => row.value(review))),
  });
}
