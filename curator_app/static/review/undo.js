/* Taking back: the last ten decisions and skips of this tab, and on an empty memory the person's last one on the server. */

import { api } from './api.js';
import { sentence } from './dom.js';
import { KINDS } from './kinds.js';
import { createCase, isSame } from './stock.js';

const DEPTH = 10;

/** `putBack(case)` puts a case on top of the desk; `inform(title, text)` says what could not be done; `onChange()` when others count as the last. */
export function createUndo({ kind, shape, link, outbox, progress, inform, putBack, stock, holder, onChange }) {
  const past = []; // the newest last
  let queue = Promise.resolve();

  async function undoOne(wanted) {
    if (!stock()) return;
    const entry = wanted ?? past.at(-1);
    if (wanted && !past.includes(wanted)) return; // taken back by an earlier press
    if (entry && outbox.withdraw(entry)) {
      forget(entry);
      entry.case.settled = false;
      putBack(entry.case);
    } else if (link.state !== 'online') {
      inform('Nothing was undone.', 'Undo needs the server. Press it again when the connection is back.');
    } else if (!entry) await undoOnServer(null);
    else {
      forget(entry);
      if (await entry.done) return; // on an error it was refused and has come back by itself
      if (entry.kind === 'skip') await unskip(entry.case);
      else await undoOnServer(entry);
    }
  }

  async function undoOnServer(entry) {
    try {
      const body = entry ? { review_id: entry.reviewId, holder: holder() } : { holder: holder() };
      const { claim } = await api.undo(body);
      progress.step(-1);
      if (claim.kind !== kind) {
        inform('Undone.', `${claim.item.label} is open again on the ${KINDS[claim.kind].screen} screen.`);
        return;
      }
      const one = createCase(claim, shape);
      if (entry) {
        const { revealed, uncovered, flagged } = entry.case.work;
        Object.assign(one.work, { revealed, uncovered, flagged });
      }
      putBack(one);
    } catch (error) {
      if (error.kind === 'unreachable' && entry) {
        remember(entry);
        link.lost();
      }
      inform('Nothing was undone.', error.status === 404 && !entry ? 'There is no decision left to take back.' : sentence(error.message));
    }
  }

  /** The server brings all skipped items back at once; the one meant comes first here. */
  async function unskip(one) {
    await api.unskip(kind);
    if (progress.own) progress.own.skipped = 0;
    await stock().fill({ extra: 1 });
    const found = stock().cases.find((other) => isSame(one, other));
    if (found) putBack(Object.assign(one, { claim: found.claim, settled: false }));
    else inform('Your skipped items are back in the queue.', `${one.item.label} comes up again later.`);
  }

  function remember(entry) {
    past.push(entry);
    if (past.length > DEPTH) past.shift();
    onChange();
  }

  function forget(entry) {
    const place = past.indexOf(entry);
    if (place < 0) return;
    past.splice(place, 1);
    onChange();
  }

  return {
    /** Take back the last one, or the one that is given; several presses are worked off one after the other. */
    take(entry = null) {
      queue = queue.then(() => undoOne(entry)).catch((error) => inform('Nothing was undone.', sentence(error.message)));
      return queue;
    },
    /** The last answer that was given and not taken back, skips aside; null when there is none. */
    lastAnswer: () => past.findLast((entry) => entry.kind === 'review') ?? null,
    remember,
    forget,
  };
}
