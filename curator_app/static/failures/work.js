/* What a person says of how an answer fails: its shape, its draft, and what must be there before it is sent. No page here. */

import { api, uuid } from '../review/api.js';

const isPlace = (value) => Number.isInteger(value) && value >= 0;

/** Return work on a claim, filled from its draft. What does not fit is left out. */
export function createWork(claim) {
  const draft = claim.draft && typeof claim.draft === 'object' ? claim.draft : {};
  const known = new Set(claim.taxonomy.labels.map(({ code }) => code));
  const given = Array.isArray(draft.labels) ? draft.labels.filter((label) => known.has(label?.code)) : [];
  const links = claim.item.causal_chain.length;
  const labels = new Map(given.map(({ code, start, end }) => [code, isPlace(start) && isPlace(end) && start < end ? { start, end } : null]));
  return {
    labels, // code -> where in the answer, in characters, or null
    now: [...labels.keys()].at(-1) ?? null,
    none: labels.size === 0 && draft.no_failure === true,
    link: isPlace(draft.broken_link) && draft.broken_link < links ? draft.broken_link : null,
    note: typeof draft.note === 'string' ? draft.note : '',
    verdict: null,
    uncovered: false,
    flagged: Boolean(draft.flagged),
    seconds: Number.isFinite(draft.seconds) ? Math.min(Math.max(draft.seconds, 0), 86_400) : 0,
    touched: claim.draft != null,
    failed: null,
  };
}

/** The labels as the server takes them. */
const listLabels = (labels) => [...labels].map(([code, span]) => ({ code, start: span?.start ?? null, end: span?.end ?? null }));

function draftOf({ labels, none, link, note, flagged, seconds }) {
  return { labels: listLabels(labels), no_failure: none, broken_link: link, note, flagged, seconds: Math.round(seconds * 100) / 100 };
}

/** Put a label on or take it off. One that is put on is the one that a sentence is chosen for. */
export function toggleLabel(work, code) {
  if (work.labels.delete(code)) work.now = [...work.labels.keys()].at(-1) ?? null;
  else {
    work.labels.set(code, null);
    work.now = code;
    work.none = false;
  }
}

/** An answer that does not fail has neither labels nor a broken link. */
export function toggleNone(work) {
  work.none = !work.none;
  if (!work.none) return;
  work.labels.clear();
  Object.assign(work, { now: null, link: null });
}

export function toggleLink(work, place) {
  work.link = work.link === place ? null : place;
  if (work.link !== null) work.none = false;
}

/** Those of the labels on the answer that the note has to explain. */
export const needNote = (work, claim) => claim.taxonomy.labels.filter(({ code, needs_note: needs }) => needs && work.labels.has(code));

function missing(work, claim) {
  if (!work.labels.size && !work.none) return { ask: 'Choose how it fails, or 0 if it does not.', focus: 'labels' };
  if (!work.note.trim() && needNote(work, claim).length) return { ask: `Say in the note what “${needNote(work, claim)[0].name}” is, then submit again.`, focus: 'note' };
  return null;
}

/** The body of POST /failures. The same answers sent again keep their key, so that they are stored once. */
function bodyOf(work, claim) {
  const body = { claim_id: claim.claim_id, labels: listLabels(work.labels), no_failure: work.none, broken_link: work.link, note: work.note };
  const same = work.failed && JSON.stringify(work.failed.body) === JSON.stringify(body);
  const key = same ? work.failed.key : uuid();
  return { body, key, sent: { ...body, seconds: Math.min(86_400, Math.round(work.seconds * 100) / 100), idempotency_key: key } };
}

export const SHAPE = { createWork, draftOf, missing, bodyOf, names: { labelled: 'Submit' }, past: { labelled: 'Labelled' }, submit: api.submitFailures };
