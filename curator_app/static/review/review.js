/* The review screen put together: what happens at every action, and in every state that a shared queue can get into. */

import { api } from './api.js';
import { createCanvas } from './canvas.js';
import { createDesk } from './desk.js';
import { copyText, isWriting, plural } from './dom.js';
import { createGuide } from './guide.js';
import { listenToKeys, paintKeys } from './keys.js';
import { createNotices } from './notices.js';
import { createSettings } from './settings.js';
import { showPerson } from '../person.js';
import { createView } from './view.js';
import { CRITERIA, REASONS, VERDICTS, editsOf } from './work.js';

/** Start on `root`, once. */
export async function startReview(root) {
  const kind = new URLSearchParams(location.search).get('kind') === 'adjudication' ? 'adjudication' : 'scenario_review';
  root.dataset.kind = kind;
  const view = createView(root);
  if (kind === 'adjudication') view.settle();
  const { part } = view;
  const notices = createNotices(part('notice'));
  const guide = createGuide({
    kind, drawer: part('guide'), body: part('guide-body'), version: part('guide-version'),
    closeButton: part('guide-close'), button: root.querySelector('[data-action="guidelines"]'),
  });
  const canvas = createCanvas({
    canvas: part('canvas'), holder: part('picture'), zoomText: part('zoom'), range: part('brightness'),
    onFailed: (img) => { if (desk.current()?.img === img) part('picture-failed').hidden = false; },
  });
  const settings = createSettings({
    root,
    onChange() {
      paintKeys(root, settings.map, settings.single);
      const one = desk?.current();
      if (one) view.cover(isCovered(one), one.item);
    },
  });
  const isCovered = (one) => settings.cover.has(one.item.category.slug) && !one.work.uncovered;
  const desk = createDesk({ root, kind, view, notices, canvas, isCovered });
  const screen = { root, kind, view, part, notices, guide, canvas, settings, desk, isCovered };

  wireControls(screen);
  paintKeys(root, settings.map, settings.single);
  view.blank('Getting your items', 'One moment.');
  await begin(screen);
}

