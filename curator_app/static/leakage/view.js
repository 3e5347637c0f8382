/* Puts a case of the leakage check on the screen, step by step. Changes nothing but the page. */

import { el, icon, plural } from '../review/dom.js';
import { createStage, lengthOf, paintRadios, setText } from '../review/stage.js';
import { settleHint } from '../review/kinds.js';
import { paintTaken } from '../review/side_by_side.js';
import { SURE, markersOf, showChecks } from './checks.js';
import { diffNodes, diffWords } from './diff.js';
import { showFindings } from './found.js';
import { placeOf } from './settle_work.js';
import { NAMES, QUESTIONS, SETTLE_STEP, isAsked, marksOpen, openQuestion, outcomeOpen, rewriteOf } from './work.js';
import { isIn, splitWords, textOf } from './words.js';

/** `afterWork(one)` paints what lies on the picture; `settling`: for whoever settles checks that differ. */
export function createView(root, { afterWork, settling }) {
  const view = createStage(root);
  const { part } = view;
  const rows = new Map();
  const outcomes = [...root.querySelectorAll('[data-outcome]')];
  const steps = [...part('stepper').children];
  const stepButtons = [...root.querySelectorAll('[data-step-button], [data-action="none"]')];
  let sentence = '';
  let marking = null; // whether the words of the query on screen can be marked
  view.pieces = [];

  for (const question of QUESTIONS) {
    const name = el('span', { class: 'cu-crit-name', id: `cu-name-${question.id}` }, question.text);
    const group = el('div', { class: 'cu-seg', role: 'radiogroup', 'aria-labelledby': `cu-name-${question.id}`, 'data-question': question.id, 'data-many': question.answers.length });
    for (const answer of question.answers) group.append(el('button', { type: 'button', role: 'radio', 'aria-checked': 'false', tabindex: '-1', 'data-answer': answer.id }, answer.text));
    const row = el('div', { class: 'cu-crit' }, el('kbd', { class: 'cu-key', 'data-key-of': `ask_${(settling && question.settleKey) || question.key}` }), name, group);
    rows.set(question.id, { row, group });
    part(`questions-${question.place}`).append(row);
  }

  if (settling) { // the hazard and the answers first, a new answer last; in the document too, for the keyboard
    part('panel').append(...['hazard-box', 'others', 'marks-box', 'questions-box', 'edits', 'note-box', 'found-box'].map(part));
  }

  function showQuery(one) {
    const { item, claim } = one;
    const hero = part('query');
    marking = marksOpen(one);
    view.pieces = splitWords(item.query);
    hero.setAttribute('aria-label', item.query);
    const long = lengthOf(item.query);
    if (long && claim.step > 1) hero.dataset.long = long;
    else if (long === 'very') hero.dataset.long = long;
    else delete hero.dataset.long;
    hero.replaceChildren(...view.pieces.map((piece, place) => {
      if (claim.step === 1) return piece.text;
      if (!piece.word) return el('span', { class: 'cu-gap', 'data-place': place }, piece.text);
      if (marking) return el('button', { type: 'button', class: 'cu-word', 'aria-pressed': 'false', tabindex: '-1', 'data-place': place }, piece.text);
      return el('span', { class: 'cu-word', 'data-place': place }, piece.text);
    }));
    const first = hero.querySelector('button');
    if (first) first.tabIndex = 0;
  }

  view.show = (one, { covered }) => {
    const { item, claim, work } = one;
    const { step } = claim;
    root.dataset.item = item.id;
    root.dataset.label = item.label;
    root.dataset.step = String(step);
    for (const [place, node] of steps.entries()) {
      if (place + 1 === step) node.setAttribute('aria-current', 'step');
      else node.removeAttribute('aria-current');
    }
    setText(part('label'), item.label);
    showQuery(one);
    part('guess').value = work.text;
    part('note').value = work.note;
    part('edit-query').value = work.query;
    part('panel').scrollTop = 0;
    part('case').scrollTop = 0;
    if (step > 1) showPicture(one, covered);
    if (step === SETTLE_STEP) {
      part('note').placeholder = 'Why is this the answer?';
      showChecks(part('others'), one);
    }
    if (step > 2) {
      setText(part('hazard'), item.hidden_hazard);
      part('chain').replaceChildren(...item.causal_chain.map((line) => el('li', {}, line)));
      sentence = showFindings({ list: part('found'), source: part('source'), one });
    }
    view.work(one);
    view.until(one);
  };

  function showPicture({ item, claim }, covered) {
    setText(part('category'), item.category.title);
    part('category-icon').setAttribute('href', `#cu-c-${item.category.slug}`);
    setText(part('sub-category'), item.sub_category.title);
    setText(part('scene-text'), item.scene ?? '');
    part('scene-card').hidden = item.image !== null;
    part('picture').hidden = item.image === null;
    part('tools').hidden = item.image === null;
    part('picture-failed').hidden = true;
    part('canvas').setAttribute('aria-label', item.image ? 'Picture. Plus and minus zoom. Drag to draw a box, or press M and use the arrow keys.' : 'Scene, described');
    view.cover(covered, item);
    if (claim.guess) {
      setText(part('said'), claim.guess.text || 'No danger');
      setText(part('said-how'), `${SURE[claim.guess.sure]}, after ${plural(Math.max(1, Math.round(claim.guess.seconds)), 'second')}`);
    }
    part('box-hint').hidden = item.image === null;
  }

  view.work = (one) => {
    const { work, claim, item } = one;
    for (const question of QUESTIONS) {
      const { row, group } = rows.get(question.id);
      row.hidden = !isAsked(question, one);
      paintRadios(group, work.answers[question.id]);
    }
    for (const button of outcomes) {
      button.setAttribute('aria-pressed', String(work.verdict === button.dataset.outcome));
      button.disabled = Boolean(one.lapsed);
    }
    for (const button of stepButtons) button.disabled = Boolean(one.lapsed || one.busy);
    if (marking !== marksOpen(one)) showQuery(one);
    paintWords(one);
    if (marksOpen(one)) paintMarks(one);
    if (outcomeOpen(one)) paintRewrite(one);
    if (claim.step === SETTLE_STEP) paintSettling(one);
    setText(part('flag-text'), work.flagged ? 'Flagged' : 'Flag');
    part('flag-text').parentElement.setAttribute('aria-pressed', String(work.flagged));
    if (one.asked) view.hint(one.asked.ask, 'ask');
    else view.hint(hintOf(one));
    afterWork(one);
  };

  function paintSettling({ work, lapsed }) {
    root.toggleAttribute('data-writing', work.writing);
    root.querySelector('[data-action="new"]').setAttribute('aria-pressed', String(work.writing));
    part('settle').disabled = Boolean(lapsed);
    paintTaken(part('others'), placeOf(work.side));
  }

  function hintOf(one) {
    if (one.claim.step === SETTLE_STEP) {
      const { side, writing, note, verdict } = one.work;
      if (writing) return openQuestion(one) ? 'A new answer, with a note that says why' : settleHint({ note, verdict: verdict in NAMES });
      return side === null ? 'Take an answer, or write a new one' : note.trim() ? `Siding with ${side}: Enter settles it` : `Siding with ${side}: a note is needed`;
    }
    if (one.claim.step === 1) return 'You cannot change this answer later.';
    if (one.claim.step === 3) return sentence;
    return openQuestion(one) ? 'Detector findings appear after you submit.' : 'Detector findings appear next.';
  }

  function paintWords({ claim, work }) {
    const found = claim.step > 2 ? claim.machine.words : [];
    const others = claim.step === SETTLE_STEP ? claim.others : [];
    const own = claim.step === SETTLE_STEP && !work.writing ? [] : work.words;
    for (const node of part('query').querySelectorAll('[data-place]')) {
      const piece = view.pieces[Number(node.dataset.place)];
      const mine = isIn(piece, own);
      const { here, ends } = markersOf(view.pieces, Number(node.dataset.place), others);
      node.toggleAttribute('data-theirs', here !== '');
      if (ends) node.dataset.by = here;
      else delete node.dataset.by;
      if (node.matches('button')) node.setAttribute('aria-pressed', String(mine));
      node.toggleAttribute('data-mine', mine);
      node.toggleAttribute('data-found', isIn(piece, found));
    }
  }

  function paintMarks({ work, item }) {
    const line = (text, where, remove) => el('p', { class: 'cu-line' }, el('span', {}, el('q', {}, text), ` ${where}`), el('button', { type: 'button', class: 'cu-x', 'data-remove': remove, 'aria-label': `Remove ${text}` }, icon('cu-i-no')));
    const lines = work.words.map((span, place) => line(textOf(item.query, span), 'in the query', place));
    if (work.box && item.image) lines.push(line('Box 1', 'in the picture', 'box'));
    part('marks').replaceChildren(...lines);
  }

  function paintRewrite({ work, item }) {
    const rewrite = rewriteOf(work, item);
    part('no-rewrite').hidden = rewrite !== null || work.editing;
    part('editor').hidden = !work.editing;
    const grew = work.editing && part('diff').hidden && rewrite !== null;
    part('diff').hidden = rewrite === null;
    if (rewrite === null) return;
    const parts = diffWords(item.query, rewrite);
    part('diff-before').replaceChildren(...diffNodes(parts, 'del'));
    part('diff-after').replaceChildren(...diffNodes(parts, 'ins'));
    if (grew) part('edits').scrollIntoView({ block: 'nearest' });
  }
  return view;
}
