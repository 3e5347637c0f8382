/* Puts a model's answer on the screen, with what the judge was given. Changes nothing but the page. */

import { el, plural } from '../review/dom.js';
import { cleanHtml } from '../review/guide.js';
import { createStage, lengthOf, paintRadios, setText } from '../review/stage.js';
import { showScores } from './scores.js';
import { SCALES, openScale, settles } from './work.js';

/** `marker()` is the mark on the answer. */
export function createView(root, { marker }) {
  const view = createStage(root);
  const { part } = view;
  const scales = new Map();

  for (const { id, text, steps } of SCALES) {
    const group = el('div', { class: 'cu-steps', role: 'radiogroup', 'aria-labelledby': `cu-name-${id}`, 'data-scale': id });
    for (const [score, word] of steps.entries()) group.append(el('button', { type: 'button', role: 'radio', 'aria-checked': 'false', tabindex: '-1', 'data-answer': score }, el('b', {}, String(score)), el('span', {}, word)));
    const name = el('button', { type: 'button', class: 'cu-scale-name', 'data-action': id, tabindex: '-1' }, el('kbd', { class: 'cu-key', 'data-key-of': id }), el('span', { id: `cu-name-${id}` }, text), el('small', { class: 'cu-wide' }, '0, 1 or 2'));
    const scale = el('div', { class: 'cu-scale' }, name, group);
    scales.set(id, { scale, group });
    part('scales').append(scale);
  }

  view.show = (one, { covered }) => {
    const { item, claim, work } = one;
    root.dataset.item = item.id;
    root.dataset.label = item.label;
    root.dataset.claim = claim.claim_id;
    setText(part('category'), item.category.title);
    part('category-icon').setAttribute('href', `#cu-c-${item.category.slug}`);
    setText(part('label'), item.label);
    setText(part('query'), item.query);
    const long = lengthOf(item.query);
    if (long === 'very') part('query').dataset.long = long;
    else delete part('query').dataset.long;
    setText(part('hazard'), item.hidden_hazard);
    setText(part('scene-text'), item.scene ?? '');
    part('scene-card').hidden = item.image !== null;
    part('picture').hidden = item.image === null;
    part('tools').hidden = item.image === null;
    part('picture-failed').hidden = true;
    part('canvas').setAttribute('aria-label', item.image ? 'Picture. Plus and minus zoom, arrow keys pan.' : 'Scene, described');
    view.cover(covered, item);
    const words = claim.answer.trim() ? claim.answer.trim().split(/\s+/).length : 0;
    setText(part('length'), words ? plural(words, 'word') : 'Empty: the model said nothing');
    part('text').replaceChildren(cleanHtml(claim.answer_html));
    marker().read();
    showScores(part('others'), claim.others, marker().sentence);
    part('note').value = work.note;
    part('note').placeholder = settles(claim) ? 'Why are these the final scores?' : 'What made you hesitate?';
    part('reply').scrollTop = 0;
    part('case-side').scrollTop = 0;
    part('case').scrollTop = 0;
    view.work(one);
    view.until(one);
  };

  view.work = (one) => {
    const { work, claim } = one;
    for (const { id } of SCALES) {
      const { scale, group } = scales.get(id);
      scale.toggleAttribute('data-now', work.now === id);
      paintRadios(group, work.scores[id] === null ? null : String(work.scores[id]));
    }
    marker().paint(work.warning);
    part('submit').disabled = Boolean(one.lapsed);
    setText(part('flag-text'), work.flagged ? 'Flagged' : 'Flag');
    part('flag-text').parentElement.setAttribute('aria-pressed', String(work.flagged));
    if (one.asked) view.hint(one.asked.ask, 'ask');
    else if (settles(claim)) view.hint(work.note.trim() ? '' : 'A note is needed to settle it');
    else view.hint(openScale(work) ? 'Judge and others stay hidden' : 'Enter submits');
  };
  return view;
}
