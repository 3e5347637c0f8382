/* What a person fills in at a leakage check: its shape, its draft, and what must be there before a step. No page here. */

import { addressBody, api } from '../review/api.js';

const THREE = [{ id: 'no', text: 'No' }, { id: 'unsure', text: 'Unsure' }, { id: 'yes', text: 'Yes' }];

/** The questions with a few answers each, by the part of the panel they stand in. `key` is the number that cycles them, `settleKey` in an adjudication. */
export const QUESTIONS = [
  { id: 'sure', place: 1, step: 1, key: 1, text: 'How sure are you?', answers: [{ id: 'guess', text: 'Guess' }, { id: 'fairly', text: 'Fairly' }, { id: 'sure', text: 'Sure' }] },
  { id: 'gives_away', place: 2, step: 2, key: 1, text: 'The query gives it away', answers: THREE },
  { id: 'sufficient', place: 2, step: 2, key: 2, text: 'The evidence is sufficient', answers: THREE },
  { id: 'unambiguous', place: 2, step: 2, key: 3, text: 'It is unambiguous', answers: THREE },
  { id: 'telling_text', place: 2, step: 2, key: 4, text: 'Telling writing in the picture', answers: [{ id: 'no', text: 'No' }, { id: 'yes', text: 'Yes' }] },
  { id: 'guess_named_it', place: 3, step: 3, key: 1, text: 'My guess from the words named it', answers: [{ id: 'no', text: 'No' }, { id: 'partly', text: 'Partly' }, { id: 'yes', text: 'Yes' }] },
  { id: 'strategy', place: 4, step: 3, key: 2, settleKey: 5, text: 'Kind of rewrite', answers: [{ id: 'generic', text: 'Generic' }, { id: 'covert', text: 'Covert' }] },
];
export const NAMES = { clean: 'Keep', rewrite: 'Rewrite', reject: 'Reject' };
export const PAST = { clean: 'Kept', rewrite: 'Rewritten', reject: 'Rejected' };

/** Whoever settles sees all at once, and answers the questions only in a new answer. */
export const SETTLE_STEP = 4;
const writesNew = ({ claim, work }) => claim.step === SETTLE_STEP && work.writing;
/** Whether words and box can be marked now. */
export const marksOpen = (one) => one.claim.step === 2 || writesNew(one);
/** Whether the query can be rewritten and an outcome chosen now. */
export const outcomeOpen = (one) => one.claim.step === 3 || one.claim.step === SETTLE_STEP;
const NOT_SETTLED = ['sure', 'guess_named_it']; // only for those who guessed

/** Whether a question is put at all: without a guess or a picture, some answer themselves. */
export function isAsked(question, one) {
  if (one.claim.step === SETTLE_STEP) {
    if (!one.work.writing || NOT_SETTLED.includes(question.id)) return false;
  } else if (question.step !== one.claim.step) return false;
  if (question.id === 'guess_named_it') return one.claim.guess.text !== '';
  if (question.id === 'telling_text') return one.item.image !== null;
  if (question.id === 'strategy') return rewriteOf(one.work, one.item) !== null;
  return true;
}

/** Return work on a claim: from what is locked, or else from its draft. What does not fit is left out. */
export function createWork(claim) {
  const draft = claim.draft && typeof claim.draft === 'object' ? claim.draft : {};
  const locked = claim.findings;
  const text = (value, other = '') => (typeof value === 'string' ? value : other);
  const chosen = (id, value) => (QUESTIONS.find((one) => one.id === id).answers.some((answer) => answer.id === value) ? value : null);
  const [outcome, strategy] = text(draft.outcome).split('_');
  const proposed = text(claim.machine?.rewrite, claim.item.query);
  const answers = {
    sure: claim.guess?.sure ?? chosen('sure', draft.sure) ?? 'guess',
    gives_away: locked?.gives_away ?? chosen('gives_away', draft.gives_away),
    sufficient: locked?.sufficient ?? chosen('sufficient', draft.sufficient),
    unambiguous: locked?.unambiguous ?? chosen('unambiguous', draft.unambiguous),
    telling_text: locked ? (locked.telling_text ? 'yes' : 'no') : chosen('telling_text', draft.telling_text),
    guess_named_it: chosen('guess_named_it', draft.guess_named_it),
    strategy: chosen('strategy', strategy ?? draft.strategy) ?? chosen('strategy', claim.machine?.strategy) ?? 'generic',
  };
  return {
    answers,
    text: claim.guess?.text ?? text(draft.text),
    words: spansOf(locked?.words ?? draft.words),
    box: boxOf(locked ? locked.box : draft.box),
    verdict: outcome in NAMES ? outcome : null,
    query: text(draft.rewrite, proposed) || proposed,
    proposed,
    editing: Boolean(draft.editing),
    note: text(draft.note),
    uncovered: false,
    flagged: Boolean(draft.flagged),
    seconds: Number.isFinite(draft.seconds) ? Math.min(Math.max(draft.seconds, 0), 86_400) : 0,
    touched: claim.draft != null || [2, 3].includes(claim.step),
    failed: null,
  };
}

