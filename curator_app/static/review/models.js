/*
 * The drawer that sets what models found beside the person's own answer to the item they answered last. It holds nothing of an
 * item whose answer is not stored: the server refuses, and until the answer is saved nobody asks it.
 */

import { api } from './api.js';
import { el, icon, sentence } from './dom.js';
import { describeFindings } from './model_view.js';

export function createModels({ root, view, desk }) {
  const { part } = view;
  const drawer = part('models');
  const label = el('span', { class: 'cu-models-name' });
  const button = el(
    'button', { type: 'button', class: 'cu-btn', 'data-action': 'models', 'aria-expanded': 'false', 'aria-controls': 'cu-models', hidden: true },
    icon('cu-i-eye'), label, ' ', el('kbd', { class: 'cu-key', 'data-key-of': 'models' }),
  );
  root.querySelector('.cu-dock [data-action="undo"]').after(button);
  let entry = null; // the answer that the drawer is about
  let painted = null; // the state in which it was painted last
  let before = null; // once it was refused: the answer that is now the last

  const nameOf = (answer) => `Models on ${answer.case.item.label}`;
  const stateOf = (answer) => (answer.refused ? 'refused' : answer.saved ? 'saved' : 'waiting');
  const isOpen = () => !drawer.hidden;

  /** Say one thing in the drawer instead of findings. */
  function tell(text, action = null) {
    part('models-end').hidden = true;
    part('models-body').replaceChildren(el('p', { role: 'status' }, text), ...action ? [action] : []);
  }

  function paint() {
    const item = entry.case.item.label;
    part('models-title').textContent = nameOf(entry);
    part('models-label').textContent = item;
    painted = stateOf(entry);
    if (painted === 'refused') tell(`Your answer to ${item} was not saved, so what models found stays closed. It shows once an answer of yours is stored.`);
    else if (painted === 'saved') load();
    else tell(`Your answer to ${item} is not saved yet. What models found shows as soon as it is.`);
  }

  async function load() {
    const asked = entry;
    tell('Looking it up.');
    let found;
    try {
      found = await api.suggestions(asked.reviewId);
    } catch (error) {
      if (entry !== asked) return;
      if (error.kind === 'signed_out') desk().link.signedOut();
      else if (error.kind === 'unreachable') desk().link.lost();
      tell(sentence(error.message), error.kind === 'refused' ? null : againButton());
      return;
    }
    if (entry !== asked) return; // closed, taken back, or another answer meanwhile
    const { nodes, summary } = describeFindings(found);
    part('models-body').replaceChildren(...nodes);
    part('models-end').hidden = false;
    view.say(`${nameOf(asked)}. ${summary}`);
  }

  function againButton() {
    const again = el('button', { type: 'button', class: 'cu-btn', 'data-line': true }, 'Try again');
    again.addEventListener('click', () => { drawer.focus({ preventScroll: true }); load(); });
    return again;
  }

  function toggle(open = !isOpen()) {
    if (open === isOpen()) return;
    const last = desk().lastAnswer();
    if (open && !last) {
      const said = 'Answer an item first: then this shows what models found on it.';
      view.hint(said, 'ask');
      view.say(said);
      return;
    }
    const inside = drawer.contains(document.activeElement);
    entry = open ? last : null;
    drawer.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    if (open) {
      paint();
      drawer.scrollTop = 0;
      drawer.focus({ preventScroll: true });
    } else {
      part('models-body').replaceChildren();
      if (inside && button.checkVisibility()) button.focus();
      else if (inside) view.toHeading();
    }
  }
  part('models-close').addEventListener('click', () => toggle(false));

  return {
    isOpen,
    toggle,
    /** The answer in the drawer that can be taken back; null when there is none. */
    shown: () => (entry && !entry.refused ? entry : null),
    /** The last answer is another one, was saved, or was refused. */
    follow() {
      const last = desk().lastAnswer();
      button.hidden = last === null;
      if (last) label.replaceChildren('Models', el('span', { class: 'cu-models-of' }, ` on ${last.case.item.label}`));
      if (!isOpen()) return;
      if (entry.refused && painted !== 'refused') {
        before = last;
        paint();
      } else if (last !== (entry.refused ? before : entry)) toggle(false);
      else if (painted !== stateOf(entry)) paint();
    },
    /** The way in when the dock is away with the last item. */
    moreForBlank() {
      const last = desk().lastAnswer();
      return last ? [{ text: nameOf(last), run: () => toggle(true) }] : [];
    },
  };
}
