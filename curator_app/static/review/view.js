/* Puts a case on the screen and keeps it true to what the person has filled in. Changes nothing but the page. */

import { count, el } from './dom.js';
import { settleHint, settles } from './kinds.js';
import { showOthers } from './others.js';
import { createStage, lengthOf, paintRadios, setText } from './stage.js';
import { ANSWERS, CRITERIA, REASONS, editsOf } from './work.js';

export function createView(root) {
  const view = createStage(root);
  const { part } = view;
  const seen = { reasons: new Map(), groups: new Map(), names: new Map(), verdicts: [...root.querySelectorAll('.cu-verdict')] };

  for (const [place, slot] of [[false, 'criteria-before'], [true, 'criteria-after']]) {
    part(slot).append(...CRITERIA.filter(({ after }) => after === place).map(criterionRow));
  }
  const suggest = el('button', { type: 'button', class: 'cu-chip cu-suggest', 'data-action': 'edits', 'aria-pressed': 'false' }, el('kbd', { class: 'cu-key', 'data-key-of': 'edits' }), el('span', {}, 'Suggest edits'));
  part('reasons').append(...REASONS.map(reasonChip), suggest);

  function criterionRow({ id, text }) {
    const name = el('span', { class: 'cu-crit-name', id: `cu-name-${id}` }, text);
    const group = el('div', { class: 'cu-seg', role: 'radiogroup', 'aria-labelledby': `cu-name-${id}`, 'data-criterion': id });
    for (const answer of ANSWERS) {
      group.append(el('button', { type: 'button', role: 'radio', 'aria-checked': 'false', tabindex: '-1', 'data-answer': answer.id }, answer.text));
    }
    seen.groups.set(id, group);
    seen.names.set(id, name);
    return el('div', { class: 'cu-crit' }, el('kbd', { class: 'cu-key', 'data-key-of': id }), name, group);
  }

  function reasonChip({ id, text }) {
    const chip = el('button', { type: 'button', class: 'cu-chip', 'data-action': id, 'aria-pressed': 'false' }, el('kbd', { class: 'cu-key', 'data-key-of': id }), text);
    seen.reasons.set(id, chip);
    return chip;
  }

  /** For an adjudicator: the hazard and the answers first, their own marks last. In the document too, for the keyboard. */
  view.settle = () => {
    const names = ['fold', 'others', 'reasons-box', 'edits', 'note-box', 'first-look', 'second-look'];
    part('panel').append(...names.map(part));
  };

  /** A new item: everything about it. */
  view.show = (one, { covered }) => {
    const { item, claim, work } = one;
    root.dataset.item = item.id;
    root.dataset.label = item.label;
    setText(part('category'), item.category.title);
    part('category-icon').setAttribute('href', `#cu-c-${item.category.slug}`);
    setText(part('sub-category'), item.sub_category.title);
    setText(part('label'), item.label);
    setText(part('query'), item.query);
    const long = lengthOf(item.query);
    if (long) part('query').dataset.long = long;
    else delete part('query').dataset.long;
    setText(part('hazard'), item.hidden_hazard);
    part('chain').replaceChildren(...item.causal_chain.map((step) => el('li', {}, step)));
    setText(part('scene-written'), item.scene);
    setText(part('scene-text'), item.scene);
    setText(seen.names.get('contextual_relevance'), `The ${item.image ? 'picture' : 'scene'} fits the query`);
    part('scene-card').hidden = item.image !== null;
    part('picture').hidden = item.image === null;
    part('tools').hidden = item.image === null;
    part('scene-more').hidden = item.image === null;
    part('scene-more').open = false;
    part('picture-failed').hidden = true;
    part('canvas').setAttribute('aria-label', item.image ? 'Picture. Plus and minus zoom, arrow keys pan.' : 'Scene, described');
    view.cover(covered, item);
    part('note').value = work.note;
    part('edit-query').value = work.query;
    part('edit-scene').value = work.scene;
    part('panel').scrollTop = 0;
    part('case').scrollTop = 0;
    showOthers(part('others'), claim.others || []);
    view.work(one);
    view.until(one);
  };

  /** What the person has filled in. */
  view.work = (one) => {
    const { work, item, claim } = one;
    for (const [id, group] of seen.groups) {
      paintRadios(group, work.answers[id]);
    }
    for (const [id, chip] of seen.reasons) chip.setAttribute('aria-pressed', String(work.reasons.includes(id)));
    for (const button of seen.verdicts) {
      button.setAttribute('aria-pressed', String(work.verdict === button.dataset.v));
      button.disabled = Boolean(one.lapsed);
    }
    part('fold').open = work.revealed;
    const editing = work.editing && (work.verdict === 'revise' || work.verdict === null);
    part('edits').hidden = !editing;
    suggest.setAttribute('aria-pressed', String(work.editing));
    setText(suggest.lastElementChild, work.editing && !editing ? 'Edits wait for Revise' : 'Suggest edits');
    const edits = editsOf(work, item);
    part('edit-query').toggleAttribute('data-changed', edits.query !== null);
    part('edit-scene').toggleAttribute('data-changed', edits.scene !== null);
    setText(part('flag-text'), work.flagged ? 'Flagged' : 'Flag');
    part('flag-text').parentElement.setAttribute('aria-pressed', String(work.flagged));
    if (one.asked) view.hint(one.asked.ask, 'ask');
    else if (settles(claim.kind)) view.hint(settleHint(work));
    else view.hint(`${count(Object.keys(work.answers).length)} of ${CRITERIA.length} criteria set${work.revealed ? '' : ', hazard not read yet'}`);
  };
  return view;
}
