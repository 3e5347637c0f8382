/* The person's own settings: keys, single keys on or off, covered categories, the warning seen. Kept on the server. */

import { api } from './api.js';
import { el } from './dom.js';
import { capOf, createKeymap, keyName, mayBind } from './keys.js';

const CATEGORIES = [
  ['violent_content', 'Violent Content'], ['illegal_activity', 'Illegal Activity'], ['hate_speech', 'Hate Speech'],
  ['sexual_content', 'Sexual Content'], ['privacy_violation', 'Privacy Violation'], ['self_harm', 'Self-Harm'],
];

/** `actions` are the screen's keys, kept under `place`; `onChange()` runs after every change, at once; saving follows behind. */
export function createSettings({ root, actions, place, onChange }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const dialog = part('settings');
  const said = part('settings-state');
  const settings = { map: createKeymap({}, actions), single: true, cover: new Set(), warned: true, preferences: {} };
  let saving = Promise.resolve();
  let waitingFor = null;

  /** Take over what the server has. Fields that do not fit fall back to their defaults. */
  settings.load = (preferences) => {
    settings.preferences = preferences && typeof preferences === 'object' ? preferences : {};
    const own = settings.preferences.review || {};
    const { keys } = settings.preferences[place] || {};
    settings.chosen = keys && typeof keys === 'object' ? { ...keys } : {};
    settings.map = createKeymap(settings.chosen, actions);
    settings.single = own.single_keys !== false;
    settings.cover = new Set(Array.isArray(own.cover) ? own.cover.filter((slug) => typeof slug === 'string') : []);
    settings.warned = own.warned === true;
    paint();
    onChange();
  };

  /** Keep everything on the server; `done` is said when it is there. */
  settings.save = (done = 'Saved') => {
    const kept = settings.preferences;
    const review = { ...kept.review, single_keys: settings.single, cover: [...settings.cover], warned: settings.warned };
    settings.preferences = { ...kept, review };
    settings.preferences[place] = { ...settings.preferences[place], keys: settings.chosen };
    onChange();
    say('Saving', 'good');
    saving = saving.then(async () => {
      try {
        await api.savePreferences(settings.preferences);
        say(done, 'good');
      } catch (error) {
        say(`Not saved: ${error.message} The settings hold in this tab.`, 'bad');
      }
    });
    return saving;
  };

  function say(text, kind) {
    said.textContent = text;
    said.dataset.kind = kind;
  }

  function paint() {
    part('single-keys').checked = settings.single;
    const groups = [...new Set(actions.map(({ group }) => group))];
    part('keymap').replaceChildren(...groups.flatMap((group) => [
      el('h3', {}, group),
      ...actions.filter((action) => action.group === group).map(keyRow),
    ]));
    for (const name of ['settings-covers', 'warning-covers']) part(name).replaceChildren(...CATEGORIES.map(coverRow));
  }

  function keyRow({ id, text }) {
    const key = settings.map[id];
    const button = el('button', { type: 'button', class: 'cu-rekey', 'data-rekey': id, 'aria-label': `${text}: ${key ? capOf(key) : 'no key'}. Change` }, key ? capOf(key) : 'none');
    button.addEventListener('click', () => waitFor(id));
    return el('div', { class: 'cu-keyrow' }, el('span', {}, text), button);
  }

  function waitFor(id) {
    stopWaiting();
    waitingFor = id;
    const button = rowButton(id);
    button.dataset.waiting = 'true';
    button.textContent = 'Press a key';
    button.focus();
    say('Press the new key. Backspace takes the key away, Esc leaves it as it is.', 'good');
  }

  function stopWaiting() {
    waitingFor = null;
    paint();
  }

  const rowButton = (id) => part('keymap').querySelector(`[data-rekey="${id}"]`);

  function rebind(id, key) {
    const other = key && Object.keys(settings.map).find((action) => action !== id && settings.map[action] === key);
    settings.chosen = { ...settings.chosen, [id]: key };
    if (other) settings.chosen[other] = settings.map[id]; // the two change places, so that no action loses its key
    settings.map = createKeymap(settings.chosen, actions);
    stopWaiting();
    rowButton(id).focus();
    const name = (action) => actions.find((one) => one.id === action).text;
    settings.save(other ? `Saved. ${name(other)} now has ${settings.map[other] ? capOf(settings.map[other]) : 'no key'}.` : 'Saved');
  }

  function coverRow([slug, title]) {
    const box = el('input', { type: 'checkbox', 'data-cover': slug });
    box.checked = settings.cover.has(slug);
    box.addEventListener('change', () => {
      settings.cover[box.checked ? 'add' : 'delete'](slug);
      for (const twin of root.querySelectorAll(`[data-cover="${slug}"]`)) twin.checked = box.checked;
      settings.save();
    });
    return el('label', { class: 'cu-check' }, box, el('span', {}, title));
  }

  dialog.addEventListener('keydown', (event) => {
    if (!waitingFor) return;
    event.preventDefault();
    event.stopPropagation();
    const id = waitingFor;
    const key = keyName(event);
    if (key === 'escape' || key === 'tab') {
      stopWaiting();
      rowButton(id).focus();
      say('', 'good');
    } else if (key === 'backspace' || key === 'delete') rebind(id, '');
    else if (mayBind(key)) rebind(id, key);
    else if (!['shift', 'control', 'alt', 'meta', 'capslock'].includes(key)) say(`${event.key} is needed elsewhere; choose another key.`, 'bad');
  });
  dialog.addEventListener('cancel', (event) => { if (waitingFor) event.preventDefault(); });
  part('single-keys').addEventListener('change', (event) => {
    settings.single = event.target.checked;
    settings.save();
  });
  part('keys-reset').addEventListener('click', () => {
    settings.chosen = {};
    settings.map = createKeymap({}, actions);
    paint();
    settings.save();
  });
  part('settings-close').addEventListener('click', () => dialog.close());
  settings.open = () => { say('', 'good'); paint(); dialog.showModal(); };
  /** Show the content warning; resolves when it has been read. */
  settings.warn = () => new Promise((done) => {
    const warning = part('warning');
    const start = part('warning-start');
    warning.addEventListener('close', () => { settings.warned = true; settings.save(); done(); }, { once: true });
    start.addEventListener('click', () => warning.close(), { once: true });
    warning.showModal();
    start.focus();
  });
  paint();
  return settings;
}
