/* What an adjudicator fills in about checks that differ: whose answer they take, or a new one, and always why. No page here. */

import { addressBody, api } from '../review/api.js';
import { NAMES, PAST, SHAPE, findingsOf, missingRewrite, openQuestion, rewriteOf } from './work.js';

export const SIDE = 'side';
const names = { ...NAMES, [SIDE]: 'Settle' };
export const placeOf = (side) => (side === null ? null : side.charCodeAt(0) - 65);
export const letterOf = (place) => String.fromCharCode(65 + place);
const yesOrNo = (value) => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : value);

/** A draft is what this screen kept, or after an undo the answer itself, whose marks are a part of their own. */
function createWork(claim) {
  const draft = claim.draft && typeof claim.draft === 'object' ? claim.draft : {};
  const marks = draft.marks && typeof draft.marks === 'object' ? draft.marks : {};
  const flat = { ...draft, ...marks, telling_text: yesOrNo(marks.telling_text ?? draft.telling_text) };
  const work = SHAPE.createWork({ ...claim, guess: null, findings: null, draft: claim.draft ? flat : null });
  const side = typeof draft.side === 'string' && placeOf(draft.side) in claim.others ? draft.side : null;
  return { ...work, side, writing: side === null && (draft.writing === true || 'marks' in draft) };
}

/** Fill in the answer at `place`, so that a new one can be made of it. */
export function copyAnswer(work, chosen, item) {
  const { findings, outcome, rewrite } = chosen;
  const [, strategy] = outcome.split('_');
  const { gives_away, sufficient, unambiguous } = findings;
  Object.assign(work.answers, { gives_away, sufficient, unambiguous, telling_text: yesOrNo(findings.telling_text) });
  if (strategy) work.answers.strategy = strategy;
  Object.assign(work, { words: findings.words, box: findings.box, query: rewrite ?? item.query });
}

const draftOf = (work, item) => ({ ...SHAPE.draftOf(work, item), side: work.side, writing: work.writing });

function missing(work, claim, verdict, armed) {
  if (verdict === SIDE && work.writing) return { ask: 'Choose Keep, Rewrite or Reject to settle.' };
  if (verdict === SIDE && work.side === null) return { ask: 'Take one of the answers, or write a new one, then settle.', focus: 'others' };
  if (verdict !== SIDE) {
    const open = openQuestion({ work, claim, item: claim.item });
    if (open) return { ask: `Answer “${open.text}”, then press ${names[verdict]} again.`, focus: 'questions-2' };
    const rewrite = missingRewrite(work, claim, verdict, armed);
    if (rewrite) return rewrite;
  }
  if (!work.note.trim()) return { ask: `Write in the note why, then press ${names[verdict]} again.`, focus: 'note' };
  return null;
}

/** The body of POST /leakage/adjudications. */
function bodyOf(work, claim, verdict) {
  const body = { claim_id: claim.claim_id, note: work.note };
  if (verdict === SIDE) return addressBody(work, { ...body, side: work.side });
  const rewrites = verdict === 'rewrite';
  return addressBody(work, {
    ...body,
    marks: findingsOf({ work, item: claim.item }),
    outcome: rewrites ? `rewrite_${work.answers.strategy}` : verdict,
    rewrite: rewrites ? rewriteOf(work, claim.item) : null,
  });
}

export const SETTLE_SHAPE = { createWork, draftOf, missing, bodyOf, names, past: { ...PAST, [SIDE]: 'Settled' }, submit: api.settleCheck };
