/* What the person and the machine found, one under the other. */

import { el, plural } from '../review/dom.js';
import { flag, scoreBar } from '../review/finding.js';
import { textOf } from './words.js';

const WAYS = { words: 'Word list', 'picture text': 'Writing in the picture', embedding: 'Similarity', 'text-only probe': 'Text only' };
const WORDS = { good: 'Clear', bad: 'Leaks', open: 'Not tried' };
const SOURCES = { run: 'from the run', offline: 'looked for just now, without a model' };

/** Fill the list of findings; returns a sentence about who found a leak. */
export function showFindings({ list, source, one }) {
  const { claim, item } = one;
  const { machine } = claim;
  source.textContent = SOURCES[machine.source];
  const tried = machine.ways.filter(({ leaks }) => leaks !== null);
  list.replaceChildren(...(claim.findings ? [ownRow(claim.findings, item)] : []), ...tried.map(wayRow), ...untriedRows(machine.ways));
  const leaks = tried.filter(({ leaks: found }) => found).length;
  if (!claim.findings) return '';
  const you = claim.findings.gives_away === 'yes' ? 'You found a leak' : claim.findings.gives_away === 'unsure' ? 'You were unsure' : 'You found no leak';
  return `${you}; ${leaks} of ${plural(tried.length, 'detector')} found one.`;
}

function ownRow(findings, item) {
  const words = findings.words.map((span) => `“${textOf(item.query, span)}”`).join(', ');
  const said = [
    words && `${words} in the query`,
    `evidence ${{ yes: 'sufficient', unsure: 'perhaps sufficient', no: 'not sufficient' }[findings.sufficient]}`,
    { yes: 'unambiguous', unsure: 'perhaps ambiguous', no: 'ambiguous' }[findings.unambiguous],
    findings.telling_text && 'telling writing in the picture',
  ];
  const clear = { yes: false, unsure: null, no: true }[findings.gives_away];
  return row('You', said.filter(Boolean).join('; '), flag(clear, { ...WORDS, open: 'Unsure' }));
}

function wayRow({ way, leaks, evidence, score, threshold }) {
  return row(WAYS[way] ?? way, evidence, flag(leaks === null ? null : !leaks, WORDS), score === null ? null : meter(score, threshold, leaks));
}

/** What was not tried takes one line for each reason. */
function untriedRows(ways) {
  const reasons = new Map();
  for (const { way, evidence } of ways.filter(({ leaks }) => leaks === null)) reasons.set(evidence, [...(reasons.get(evidence) ?? []), WAYS[way] ?? way]);
  return [...reasons].map(([reason, names]) => row(names.map((name, place) => (place ? name.toLowerCase() : name)).join(', '), reason, flag(null, WORDS)));
}

function row(name, text, verdict, bar = null) {
  return el('div', { class: 'cu-find' }, el('span', {}, el('b', {}, name), el('small', {}, text)), bar ?? el('span'), verdict);
}

function meter(score, threshold, leaks) {
  const label = `Score ${score.toFixed(2)}, limit ${threshold.toFixed(2)}`;
  return scoreBar({ score, threshold, good: leaks !== true, role: 'img', 'aria-label': label });
}
