/* Decisions on their way. In order, one at a time, each with its own key, so that none is lost and none is stored twice. */

import { api, ApiError } from './api.js';

const TRIES = 3;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * An entry is {kind, case, send(options): Promise}. `onSaved(entry, reply)` when the server has it;
 * `onFailed(entries, error)` when it will not take it: after a refusal only that entry, after a server that
 * answers but fails all that wait, because they would fail as well. While nobody answers, entries wait.
 */
export function createOutbox({ link, onSaved, onFailed, onChange }) {
  const waiting = [];
  let running = false;
  let open = 0;

  async function run() {
    if (running) return;
    running = true;
    while (waiting.length && link.state === 'online') {
      const entry = waiting[0];
      onChange();
      const error = await deliver(entry);
      if (error === 'later') break;
      waiting.shift();
      if (error === null) finish(entry, entry.reply);
      else {
        const lost = error.kind === 'refused' ? [entry] : [entry, ...waiting.splice(0)];
        onFailed(lost, error);
        for (const one of lost) one.settle(error);
      }
    }
    running = false;
    onChange();
  }

  function finish(entry, reply) {
    onSaved(entry, reply);
    entry.settle(null);
  }

  /** Returns null when saved, 'later' when nobody is there, or the error that ends it. */
  async function deliver(entry) {
    let last = null;
    entry.tried = true; // from now on the server may have it, even if no reply comes
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (tries) await pause(Math.max(250 * 3 ** (tries - 1), Math.min(last.retryAfterS, 5) * 1000));
      try {
        entry.reply = await entry.send();
        return null;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        last = error;
        if (error.kind === 'signed_out') { link.signedOut(); return 'later'; }
        if (error.kind === 'refused') return error;
        if (error.kind === 'unreachable' && !(await answers())) { link.lost(); return 'later'; }
      }
    }
    return last;
  }

  return {
    add(entry) {
      entry.done = new Promise((settle) => { entry.settle = settle; });
      waiting.push(entry);
      onChange();
      run();
    },
    /** Take back an entry that was never sent; false when the server may have it. */
    withdraw(entry) {
      const place = waiting.indexOf(entry);
      if (place < 0 || entry.tried) return false;
      waiting.splice(place, 1);
      entry.settle(null);
      onChange();
      return true;
    },
    run,
    /** The page goes: send what is left without waiting. The keys make it harmless if the server has it already. */
    leave() {
      for (const entry of waiting) entry.send({ keepalive: true }).catch(() => {});
    },
    /** Count as unsent while `act` finds out how an entry can still be sent. */
    async keepOpen(act) {
      open += 1;
      try {
        await act();
      } finally {
        open -= 1;
        onChange();
      }
    },
    size: () => waiting.length + open,
  };
}

/** A request was cut. Is the server away, or only this request? */
async function answers() {
  try {
    await api.ping();
    return true;
  } catch (error) {
    return error.kind !== 'unreachable';
  }
}
