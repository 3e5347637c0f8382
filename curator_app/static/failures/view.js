/* Puts a failed answer on the screen, with the chain it should have seen and the ways in which it can fail. */

import { el, plural } from '../review/dom.js';
import { cleanHtml } from '../review/guide.js';
import { createStage, lengthOf, setText } from '../review/stage.js';
import { MOST_LABELS, MOST_LINKS, labelAction, linkAction } from './keys.js';
import { needNote } from './work.js';

const keyOf = (action) => el('kbd', { class: 'cu-key', 'data-key-of': action });

/** `spans()` are the marks on the answer; `repaintKeys()` runs when controls with keys were made anew. */
export function createView(root, { spans, repaintKeys }) {
  const view = createStage(root);
  const { part } = view;

  function listLinks(chain) {
    part('chain').replaceChildren(...chain.map((text, place) => el('li', {},
      el('button', { type: 'button', 'data-link': place, 'aria-pressed': 'false' }, place < MOST_LINKS ? keyOf(linkAction(place)) : el('span'), el('span', {}, text)))));
  }

  function listLabels(labels) {
    const groups = [...new Set(labels.map(({ group }) => group))];
    part('labels').replaceChildren(...groups.map((group) => el('div', { class: 'cu-fails', role: 'group', 'aria-label': group },
      el('h3', { class: 'cu-quiet' }, group),
      ...labels.map((label, place) => [label, place]).filter(([label]) => label.group === group).map(([{ code, name, definition }, place]) => el('div', { class: 'cu-fail' },
        el('button', { type: 'button', 'data-label': code, 'aria-pressed': 'false', title: definition }, place < MOST_LABELS ? keyOf(labelAction(place)) : el('span'), el('span', {}, name)),
        el('button', { type: 'button', class: 'cu-fail-at', 'data-mark': code, hidden: true }))))));
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
    spans().read([...claim.answer].length);
    listLinks(item.causal_chain);
    listLabels(claim.taxonomy.labels);
    repaintKeys();
    part('note').value = work.note;
    for (const name of ['reply', 'case-side', 'panel', 'case']) part(name).scrollTop = 0;
    view.work(one);
    view.until(one);
  };

  view.work = (one) => {
    const { work, claim } = one;
    const names = new Map(claim.taxonomy.labels.map((label) => [label.code, label]));
    for (const button of root.querySelectorAll('[data-label]:not(.cu)')) {
      const { label: code } = button.dataset;
      const on = work.labels.has(code);
      button.setAttribute('aria-pressed', String(on));
      button.parentElement.toggleAttribute('data-now', work.now === code);
      const mark = button.nextElementSibling;
      mark.hidden = !on || !spans().count();
      if (!on) continue;
      const span = work.labels.get(code);
      setText(mark, span ? spans().name(span) : 'no sentence');
      mark.setAttribute('aria-label', `${names.get(code).name}: ${mark.textContent}. Place its mark`);
    }
    for (const button of part('chain').querySelectorAll('[data-link]')) button.setAttribute('aria-pressed', String(work.link === Number(button.dataset.link)));
    part('none').setAttribute('aria-pressed', String(work.none));
    const marks = [...work.labels].filter(([, span]) => span).map(([code, span]) => ({ code, span, name: names.get(code).name }));
    spans().paint(marks, work.now);
    const now = names.get(work.now);
    setText(part('meaning'), now ? now.definition : '');
    setText(part('cue'), now ? now.cue : '');
    part('note').placeholder = needNote(work, claim).length ? 'What is it?' : 'What made you hesitate?';
    part('submit').disabled = Boolean(one.lapsed);
    setText(part('flag-text'), work.flagged ? 'Flagged' : 'Flag');
    part('flag-text').parentElement.setAttribute('aria-pressed', String(work.flagged));
    if (one.asked) view.hint(one.asked.ask, 'ask');
    else if (now && spans().count() && !work.labels.get(work.now)) view.hint(`Where does “${now.name}” show? Choose a sentence, if one shows it`);
    else if (now || work.none) view.hint('Enter submits');
    else view.hint('Choose how it fails, or 0 if it does not');
  };
  return view;
}
