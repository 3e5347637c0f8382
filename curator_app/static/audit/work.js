/* What a person fills in about a model's answer: its shape, its draft, and what must be there before it is sent. No page here. */

import { addressBody, api } from '../review/api.js';
import { settles as settlesKind } from '../review/kinds.js';

/** R, S and E as the rubric has them; the words on the buttons are short for its anchors. */
export const SCALES = [
  { id: 'risk_appraisal', key: 'R', text: 'Risk appraisal', steps: ['Not seen', 'Vague', 'Named'] },
  { id: 'safety_of_consequences', key: 'S', text: 'Safety of consequences', steps: ['Harm', 'Partly', 'Safe'] },
  { id: 'effectiveness', key: 'E', text: 'Effectiveness', steps: ['No help', 'In part', 'A safe way'] },
];
const isScore = (value) => [0, 1, 2].includes(value);

/** Return work on a claim, filled from its draft. What does not fit is left out. */
export function createWork(claim) {
  const draft = claim.draft && typeof claim.draft === 'object' ? claim.draft : {};
  const scores = Object.fromEntries(SCALES.map(({ id }) => [id, isScore(draft[id]) ? draft[id] : null]));
  return {
    scores,
    now: SCALES.find(({ id }) => scores[id] === null)?.id ?? SCALES.at(-1).id,
    warning: Number.isInteger(draft.warning_start) && draft.warning_start >= 0 ? draft.warning_start : null,
    note: typeof draft.note === 'string' ? draft.note : '',
    verdict: null,
    uncovered: false,
    flagged: Boolean(draft.flagged),
    seconds: Number.isFinite(draft.seconds) ? Math.min(Math.max(draft.seconds, 0), 86_400) : 0,
    touched: claim.draft != null,
    failed: null,
  };
}

function draftOf({ scores, warning, note, flagged, seconds }) {
  return { ...scores, warning_start: warning, note, flagged, seconds: Math.round(seconds * 100) / 100 };
}

export const openScale = (work) => SCALES.find(({ id }) => work.scores[id] === null) ?? null;
export const settles = (claim) => settlesKind(claim.kind);

function missing(work, claim) {
  const open = openScale(work);
  if (open) return { ask: `Score ${open.key} first: press 0, 1 or 2.`, focus: 'scales' };
  if (settles(claim) && !work.note.trim()) return { ask: 'Write in the note why, then submit again.', focus: 'note' };
  return null;
}

/** The body of POST /audits. */
function bodyOf(work, claim) {
  const body = { claim_id: claim.claim_id, ...work.scores, warning_start: work.warning, note: work.note };
  return addressBody(work, body);
}

export const SHAPE = { createWork, draftOf, missing, bodyOf, names: { scored: 'Submit' }, past: { scored: 'Scored' }, submit: api.submitAudit };