async function begin({ root, kind, view, settings, desk }) {
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
  if (!may(kind === 'adjudication' ? 'adjudicator' : 'annotator')) {
    if (kind !== 'adjudication' && may('adjudicator')) { location.replace('/?kind=adjudication'); return; }
    view.state('forbidden');
    view.blank('This screen is not yours yet', `It needs the role ${kind === 'adjudication' ? 'adjudicator' : 'annotator'}. Ask an admin for it.`, [{ text: 'See the progress', href: '/progress' }]);
    return;
  }
  const claimed = desk.start();
  if (!settings.warned) await settings.warn();
  await claimed;
  view.toHeading();
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions(screen) {
  const { view, part, guide, canvas, settings, desk } = screen;
  const withCase = (act) => (...args) => {
    const one = desk.current();
    if (one && desk.ready()) act(one, ...args);
  };
  const changed = (one) => {
    one.asked = null;
    view.work(one);
    desk.drafts.touch(one);
  };

  const actions = {
    undo: () => desk.undo(),
    skip: withCase(() => desk.skip()),
    flag: withCase((one) => openFlag(screen, one)),
    reveal: withCase((one) => {
      one.work.revealed = !one.work.revealed;
      changed(one);
      if (one.work.revealed) part('fold').scrollIntoView({ block: 'nearest' }); // on a phone it opens below the edge
    }),
    note: withCase(() => { part('note').focus(); part('note').scrollIntoView({ block: 'nearest' }); }),
    edits: withCase((one) => toggleEdits(screen, one, changed)),
    uncover: withCase((one) => { one.work.uncovered = true; view.cover(false, one.item); view.toHeading(); }),
    zoom_in: withCase((one) => { if (one.item.image) canvas.zoomIn(); }),
    zoom_out: withCase((one) => { if (one.item.image) canvas.zoomOut(); }),
    fit: withCase((one) => { if (one.item.image) canvas.fit(); }),
    brightness: withCase((one) => { if (one.item.image) part('brightness').focus(); }),
    guidelines: () => guide.toggle(),
    settings: () => settings.open(),
  };
  for (const verdict of Object.keys(VERDICTS)) actions[verdict] = withCase(() => desk.decide(verdict));
  for (const { id } of REASONS) {
    actions[id] = withCase((one) => {
      const { work } = one;
      work.reasons = work.reasons.includes(id) ? work.reasons.filter((other) => other !== id) : REASONS.map((reason) => reason.id).filter((other) => other === id || work.reasons.includes(other));
      changed(one);
      view.say(`${REASONS.find((reason) => reason.id === id).text} ${work.reasons.includes(id) ? 'chosen' : 'taken away'}`);
    });
  }
  for (const { id, after } of CRITERIA) {
    actions[id] = withCase((one) => {
      if (after && !one.work.revealed) { actions.reveal(); view.say('Hidden hazard shown. Press again to answer.'); return; }
      const next = { yes: 'unsure', unsure: 'no', no: 'yes' }[one.work.answers[id]] || 'yes';
      actions.answer(id, next);
    });
  }
  actions.answer = (id, answer) => withCase((one) => {
    if (CRITERIA.find((criterion) => criterion.id === id).after && !one.work.revealed) one.work.revealed = true;
    one.work.answers[id] = answer;
    changed(one);
    view.say(`${CRITERIA.find((criterion) => criterion.id === id).text}: ${answer}`);
  })();
  actions.write = (field) => withCase((one) => {
    one.work[field] = part({ note: 'note', query: 'edit-query', scene: 'edit-scene' }[field]).value;
    if (field !== 'note') one.work.verdict = 'revise';
    changed(one);
  })();
  return actions;
}

/** Open the two fields; on the second press drop the edits again. */
function toggleEdits({ part, view }, one, changed) {
  const { work } = one;
  const shown = !part('edits').hidden;
  if (shown) {
    Object.assign(work, { editing: false, query: one.item.query, scene: one.item.scene });
    part('edit-query').value = work.query;
    part('edit-scene').value = work.scene;
  } else {
    work.editing = true;
    work.verdict = 'revise';
  }
  changed(one);
  if (shown) view.toHeading();
  else {
    part('edits').scrollIntoView({ block: 'nearest' });
    part('edit-query').focus();
  }
}

function openFlag({ part, view, desk }, one) {
  const dialog = part('flag-dialog');
  part('flag-note').value = '';
  part('flag-error').textContent = '';
  part('flag-send').onclick = async () => {
    const note = part('flag-note').value.trim();
    if (!note) {
      part('flag-error').textContent = 'Write a few words, so that somebody knows where to look.';
      part('flag-note').focus();
      return;
    }
    part('flag-send').disabled = true;
    try {
      await api.flag(one.claim.claim_id, note);
      one.work.flagged = true;
      dialog.close();
      if (desk.current() === one) { view.work(one); desk.drafts.touch(one); }
      view.say(`${one.item.label} flagged`);
    } catch (error) {
      part('flag-error').textContent = `The flag was not sent. ${error.message} Your words are still here.`;
    } finally {
      part('flag-send').disabled = false;
    }
  };
  part('flag-cancel').onclick = () => dialog.close();
  dialog.showModal();
}

function wireControls(screen) {
  const { root, part, view, notices, guide, canvas, settings, desk } = screen;
  const actions = makeActions(screen);

  root.addEventListener('click', (event) => {
    const radio = event.target.closest('[role="radio"]');
    if (radio) return actions.answer(radio.parentElement.dataset.criterion, radio.dataset.answer);
    const control = event.target.closest('[data-action]');
    if (!control) return undefined;
    event.preventDefault();
    return actions[control.dataset.action]?.();
  });
  root.addEventListener('keydown', (event) => {
    const radio = event.target.closest('[role="radio"]');
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!radio || !step) return;
    event.preventDefault();
    const all = [...radio.parentElement.children];
    const next = all[(all.indexOf(radio) + step + all.length) % all.length];
    actions.answer(radio.parentElement.dataset.criterion, next.dataset.answer);
    next.focus();
  });
  part('note').addEventListener('input', () => actions.write('note'));
  part('edit-query').addEventListener('input', () => actions.write('query'));
  part('edit-scene').addEventListener('input', () => actions.write('scene'));
  part('picture-again').addEventListener('click', () => desk.reloadPicture());
  for (const name of ['note', 'edit-query', 'edit-scene']) part(name).addEventListener('blur', () => { desk.drafts.flush(); desk.showWaiting(); });

  listenToKeys({
    root,
    keys: () => settings,
    act: (id) => actions[id]?.(),
    special(name, event) {
      if (name === 'leave') { event.target.blur(); view.toHeading(); return true; }
      if (name === 'escape') {
        if (guide.isOpen()) { guide.toggle(false); return true; }
        if (event.target.matches('input[type="range"]')) { view.toHeading(); return true; }
        return notices.escape();
      }
      if (name === 'enter') {
        if (event.target instanceof Element && event.target.closest('button, a, summary, input, [role="radio"]')) return false;
        return notices.enter() || desk.enter();
      }
      return panByKey(name, event, canvas);
    },
  });
  root.addEventListener('cu-copy-note', () => {
    const one = desk.current();
    if (!one) return;
    const edits = editsOf(one.work, one.item);
    copyText([one.work.note, edits.query, edits.scene].filter(Boolean).join('\n\n')).then((done) => view.say(done ? 'Copied' : 'The browser did not allow copying'));
  });
  for (const type of ['pointerdown', 'keydown', 'wheel', 'touchstart']) window.addEventListener(type, () => desk.stock()?.active(), { passive: true });
  window.addEventListener('beforeunload', (event) => {
    const waiting = desk.waiting();
    if (!waiting) return;
    view.say(`${plural(waiting, 'answer')} not saved yet`);
    event.preventDefault();
  });
}

const PAN = { arrowleft: [1, 0], arrowright: [-1, 0], arrowup: [0, 1], arrowdown: [0, -1] };
function panByKey(name, event, canvas) {
  if (!canvas.zoomed() || isWriting(event.target)) return false;
  if (event.target instanceof Element && event.target.closest('[role="radio"], input, .cu-drawer, .cu-sheet, summary')) return false;
  canvas.pan(...PAN[name]);
  return true;
}
