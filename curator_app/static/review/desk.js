/* The desk: what lies on it, what goes out, what comes back. Every way that a decision can end is handled here. */

import { api } from './api.js';
import { describeBlank } from './blank.js';
import { sentence } from './dom.js';
import { createDrafts } from './draft.js';
import { createLink } from './link.js';
import { createOutbox } from './outbox.js';
import { createProgress } from './progress.js';
import { createSaveState, linkNotice } from './status.js';
import { createStock, isSame, loadPicture } from './stock.js';
import { finishLeaving, joinTabs, releaseOnLeave } from './tabs.js';
import { createUndo } from './undo.js';

const SETTLE_MS = 500; // after an item comes back by itself, a key meant for another one must not decide it
const RECHECK_MS = 30_000;

/**
 * `shape` is what differs between the kinds of task: what is filled in, and how it is sent (see `work.js`). `onAnswers()` runs
 * when the last answer is another one, was saved or was not taken; `moreForBlank()` gives actions for a screen without an item.
 */
export function createDesk({ root, kind, shape, view, notices, canvas, isCovered, onAnswers = () => {}, moreForBlank = () => [] }) {
  const returned = []; // rolled back while the person was typing; shown when they leave the field
  let tabs = null;
  let stock = null;
  let shown = null;
  let guardUntil = 0;
  let trouble = null;
  let counted = performance.now();

  const desk = { stock: () => stock, current: () => stock?.cases[0] ?? null };
  const link = createLink({
    onChange() { showLink(); saveState.paint(); },
    onBack() { outbox.run(); desk.drafts.flush(); stock?.fill({ check: true }).then(show); progress.refresh(); },
  });
  desk.link = link;
  const outbox = createOutbox({ link, onSaved, onFailed, onChange: () => { saveState.paint(); showLink(); } });
  desk.drafts = createDrafts({ link, shape, onChange: (state, at, message) => saveState.draft(state, at, message) });
  const saveState = createSaveState({ root, link, outbox, failed: () => notices.has('failed') });
  const progress = createProgress({ root, kind, link, held: () => (stock?.cases.length ?? 0) + outbox.size() });

  desk.start = async () => {
    tabs = await joinTabs(hear);
    await finishLeaving();
    stock = createStock({
      kind, shape, link, outbox, holder: () => tabs.holder,
      onFilled() { trouble = null; show(); },
      onLost: lose,
      onError(error) { if (!['signed_out', 'unreachable'].includes(error.kind)) trouble = error; show(); },
    });
    await stock.fill();
    progress.refresh().then(show);
    setInterval(tick, 1000);
    setInterval(() => { if (!document.hidden && !desk.current() && link.state === 'online') stock.fill(); }, RECHECK_MS);
    window.addEventListener('pagehide', leave);
    window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  };

  const isWritingNow = () => Boolean(root.querySelector('textarea:focus'));
  desk.ready = () => stock !== null && desk.current() !== null && performance.now() >= guardUntil;

  /** Put the first case on screen, or say why there is none. */
  function show() {
    const one = desk.current();
    saveState.paint();
    progress.paint();
    if (!one) { showBlank(); return; }
    if (one === shown) { view.until(one); view.state(one.lapsed ? 'lapsed' : 'ready'); return; }
    spend();
    shown = one;
    view.show(one, { covered: isCovered(one) });
    if (one.img) canvas.show(one.img);
    view.state(one.lapsed ? 'lapsed' : 'ready');
    showCaseNotices(one);
  }

  function showBlank() {
    const was = shown;
    shown = null;
    notices.set('lapsed', null);
    if (!returned.length) notices.set('failed', null);
    const { state, title, text, actions } = describeBlank({
      kind, link, trouble, progress, ended: Boolean(stock?.ended), waiting: outbox.size(), lookAgain, bringBackSkipped,
    });
    view.state(state);
    view.blank(title, text, [...actions ?? [], ...moreForBlank()]);
    if (was) view.toHeading();
  }

  function showLink() {
    for (const id of ['offline', 'signed_out', 'stranger']) notices.set(id, link.state === id ? linkNotice(link, outbox.size()) : null);
    if (stock && !desk.current()) showBlank();
  }

  function showCaseNotices(one) {
    const { failed } = one.work;
    notices.set('failed', failed ? {
      kind: 'bad',
      title: 'Your verdict was not saved.',
      text: `${shape.names[failed.verdict]} on ${one.item.label} is rolled back. Your marks and note are still here. ${failed.message}`,
      actions: [{ text: 'Save again', key: '↵', run: () => desk.decide(failed.verdict, { again: true }) }, { text: 'Copy note', run: copyNote }],
    } : null);
    notices.set('lapsed', one.lapsed ? {
      kind: 'warn',
      title: `${one.item.label} is no longer yours.`,
      text: `${one.lapsed} Your marks and note stay here until you go on.`,
      actions: [{ text: 'Go on', key: '↵', run: goOn }, { text: 'Copy note', run: copyNote }],
    } : null);
    saveState.paint();
  }
  const copyNote = () => root.dispatchEvent(new CustomEvent('cu-copy-note'));
  const inform = (title, text) => notices.set('info', { kind: 'warn', title, text, actions: [{ text: 'Understood', run: () => notices.set('info', null) }] });

  /** Send a verdict, or say what it still needs. */
  desk.decide = (verdict, { again = false } = {}) => {
    const one = desk.current();
    if (!one || one.lapsed) return;
    const { work, claim } = one;
    const need = shape.missing(work, claim, verdict, again || one.asked?.drops === verdict);
    if (need) { ask(one, verdict, need); return; }
    work.verdict = verdict;
    spend();
    const entry = addressed({ kind: 'review', case: one, verdict });
    notices.set('info', null);
    put(entry);
    view.say(`${shape.past[verdict]} ${one.item.label}. ${progress.sentence()}`);
  };

  /** Write the answer of an entry under the claim that its case has now. */
  function addressed(entry) {
    const one = entry.case;
    const { body, key, sent } = shape.bodyOf(one.work, one.claim, entry.verdict);
    return Object.assign(entry, { body, key, send: afterDraft(one, (options) => shape.submit(sent, options)) });
  }
  /** A draft on its way must not arrive after the answer; on leaving there is no time to wait. */
  const afterDraft = (one, send) => async (options) => {
    if (!options) await desk.drafts.settle(one);
    return send(options);
  };

  function ask(one, verdict, need) {
    one.work.verdict = verdict;
    one.asked = { ask: need.ask, drops: need.drops ? verdict : null };
    if (need.focus === 'edits') one.work.editing = true;
    view.work(one);
    desk.drafts.touch(one);
    view.say(need.ask);
    if (need.focus === 'note') view.part('note').focus();
    else if (need.focus) view.part(need.focus).scrollIntoView({ block: 'nearest' });
    if (need.focus === 'edits') view.part('edit-query').focus();
  }

  desk.skip = () => {
    const one = desk.current();
    if (one.lapsed) { goOn(); return; }
    put({ kind: 'skip', case: one, send: afterDraft(one, (options) => api.skip(one.claim.claim_id, options)) });
    view.say(`${one.item.label} skipped`);
  };

  /** Take the case off the desk and show the next one; the sending follows behind. */
  function put(entry) {
    const one = entry.case;
    one.work.failed = null;
    one.asked = null;
    desk.drafts.settle(one);
    stock.take(one);
    undo.remember(entry);
    show();
    view.toHeading();
    outbox.add(entry);
    stock.fill();
  }

  function onSaved(entry, reply) {
    entry.saved = true;
    if (entry.kind === 'review') {
      entry.reviewId = reply.review_id;
      onAnswers();
      progress.step(1);
      tabs.tell({ type: 'decided', kind, itemId: entry.case.item.id, round: entry.case.claim.round });
    } else if (progress.own) progress.own.skipped = (progress.own.skipped ?? 0) + 1;
    saveState.saved(Date.now());
    if (!desk.current()) progress.refresh().then(show);
  }

  function onFailed(entries, error) {
    const [first] = entries;
    if (error.code === 'claim_lost' && first.kind === 'review' && !first.reclaimed) outbox.keepOpen(() => reclaim(first, error));
    else rollBack(entries, error);
  }

  /** The claim lapsed before the answer arrived. If the item can be had again, the answer goes out under the new claim. */
  async function reclaim(entry, error) {
    const one = entry.case;
    entry.reclaimed = true;
    await stock.fill({ extra: 1 });
    const twin = stock.cases.find((other) => isSame(one, other));
    if (!twin) { rollBack([entry], error); return; }
    if (twin.work.touched && twin === shown) return; // the person is judging it anew
    stock.take(twin);
    one.claim = twin.claim;
    outbox.add(addressed(entry));
    show();
  }

  /** The server would not take them: the cases come back with everything on them. */
  function rollBack(entries, error) {
    for (const entry of entries) {
      entry.refused = true;
      undo.forget(entry);
      const one = entry.case;
      one.settled = false;
      if (['claim_lost', 'not_found', 'conflict'].includes(error.code)) one.lapsed = sentence(error.message);
      else if (entry.kind === 'review') one.work.failed = { verdict: entry.verdict, body: entry.body, key: entry.key, message: sentence(error.message) };
      else inform(`${one.item.label} could not be skipped.`, sentence(error.message));
    }
    const back = entries.filter((entry) => entry.kind === 'review' || !entry.case.lapsed).map((entry) => entry.case);
    returned.unshift(...back);
    if (isWritingNow()) {
      inform('A verdict was not saved.', `It is about ${back.map((one) => one.item.label).join(', ')}, which comes back when you leave this field.`);
      return;
    }
    desk.showWaiting();
  }

  /** Bring back what was rolled back, the oldest on top. */
  desk.showWaiting = () => {
    if (!returned.length || isWritingNow()) return;
    notices.set('info', null);
    for (const one of returned.splice(0).reverse()) stock.bringBack(one);
    guardUntil = performance.now() + SETTLE_MS;
    shown = null;
    show();
    view.toHeading();
  };

  /** The case on screen went to somebody else. Untouched, it goes without a fuss; with work on it, it stays to be read. */
  function lose(one, message) {
    if (!one.work.touched) {
      stock.take(one);
      inform(`${one.item.label} was taken away.`, `${sentence(message)} You had not marked anything on it.`);
      guardUntil = performance.now() + SETTLE_MS;
      show();
      stock.fill();
      return;
    }
    one.lapsed = sentence(message);
    view.state('lapsed');
    view.work(one);
    view.until(one);
    showCaseNotices(one);
  }

  function goOn() {
    const one = desk.current();
    stock.take(one);
    show();
    view.toHeading();
    stock.fill();
  }

  const undo = createUndo({
    kind, shape, link, outbox, progress, inform, putBack, stock: () => stock, holder: () => tabs.holder, onChange: onAnswers,
  });
  desk.undo = undo.take;
  desk.lastAnswer = undo.lastAnswer;

  function putBack(one) {
    stock.bringBack(one);
    one.work.touched = true;
    shown = null;
    show();
    view.toHeading();
    view.say(`${one.item.label} is back`);
  }

  async function bringBackSkipped() {
    try {
      await api.unskip(kind);
      if (progress.own) progress.own.skipped = 0;
      await stock.fill();
      progress.refresh();
    } catch (error) {
      inform('They could not be brought back.', sentence(error.message));
    }
  }

  async function lookAgain() {
    trouble = null;
    await progress.refresh();
    await stock.fill();
    show();
  }

  /** Enter where no notice wants it: the first thing that an empty screen offers. */
  desk.enter = () => {
    if (desk.current() || !stock) return false;
    if (root.dataset.state === 'empty' && progress.own?.skipped) bringBackSkipped();
    else lookAgain();
    return true;
  };

  desk.reloadPicture = () => {
    const one = desk.current();
    if (!one?.item.image) return;
    one.img = loadPicture(one.item);
    view.part('picture-failed').hidden = true;
    canvas.show(one.img);
  };

  /** The server has taken a step of the case on screen and shows more of it. */
  desk.advance = (one, claim) => {
    Object.assign(one, { claim, item: claim.item, asked: null, img: one.img || loadPicture(claim.item) });
    if (desk.current() !== one) return;
    shown = null;
    show();
    view.toHeading();
  };

  /** The server is a step ahead, because an answer of its was lost on the way. Returns whether that was so. */
  async function catchUp(one) {
    const claim = await stock.reread(one);
    if (!claim || claim.step === one.claim.step) return false;
    one.work = shape.createWork({ ...claim, draft: shape.draftOf(one.work, one.item) });
    desk.advance(one, claim);
    return true;
  }

  /** A step was not taken. What was filled in stays; a lost claim is said as such. */
  desk.refuse = async (one, title, error) => {
    if (error.kind === 'signed_out') link.signedOut();
    else if (error.kind === 'unreachable') link.lost();
    else if (['claim_lost', 'not_found'].includes(error.code)) lose(one, error.message);
    else if (error.code === 'conflict' && await catchUp(one)) inform('This step was taken before.', `${sentence(error.message)} Perhaps in another tab; that answer stands.`);
    else inform(title, `${sentence(error.message)} What you wrote is still here.`);
  };

  desk.waiting = () => outbox.size() + returned.length + (desk.current()?.work.failed ? 1 : 0) + (link.state !== 'online' && desk.drafts.unsaved(desk.current()) ? 1 : 0);

  /** Count the time since the last call for the item on screen; a hidden tab or a break is not work. */
  desk.spend = spend;
  function spend() {
    const now = performance.now();
    const passed = Math.min(now - counted, 2000) / 1000;
    counted = now;
    if (shown && stock.isActive()) shown.work.seconds += passed;
  }

  function tick() {
    spend();
    if (shown) view.until(shown);
  }

  function hear(message) {
    if (message.type !== 'decided' || message.kind !== kind || !stock) return;
    stock.drop(message.itemId, message.round, 'You decided it in another tab; that answer stands.');
  }

  /** Give back what was not worked on; an item with marks on it stays held, so that a reload finds it again. */
  function leave() {
    const one = desk.current();
    outbox.leave();
    desk.drafts.leave(one);
    const keep = one?.work.touched ? one.claim.claim_id : null;
    releaseOnLeave(stock.cases.map((other) => other.claim.claim_id).filter((id) => id !== keep));
  }
  return desk;
}
