/* What models found, in words and bars, with the person's own answer beside it. Builds nodes; asks and keeps nothing. */

import { el, icon, plural, sentence } from './dom.js';
import { flag, scoreBar } from './finding.js';
import { SHORT, textOf, verdictMark } from './others.js';
import { ANSWERS, PAST, REASONS } from './work.js';

const PASSED = { good: 'Passed', bad: 'Did not pass' };
const LEAKS = { good: 'No leak', bad: 'Leak found', open: 'Not looked for' };
const HAZARDS = { direct_action: 'Direct action', latent_scene: 'Latent in the scene', undeclared_premise: 'Undeclared premise' };
const LONG = 260; // characters; a text beyond is folded
/** What an own answer says of a criterion that a filter passed or did not pass. */
const AGREES = { yes: true, no: false };

/** Return {nodes, summary}: what the drawer shows, and the one sentence that sums it up. */
export function describeFindings(found) {
  const { own, verdicts, refinements, suggestions } = found;
  const looked = verdicts.length + refinements.length + suggestions.length > 0;
  const summary = looked ? sumUp(found) : `No model has looked at this one${found.written_by_hand ? ': it was written by hand' : ''}.`;
  const nodes = [
    el('p', { class: 'cu-models-query' }, found.item.query),
    section('You', ownAnswer(own)),
    el('p', { class: looked ? 'cu-models-sum' : 'cu-models-none', 'data-part': 'models-sum' }, looked ? null : icon('cu-i-pen'), summary),
  ];
  for (const [by, list] of groupBy(verdicts, ({ by }) => by)) nodes.push(section(`Filters, by ${by}`, el('ul', {}, ...list.map((verdict) => verdictRow(verdict, own)))));
  if (refinements.length) nodes.push(section('Leaks and rewrites', el('ul', {}, ...refinements.map(refinementRow))));
  if (suggestions.length) nodes.push(section('Suggested', el('ul', {}, ...suggestions.map(suggestionRow))));
  return { nodes, summary };
}

function sumUp({ verdicts, refinements, suggestions }) {
  const passed = verdicts.filter((verdict) => verdict.passed).length;
  const last = refinements.at(-1);
  const parts = [
    verdicts.length && (verdicts.length === 1 ? `One filter: ${passed ? 'passed' : 'did not pass'}` : `${passed} of ${plural(verdicts.length, 'filter')} passed`),
    last && { true: 'a leak was found', false: 'no leak was found', null: 'nobody looked for leaks' }[last.leak_found],
    suggestions.length && `${plural(suggestions.length, 'model')} suggested a verdict`,
  ].filter(Boolean).join('; ');
  return `${parts.charAt(0).toUpperCase()}${parts.slice(1)}.`;
}

function ownAnswer(own) {
  const reasons = own.reasons.map((id) => textOf(REASONS, id) ?? id).join(', ');
  const parts = [verdictMark(own.verdict, PAST), reasons && el('p', {}, reasons), own.note && folded(own.note), own.undone && el('p', { class: 'cu-quiet' }, 'Taken back since.')];
  return el('div', { class: 'cu-models-own' }, ...parts.filter(Boolean));
}

function verdictRow(verdict, own) {
  const { name, passed, reason } = verdict;
  const answer = own.answers[name];
  const differs = answer in AGREES && AGREES[answer] !== passed;
  return row({
    name: SHORT[name] ?? inWords(name), mark: flag(passed, PASSED), earlier: verdict.earlier_wording, score: scoreLine(verdict),
    you: name in SHORT && el('p', { class: 'cu-models-you', 'data-differs': differs }, `You: ${answer ? textOf(ANSWERS, answer).toLowerCase() : 'left open'}${differs ? ', which differs' : ''}`),
    text: reason && sentence(reason),
  });
}

function refinementRow(refinement) {
  const { round, hazard_type: hazard, strategy, query_before: before, leak_found: leaks } = refinement;
  const rewritten = strategy !== 'none';
  return row({
    name: rewritten ? `Rewrite ${round}, more ${strategy}` : 'The query', mark: flag(leaks === null ? null : !leaks, LEAKS), earlier: refinement.earlier_wording,
    you: hazard in HAZARDS && !rewritten && el('p', {}, `Hazard: ${HAZARDS[hazard].toLowerCase()}. By ${refinement.by}.`),
    text: rewritten ? `From “${before}” to “${refinement.query_after}”. By ${refinement.by}.` : '',
    more: refinement.evidence,
  });
}

function suggestionRow(suggestion) {
  const reasons = suggestion.reasons.map((id) => textOf(REASONS, id) ?? id).join(', ');
  return row({ name: suggestion.by, mark: verdictMark(suggestion.verdict), earlier: suggestion.earlier_wording, score: scoreLine({ ...suggestion, threshold: null }), you: reasons && el('p', {}, reasons), text: suggestion.note });
}

function row({ name, mark, earlier, score, you, text, more }) {
  const parts = [
    el('div', { class: 'cu-models-head' }, el('b', {}, name), mark),
    earlier && el('p', { class: 'cu-quiet' }, 'About an earlier wording'),
    score, you, text && folded(text),
    more && el('details', { class: 'cu-more' }, el('summary', {}, 'Evidence'), el('p', {}, more)),
  ];
  return el('li', { class: 'cu-models-row' }, ...parts.filter(Boolean));
}

const number = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(2));

/** The bar and its numbers in words. Critics score from 1 to 5, similarities from 0 to 1; a record does not say which. */
function scoreLine({ score, threshold, passed }) {
  if (score === null || threshold === null) return score === null ? null : el('p', {}, `Score ${number(score)}`);
  const highest = Math.max(score, threshold);
  const top = highest <= 1 ? 1 : highest <= 5 ? 5 : highest;
  const text = `${number(score)}${top === 5 ? ' of 5' : ''}, limit ${number(threshold)}`;
  return el('p', { class: 'cu-models-score' }, scoreBar({ score, threshold, top, good: passed, 'aria-hidden': 'true' }), el('span', { class: 'cu-num' }, el('span', { class: 'cu-sr' }, 'Score '), text));
}

/** A long text shows its beginning; the rest is one press away. */
function folded(text) {
  if (text.length <= LONG) return el('p', { class: 'cu-models-text' }, text);
  const cut = text.lastIndexOf(' ', LONG);
  return el('details', { class: 'cu-more' }, el('summary', {}, `${text.slice(0, cut > 0 ? cut : LONG)} …`), el('p', {}, text));
}

const section = (title, ...content) => el('section', {}, el('h3', {}, title), ...content);
const inWords = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');

function groupBy(list, keyOf) {
  const groups = new Map();
  for (const one of list) groups.set(keyOf(one), [...groups.get(keyOf(one)) ?? [], one]);
  return groups;
}
