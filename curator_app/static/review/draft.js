/* Drafts are saved on the server while the person works, and never in the browser: shared machines must not keep them. */

import { api } from './api.js';

const WAIT_MS = 700;

/** `onChange(state)`: saved, saving, waiting or failed. Writes `one.saved`, the text last acknowledged. */
export function createDrafts({ link, shape, onChange }) {
  let timer = null;
  let pending = null; // the case whose draft is to be saved
  let flight = Promise.resolve();

  const textOf = (one) => {
    const { seconds, ...rest } = shape.draftOf(one.work, one.item);
    return JSON.stringify(rest);
  };

  async function save(one) {
    const text = textOf(one);
    if (one.settled || one.lapsed || one.saved === text) { onChange('saved'); return; }
    onChange('saving');
    try {
      const reply = await api.draft(one.claim.claim_id, shape.draftOf(one.work, one.item));
      one.saved = text;
      onChange('saved', Date.parse(reply.saved_at));
    } catch (error) {
      if (one.settled) { onChange('saved'); return; }
      if (error.kind === 'signed_out') link.signedOut();
      else if (error.kind === 'unreachable') link.lost();
      onChange('failed', null, error.message);
    }
  }

  const drafts = {
    /** Note that the person changed something. */
    touch(one) {
      one.work.touched = true;
      if (pending && pending !== one) drafts.flush();
      pending = one;
      clearTimeout(timer);
      timer = setTimeout(drafts.flush, WAIT_MS);
      onChange('waiting');
    },
    /** Save now what waits. */
    flush() {
      clearTimeout(timer);
      const one = pending;
      pending = null;
      if (one && link.state === 'online') flight = flight.then(() => save(one));
      else pending = one;
      return flight;
    },
    /** The item was decided: its draft is worth nothing any more. Resolves when none is on its way. */
    settle(one) {
      one.settled = true;
      if (pending === one) {
        pending = null;
        clearTimeout(timer);
        onChange('saved');
      }
      return flight;
    },
    unsaved: (one) => Boolean(one && one.work.touched && !one.lapsed && one.saved !== textOf(one)),
    /** The page goes: send what is left without waiting. */
    leave(one) {
      if (one && !one.settled && drafts.unsaved(one)) {
        api.draft(one.claim.claim_id, shape.draftOf(one.work, one.item), { keepalive: true }).catch(() => {});
      }
    },
  };
  return drafts;
}
