/* The words about saving: the indicator in the top bar, and the notices when the server cannot be reached. */

import { clock, el, icon, plural } from './dom.js';

const LOOKS = {
  saved: { symbol: 'cu-i-ok', kind: '' },
  saving: { symbol: 'cu-i-sync', kind: 'quiet' },
  failed: { symbol: 'cu-i-warn', kind: 'bad', text: 'Not saved' },
  offline: { symbol: 'cu-i-off', kind: 'warn', text: 'Offline' },
  signed_out: { symbol: 'cu-i-off', kind: 'warn', text: 'Signed out' },
};

/** Saved 14:02, Saving, Not saved, Offline. A screen reader hears it only when it turns bad or good again. */
export function createSaveState({ root, link, outbox, failed }) {
  const slot = root.querySelector('[data-part="save"]');
  let draft = 'saved';
  let savedAt = null;
  let why = '';
  let shown = '';
  const state = {
    draft(next, at, message = '') {
      draft = next;
      why = message;
      if (at) savedAt = at;
      state.paint();
    },
    saved(at) {
      savedAt = at;
      if (draft === 'failed') draft = 'saved';
      state.paint();
    },
    paint() {
      const name = current();
      const look = LOOKS[name];
      const text = look.text || (name === 'saving' ? 'Saving' : savedAt ? `Saved ${clock(savedAt)}` : 'Ready');
      slot.title = name === 'failed' ? why : '';
      if (shown === name + text) return;
      shown = name + text;
      slot.dataset.kind = look.kind;
      slot.dataset.save = name;
      const [first, time] = text.split(/ (?=\d)/);
      slot.replaceChildren(icon(look.symbol), el('span', {}, first, time ? el('span', { class: 'cu-wide' }, ` ${time}`) : null));
    },
  };
  function current() {
    if (link.state === 'offline') return 'offline';
    if (link.state !== 'online') return 'signed_out';
    if (failed() || draft === 'failed') return 'failed';
    if (outbox.size() || draft === 'saving' || draft === 'waiting') return 'saving';
    return 'saved';
  }
  return state;
}

const held = (waiting) => (waiting ? `${plural(waiting, 'decision')} ${waiting === 1 ? 'waits' : 'wait'} in this tab: keep it open.` : 'Keep this tab open.');

/** The notice for a link that is not online. */
export function linkNotice(link, waiting) {
  const tryNow = { text: link.trying ? 'Trying' : 'Try now', run: link.tryNow };
  if (link.state === 'offline') {
    return {
      kind: 'warn', symbol: 'cu-i-off', title: 'Connection lost.',
      text: `You can go on with the items here. ${held(waiting)} What you write is kept in this tab only, not on this computer.`,
      count: link.trying ? 'Trying.' : `Trying again in ${link.waitS} s.`,
      actions: [tryNow],
    };
  }
  if (link.state === 'signed_out') {
    return {
      kind: 'warn', title: 'You are signed out.',
      text: `Sign in again in another tab, then come back. ${held(waiting)}`,
      actions: [{ text: 'Sign in', run: () => window.open('/sign-in', '_blank', 'noopener') }, tryNow],
    };
  }
  return {
    kind: 'bad', title: 'Somebody else is signed in now.',
    text: `This page belongs to ${link.name}. ${waiting ? `${plural(waiting, 'decision')} of theirs cannot be sent in another name. Sign in as ${link.name} and choose Try now.` : 'Load it again to go on.'}`,
    actions: [{ text: 'Load again', run: () => window.location.reload() }, tryNow],
  };
}
