/* What the screens of the queue share: who may start, and what keeps a claim alive. */

import { api } from './api.js';
import { isWriting, plural } from './dom.js';
import { paintKeys } from './keys.js';
import { KINDS } from './kinds.js';
import { showPerson } from '../person.js';

/** Fetch the person, check their role, claim the first cases; `fetching` says what is on its way. */
export async function begin({ root, kind, view, settings, desk }, fetching) {
  paintKeys(root, settings.map, settings.single);
  view.blank(fetching, 'One moment.');
  let me;
  try {
    me = await api.me();
  } catch (error) {
    if (error.kind === 'signed_out') { location.assign('/sign-in'); return; }
    view.state('error');
    view.blank('The server did not answer', 'Nothing is lost: nothing was open here.', [{ text: 'Try again', main: true, run: () => location.reload() }]);
    return;
  }
  showPerson(root, me);
  desk.link.name = me.name;
  settings.load(me.preferences);
  const may = (role) => me.roles.includes('admin') || me.roles.includes(role);
  const { role, settling } = KINDS[kind];
  if (!may(role)) {
    if (settling && may('adjudicator')) { location.replace('/adjudicate'); return; }
    view.state('forbidden');
    view.blank('This screen is not yours yet', `It needs the role ${role}. Ask an admin for it.`, [{ text: 'See the progress', href: '/progress' }]);
    return;
  }
  const claimed = desk.start();
  if (!settings.warned) await settings.warn();
  await claimed;
  view.toHeading();
}

/** Say that the person is there at every sign of it, and keep them from leaving with something unsaved. */
export function keepAwake({ view, desk }) {
  for (const type of ['pointerdown', 'keydown', 'wheel', 'touchstart']) window.addEventListener(type, () => desk.stock()?.active(), { passive: true });
  window.addEventListener('beforeunload', (event) => {
    const waiting = desk.waiting();
    if (!waiting) return;
    view.say(`${plural(waiting, 'answer')} not saved yet`);
    event.preventDefault();
  });
}

const PAN = { arrowleft: [1, 0], arrowright: [-1, 0], arrowup: [0, 1], arrowdown: [0, -1] };
export function panByKey(name, event, canvas) {
  if (!canvas.zoomed() || isWriting(event.target)) return false;
  if (event.target instanceof Element && event.target.closest('[role="radio"], input, .cu-drawer, .cu-sheet, summary')) return false;
  canvas.pan(...PAN[name]);
  return true;
}