const isFraction = (value) => Number.isFinite(value) && value >= 0 && value <= 1;
function boxOf(box) {
  const fits = box && typeof box === 'object' && [box.x, box.y, box.width, box.height].every(isFraction);
  return fits ? { x: box.x, y: box.y, width: box.width, height: box.height } : null;
}
const spansOf = (spans) => (Array.isArray(spans) ? spans.filter((span) => Array.isArray(span) && span.length === 2 && span.every(Number.isInteger)) : []);

/** The new query, or null when nothing was changed. */
export function rewriteOf(work, item) {
  const now = work.query.trim().replace(/\s+/g, ' ');
  return now && now !== item.query ? now : null;
}

export function draftOf(work, item) {
  const { text, words, box, editing, note, flagged, verdict, answers } = work;
  const { strategy, ...rest } = answers;
  return {
    ...rest, strategy, text, words, box, editing, note, flagged,
    outcome: verdict === 'rewrite' ? `rewrite_${strategy}` : verdict,
    rewrite: rewriteOf(work, item),
    seconds: Math.round(work.seconds * 100) / 100,
  };
}

/** What the findings still lack: the first open question, or null. */
export const openQuestion = (one) => QUESTIONS.find((question) => isAsked(question, one) && !one.work.answers[question.id]) ?? null;

export function findingsOf({ work, item }) {
  const { gives_away, sufficient, unambiguous, telling_text } = work.answers;
  return {
    gives_away, sufficient, unambiguous,
    telling_text: item.image !== null && telling_text === 'yes',
    words: work.words, box: item.image ? work.box : null,
  };
}

function missing(work, claim, verdict, armed) {
  const named = QUESTIONS.find(({ id }) => id === 'guess_named_it');
  if (isAsked(named, { work, claim, item: claim.item }) && !work.answers.guess_named_it) {
    return { ask: `Say whether your guess named it, then press ${NAMES[verdict]} again.`, focus: 'questions-3' };
  }
  return missingRewrite(work, claim, verdict, armed);
}

/** What an outcome still needs of the rewrite; null: nothing. */
export function missingRewrite(work, claim, verdict, armed) {
  const rewrite = rewriteOf(work, claim.item);
  if (verdict === 'rewrite' && rewrite === null) return { ask: 'Change the query, then press Rewrite again.', focus: 'edits' };
  const own = rewrite !== null && work.query.trim() !== work.proposed.trim();
  if (verdict !== 'rewrite' && own && !armed) return { ask: `${NAMES[verdict]} drops your rewrite. Press it again to go on.`, drops: true };
  return null;
}

/** The body of POST /leakage/reviews. */
function bodyOf(work, claim, verdict) {
  const rewrites = verdict === 'rewrite';
  const body = {
    claim_id: claim.claim_id,
    outcome: rewrites ? `rewrite_${work.answers.strategy}` : verdict,
    guess_named_it: claim.guess.text ? work.answers.guess_named_it : 'no',
    rewrite: rewrites ? rewriteOf(work, claim.item) : null,
    note: work.note,
  };
  return addressBody(work, body);
}

export const SHAPE = { createWork, draftOf, missing, bodyOf, names: NAMES, past: PAST, submit: api.submitCheck };
