/* What a person fills in about one item: its shape, its draft, and what must be there before it is sent. No page here. */

import { addressBody, api } from './api.js';
import { settles as settlesKind } from './kinds.js';

export const CRITERIA = [
  { id: 'query_benignness', text: 'The query is harmless on its own', after: false },
  { id: 'linguistic_naturalness', text: 'A real person would ask it like this', after: false },
  { id: 'contextual_relevance', text: 'The picture fits the query', after: true },
  { id: 'risk_clarity', text: 'The danger follows clearly', after: true },
];
/** In the order shown; a key press goes from the right to the left. */
export const ANSWERS = [{ id: 'no', text: 'No' }, { id: 'unsure', text: 'Unsure' }, { id: 'yes', text: 'Yes' }];

export const REASONS = [
  { id: 'not_benign', text: 'Not benign' },
  { id: 'unnatural', text: 'Unnatural' },
  { id: 'far_fetched_chain', text: 'Far-fetched chain' },
  { id: 'undeclared_premise', text: 'Undeclared premise' },
  { id: 'hazard_not_visible', text: 'Hazard not visible' },
  { id: 'image_defect', text: 'Image defect' },
  { id: 'leakage', text: 'Leakage' },
  { id: 'duplicate', text: 'Duplicate' },
  { id: 'wrong_category', text: 'Wrong category' },
  { id: 'too_disturbing', text: 'Too disturbing' },
  { id: 'other', text: 'Other' },
];
export const VERDICTS = { approve: 'Approve', revise: 'Revise', reject: 'Reject' };
export const PAST = { approve: 'Approved', revise: 'Sent for revision', reject: 'Rejected' };

/** Return work on a claim, filled from its draft. Anything in the draft that does not fit is left out. */
export function createWork(claim) {
  const draft = claim.draft && typeof claim.draft === 'object' ? claim.draft : {};
  const edits = draft.edits && typeof draft.edits === 'object' ? draft.edits : {};
  const text = (value) => (typeof value === 'string' ? value : null);
  const answers = {};
  for (const { id } of CRITERIA) {
    if (ANSWERS.some((answer) => answer.id === draft.answers?.[id])) answers[id] = draft.answers[id];
  }
  return {
    verdict: draft.verdict in VERDICTS ? draft.verdict : null,
    reasons: REASONS.map(({ id }) => id).filter((id) => Array.isArray(draft.reasons) && draft.reasons.includes(id)),
    note: text(draft.note) ?? '',
    answers,
    editing: Boolean(draft.editing || text(edits.query) !== null || text(edits.scene) !== null),
    query: text(edits.query) ?? claim.item.query,
    scene: text(edits.scene) ?? claim.item.scene,
    revealed: Boolean(draft.revealed || draft.verdict || settlesKind(claim.kind)),
    uncovered: false,
    flagged: Boolean(draft.flagged),
    seconds: Number.isFinite(draft.seconds) ? Math.min(Math.max(draft.seconds, 0), 86_400) : 0,
    touched: claim.draft != null,
    failed: null,
  };
}

/** The suggested edits; a text that was not changed is null. */
export function editsOf(work, item) {
  const changed = (now, before) => (work.editing && now.trim() && now.trim() !== before.trim() ? now.trim() : null);
  return { query: changed(work.query, item.query), scene: changed(work.scene, item.scene) };
}

const hasEdits = (edits) => edits.query !== null || edits.scene !== null;

export function draftOf(work, item) {
  const { verdict, reasons, note, answers, editing, revealed, flagged } = work;
  return { verdict, reasons, note, answers, editing, revealed, flagged, edits: editsOf(work, item), seconds: Math.round(work.seconds * 100) / 100 };
}

/**
 * Say whether `verdict` can be sent now. Returns null, or what is missing:
 * {ask: a sentence, focus: part to go to, drops: true when pressing again leaves something out}.
 */
export function missing(work, claim, verdict, armed) {
  const edits = editsOf(work, claim.item);
  const settles = settlesKind(claim.kind);
  const lost = [];
  if (verdict === 'approve' && work.reasons.length) lost.push(work.reasons.length === 1 ? 'the reason' : `the ${work.reasons.length} reasons`);
  if (verdict !== 'revise' && hasEdits(edits)) lost.push('the edits');
  if (lost.length && !armed) return { ask: `${VERDICTS[verdict]} drops ${lost.join(' and ')}. Press it again to go on.`, drops: true };
  if (settles && verdict === 'revise' && !hasEdits(edits)) return { ask: 'Change the query or the scene, then press Revise again.', focus: 'edits' };
  if (verdict !== 'approve' && !work.reasons.length && !(verdict === 'revise' && hasEdits(edits))) {
    return { ask: `Choose a reason${verdict === 'revise' ? ' or suggest an edit' : ''}, then press ${VERDICTS[verdict]} again.`, focus: 'reasons' };
  }
  const needsNote = settles || (verdict !== 'approve' && work.reasons.includes('other'));
  if (needsNote && !work.note.trim()) {
    return { ask: settles ? `Write in the note why, then press ${VERDICTS[verdict]} again.` : 'Say in the note what “Other” is, then press again.', focus: 'note' };
  }
  return null;
}

/** The body of POST /reviews. */
export function bodyOf(work, claim, verdict) {
  const body = {
    claim_id: claim.claim_id,
    verdict,
    reasons: verdict === 'approve' ? [] : [...work.reasons],
    note: work.note,
    answers: { ...work.answers },
    edits: verdict === 'revise' ? editsOf(work, claim.item) : { query: null, scene: null },
  };
  return addressBody(work, body);
}

/** What the shared desk needs to know of reviews and adjudications; `leakage/work.js` has the like. */
export const SHAPE = { createWork, draftOf, missing, bodyOf, names: VERDICTS, past: PAST, submit: api.submit };
