/* One notice at a time, above the dock: what happened, what is kept, what to do. */

import { el, icon } from './dom.js';

const ORDER = ['stranger', 'signed_out', 'offline', 'failed', 'lapsed', 'info'];

/**
 * A notice is {kind: bad | warn, symbol, title, text, count?, actions: [{text, key?, run}]}. `count` is a part that
 * changes every second and is kept from screen readers. The first action with a key answers Enter.
 */
export function createNotices(slot) {
  const specs = new Map();
  let shown = null;

  function render() {
    const id = ORDER.find((name) => specs.has(name));
    const spec = id ? specs.get(id) : null;
    if (spec && shown && shown.spec.title === spec.title && shown.spec.text === spec.text && shown.id === id) {
      shown.spec = spec;
      if (shown.count) shown.count.textContent = spec.count || '';
      return;
    }
    if (!spec) {
      shown = null;
      slot.replaceChildren();
      return;
    }
    const count = el('span', { 'aria-hidden': 'true', class: 'cu-num' }, spec.count || '');
    const words = el('p', {}, el('b', {}, spec.title), ` ${spec.text} `, count);
    const box = el('div', { class: 'cu-notice', 'data-kind': spec.kind, 'data-notice': id, role: spec.kind === 'bad' ? 'alert' : 'status' }, icon(spec.symbol || 'cu-i-warn'), words);
    shown = { id, spec, count };
    spec.actions.forEach((action, place) => {
      const button = el('button', { type: 'button', class: 'cu-btn', 'data-line': place === 0 }, action.text);
      if (action.key) button.append(el('kbd', { class: 'cu-key' }, action.key));
      button.addEventListener('click', () => shown?.spec.actions[place]?.run(button));
      box.append(button);
    });
    slot.replaceChildren(box);
  }

  return {
    set(id, spec) {
      if (spec) specs.set(id, spec);
      else if (!specs.delete(id)) return;
      render();
    },
    has: (id) => specs.has(id),
    /** Answer Enter; false when no notice wants it. */
    enter() {
      const action = shown?.spec.actions.find((one) => one.key === '↵');
      if (!action) return false;
      action.run();
      return true;
    },
    /** Dismiss what only informs. */
    escape() {
      if (shown?.id !== 'info') return false;
      specs.delete('info');
      render();
      return true;
    },
  };
}
