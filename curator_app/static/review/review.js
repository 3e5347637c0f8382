/* The review screen put together: what happens at every action, and in every state that a shared queue can get into. */

import { createCanvas } from './canvas.js';
import { createDesk } from './desk.js';
import { copyText } from './dom.js';
import { openFlag } from './flag.js';
import { createGuide } from './guide.js';
import { ACTIONS, SETTLE_ACTIONS, listenToKeys, paintKeys } from './keys.js';
import { kindOfPage, settles } from './kinds.js';
import { createModels } from './models.js';
import { createNotices } from './notices.js';
import { moveRadio } from './radios.js';
import { createSettings } from './settings.js';
import { MOST_ANSWERS } from './side_by_side.js';
import { begin, keepAwake, panByKey } from './start.js';
import { createView } from './view.js';
import { CRITERIA, REASONS, SHAPE, VERDICTS, editsOf } from './work.js';

/** Start on `root`, once. */
export async function startScreen(root) {
  const kind = kindOfPage('scenario_review');
  root.dataset.kind = kind;
  const view = createView(root);
  if (settles(kind)) view.settle();
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
  const models = settles(kind) ? null : createModels({ root, view, desk: () => desk });
  if (!models) part('models').remove(); // who settles a difference compares people
  const settings = createSettings({
    root, actions: models ? ACTIONS : SETTLE_ACTIONS, place: 'review',
    onChange() {
      paintKeys(root, settings.map, settings.single);
      const one = desk?.current();
      if (one) view.cover(isCovered(one), one.item);
    },
  });
  const isCovered = (one) => settings.cover.has(one.item.category.slug) && !one.work.uncovered;
  const showCase = view.show;
  view.show = (one, how) => {
    showCase(one, how);
    paintKeys(part('others'), settings.map, settings.single); // the table is made anew for every item
  };
  const desk = createDesk({
    root, kind, shape: SHAPE, view, notices, canvas, isCovered, onAnswers: () => models?.follow(), moreForBlank: () => models?.moreForBlank() ?? [],
  });
  const screen = { root, kind, view, part, notices, guide, models, canvas, settings, desk, isCovered };

  wireControls(screen);
  paintKeys(root, settings.map, settings.single);
  view.blank('Getting your items', 'One moment.');
  await begin(screen);
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions(screen) {
  const { view, part, guide, models, canvas, settings, desk } = screen;
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
    undo: () => desk.undo(models?.shown()),
    models: () => { guide.toggle(false); models?.toggle(); },
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
    guidelines: () => { models?.toggle(false); guide.toggle(); },
    settings: () => settings.open(),
  };
  for (const verdict of Object.keys(VERDICTS)) actions[verdict] = withCase(() => desk.decide(verdict));
  for (let place = 0; place < MOST_ANSWERS; place += 1) actions[`take_${place + 1}`] = withCase((one) => takeAnswer(screen, one, place, changed));
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

/** Fill in what a reviewer answered, to be sent with a note of one's own. */
function takeAnswer({ part, view }, one, place, changed) {
  const chosen = one.claim.others?.[place];
  if (!chosen) return;
  const { work, item } = one;
  const { verdict, reasons, answers, edits } = chosen;
  Object.assign(work, {
    verdict, reasons: [...reasons], answers: { ...answers }, editing: edits.query !== null || edits.scene !== null,
    query: edits.query ?? item.query, scene: edits.scene ?? item.scene,
  });
  part('edit-query').value = work.query;
  part('edit-scene').value = work.scene;
  changed(one);
  view.say(`Answer of ${chosen.who} taken`);
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

function wireControls(screen) {
  const { root, part, view, notices, guide, models, canvas, settings, desk } = screen;
  const actions = makeActions(screen);

  root.addEventListener('click', (event) => {
    const radio = event.target.closest('[role="radio"]');
    if (radio) return actions.answer(radio.parentElement.dataset.criterion, radio.dataset.answer);
    const control = event.target.closest('[data-action]');
    if (!control) return undefined;
    event.preventDefault();
    return actions[control.dataset.action]?.();
  });
  root.addEventListener('keydown', (event) => moveRadio(event, (row, value) => actions.answer(row.dataset.criterion, value)));
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
        if (models?.isOpen()) { models.toggle(false); return true; }
        if (event.target.matches('input[type="range"]')) { view.toHeading(); return true; }
        return notices.escape();
      }
      if (name === 'enter') {
        if (event.target instanceof Element && event.target.closest('button, a, summary, input, [role="radio"]')) return false;
        if (notices.enter() || desk.enter()) return true;
        const verdict = !event.repeat && settles(screen.kind) && desk.ready() && desk.current().work.verdict;
        if (verdict) desk.decide(verdict);
        return Boolean(verdict);
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
  keepAwake(screen);
}
