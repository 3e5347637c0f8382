/* Single keys: the table of actions, the person's own choices, and the one listener. */

import { CRITERIA, REASONS } from './work.js';
import { isWriting } from './dom.js';
import { TAKE_ACTIONS } from './kinds.js';

const REASON_KEYS = { leakage: 'l', duplicate: 'd', wrong_category: 'w', too_disturbing: 't', other: 'o' };

/** The actions that every screen with a picture has. */
export const PICTURE_ACTIONS = [
  { id: 'zoom_in', text: 'Zoom in', key: '+', group: 'Picture and page' },
  { id: 'zoom_out', text: 'Zoom out', key: '-', group: 'Picture and page' },
  { id: 'fit', text: 'Fit the picture', key: 'c', group: 'Picture and page' },
  { id: 'brightness', text: 'Brightness', key: 'b', group: 'Picture and page' },
  { id: 'guidelines', text: 'Guidelines', key: 'g', group: 'Picture and page' },
  { id: 'settings', text: 'Keys and settings', key: '?', group: 'Picture and page' },
];

/** Every action with its group in the settings and its key from the start. */
export const ACTIONS = [
  { id: 'approve', text: 'Approve', key: 'a', group: 'Decide' },
  { id: 'revise', text: 'Revise', key: 'e', group: 'Decide' },
  { id: 'reject', text: 'Reject', key: 'r', group: 'Decide' },
  { id: 'undo', text: 'Undo the last decision', key: 'z', group: 'Decide' },
  { id: 'models', text: 'What models found on the last one', key: 'i', group: 'Decide' },
  { id: 'skip', text: 'Skip', key: 's', group: 'Decide' },
  { id: 'flag', text: 'Flag for a maintainer', key: 'f', group: 'Decide' },
  ...CRITERIA.map(({ id, text }, place) => ({ id, text, key: String(place + 1), group: 'Judge' })),
  { id: 'reveal', text: 'Hidden hazard', key: 'h', group: 'Judge' },
  { id: 'note', text: 'Write a note', key: 'n', group: 'Judge' },
  { id: 'edits', text: 'Suggest edits', key: 'm', group: 'Judge' },
  { id: 'uncover', text: 'Show a covered picture', key: 'v', group: 'Judge' },
  ...REASONS.map(({ id, text }, place) => ({ id, text, key: place < 6 ? String((place + 5) % 10) : REASON_KEYS[id], group: 'Reasons' })),
  ...PICTURE_ACTIONS,
];
const MOVED = { far_fetched_chain: 'j', undeclared_premise: 'u', hazard_not_visible: 'y' }; // 7, 8 and 9 take answers
/** Those of who settles: what models found is not for them, but the reviewers' answers are. */
export const SETTLE_ACTIONS = [
  ...ACTIONS.filter(({ id }) => id !== 'models').map((action) => ({ ...action, key: MOVED[action.id] ?? action.key })),
  ...TAKE_ACTIONS,
];
const RESERVED = new Set(['escape', 'enter', 'tab', ' ', 'arrowleft', 'arrowright', 'arrowup', 'arrowdown', 'shift', 'control', 'alt', 'meta', 'capslock', 'dead', 'process', 'unidentified']);

/** The name of the key in `event`, the same with Caps Lock and on a layout whose letters are not Latin. */
export function keyName(event) {
  const key = event.key.toLowerCase();
  if (key.length === 1 && key.charCodeAt(0) > 127) {
    const latin = /^(?:Key|Digit)(.)$/.exec(event.code);
    if (latin) return latin[1].toLowerCase();
  }
  return key === '=' && event.code === 'Equal' ? '+' : key;
}

export const capOf = (key) => (key === '-' ? '−' : key.length === 1 ? key.toUpperCase() : key);
export const mayBind = (key) => key.length >= 1 && !RESERVED.has(key);

/**
 * The keys in force: the defaults with the person's choices over them. A choice that is no key is left out, and a default gives
 * way to a choice: an action may be newer than the choice of its key for another one.
 */
export function createKeymap(chosen = {}, actions = ACTIONS) {
  const map = Object.fromEntries(actions.map(({ id, key }) => [id, key]));
  for (const [id, key] of Object.entries(chosen)) {
    if (id in map && typeof key === 'string' && key.length <= 12 && (key === '' || mayBind(key.toLowerCase()))) map[id] = key.toLowerCase();
  }
  for (const { id, key } of actions) {
    if (map[id] === key && !(id in chosen) && actions.some((other) => other.id in chosen && map[other.id] === key)) map[id] = '';
  }
  return map;
}

/** Write the keys on every cap and tell screen readers. */
export function paintKeys(root, map, single) {
  for (const cap of root.querySelectorAll('[data-key-of]')) {
    const key = map[cap.dataset.keyOf];
    cap.textContent = key ? capOf(key) : '';
    cap.hidden = !key || !single;
  }
  for (const control of root.querySelectorAll('[data-action]')) {
    const key = map[control.dataset.action];
    if (key && single) control.setAttribute('aria-keyshortcuts', key);
    else control.removeAttribute('aria-keyshortcuts');
  }
}

/**
 * Listen once on the document. `keys()` gives {map, single}; `act(id, event)` does it;
 * `special(name, event)` gets Enter, Escape and arrows and returns true when it took them.
 */
export function listenToKeys({ root, keys, act, special }) {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (root.querySelector('dialog[open]')) return;
    if (isWriting(event.target)) {
      if (event.key === 'Escape') special('leave', event);
      return;
    }
    const name = keyName(event);
    if (['enter', 'escape', 'arrowleft', 'arrowright', 'arrowup', 'arrowdown'].includes(name)) {
      if (special(name, event)) event.preventDefault();
      return;
    }
    const { map, single } = keys();
    if (!single || (event.target instanceof Element && event.target.closest('.cu-sheet'))) return;
    const id = Object.keys(map).find((action) => map[action] === name);
    if (!id) return;
    event.preventDefault();
    if (event.repeat && !['zoom_in', 'zoom_out'].includes(id)) return; // a key held down must not decide twenty items
    act(id, event);
  });
}
