/* The page of a queue's screen, whatever the task: its parts, its states, and what it says. */

import { clock, el } from './dom.js';

/** Change a text only when it differs: the next item should cost little. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A long query is set smaller, so that the picture keeps its room. */
export const lengthOf = (query) => (query.length > 320 ? 'very' : query.length > 62 ? 'yes' : null);

export function createStage(root) {
  const parts = new Map();
  const part = (name) => {
    if (!parts.has(name)) parts.set(name, root.querySelector(`[data-part="${name}"]`));
    return parts.get(name);
  };
  const view = { part };

  view.cover = (covered, item) => {
    part('cover').hidden = !covered;
    part('canvas').toggleAttribute('data-covered', covered);
    for (const name of ['picture', 'scene-card']) part(name).inert = covered; // not read aloud either
    if (covered) setText(part('cover-title'), item.category.title);
  };

  view.until = (one) => {
    const expires = Date.parse(one.claim.expires_at);
    setText(part('until'), one.lapsed ? 'No longer yours' : `Yours until ${clock(expires)}`);
  };

  view.hint = (text, kind = '') => {
    setText(part('hint'), text);
    part('hint').dataset.kind = kind;
  };

  /** ready, or one of the states without an item: loading, empty, waiting, forbidden, error. */
  view.state = (state) => {
    root.dataset.state = state;
    const ready = state === 'ready' || state === 'lapsed';
    part('case').hidden = !ready;
    part('blank').hidden = ready;
    part('dock').hidden = !ready;
    if (!ready) { delete root.dataset.item; delete root.dataset.label; }
  };

  view.blank = (title, text, actions = []) => {
    setText(part('blank-title'), title);
    setText(part('blank-text'), text);
    part('blank-actions').replaceChildren(...actions.map(({ text: label, run, href, main, key }) => {
      const node = href ? el('a', { class: 'cu-btn', href }, label) : el('button', { type: 'button', class: main ? 'cu-submit' : 'cu-btn' }, label);
      if (key) node.append(el('kbd', { class: 'cu-key' }, key));
      if (run) node.addEventListener('click', run);
      return node;
    }));
  };

  view.say = (text) => { part('live').textContent = text; };
  view.toHeading = () => {
    const heading = part('case').hidden ? part('blank-title') : part('query');
    heading.focus({ preventScroll: true });
  };
  return view;
}

/** The radio that is on, and the one that Tab reaches when none is. */
export function paintRadios(group, chosen) {
  let reachable = false;
  for (const radio of group.children) {
    const on = radio.dataset.answer === chosen;
    radio.setAttribute('aria-checked', String(on));
    radio.tabIndex = on ? 0 : -1;
    reachable ||= on;
  }
  if (!reachable) group.lastElementChild.tabIndex = 0;
}
