/* The audit of a judge put together: what happens at every action. The desk, the stock and all that is behind them are the review's. */

import { createCanvas } from '../review/canvas.js';
import { createDesk } from '../review/desk.js';
import { copyText } from '../review/dom.js';
import { openFlag } from '../review/flag.js';
import { createGuide } from '../review/guide.js';
import { listenToKeys, paintKeys } from '../review/keys.js';
import { kindOfPage } from '../review/kinds.js';
import { createNotices } from '../review/notices.js';
import { moveRadio } from '../review/radios.js';
import { MOST_ANSWERS } from '../review/side_by_side.js';
import { createSettings } from '../review/settings.js';
import { begin, keepAwake, panByKey } from '../review/start.js';
import { ACTIONS } from './keys.js';
import { createMarker } from './marker.js';
import { createView } from './view.js';
import { SCALES, SHAPE, openScale } from './work.js';

/** Start on `root`, once. */
export async function startScreen(root) {
  const kind = kindOfPage('judge_audit');
  root.dataset.kind = kind;
  const view = createView(root, { marker: () => marker });
  const { part } = view;
  const marker = createMarker({ text: part('text'), hint: part('no-warning'), set: (start, said) => actions.warn(start, said) });
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
    root, actions: ACTIONS, place: 'audit',
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
    guide.attach('The rubric', one.claim.rubric.html);
    paintKeys(part('others'), settings.map, settings.single); // the table is made anew for every answer
  };
  const desk = createDesk({ root, kind, shape: SHAPE, view, notices, canvas, isCovered });
  const screen = { root, kind, view, part, notices, guide, canvas, settings, desk, marker };
  const actions = makeActions(screen);
  screen.actions = actions;

  wireControls(screen);
  paintKeys(root, settings.map, settings.single);
  view.blank('Getting your answers', 'One moment.');
  await begin(screen);
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions({ view, part, guide, canvas, settings, desk, marker, ...screen }) {
  const withCase = (act) => (...args) => {
    const one = desk.current();
    if (one && desk.ready()) act(one, ...args);
  };
  const withPicture = (act) => withCase((one) => { if (one.item.image) act(); });
  const changed = (one, said) => {
    one.asked = null;
    view.work(one);
    desk.drafts.touch(one);
    if (said) view.say(said);
  };

  const actions = {
    submit: withCase(() => desk.decide('scored')),
    undo: () => desk.undo(),
    skip: withCase(() => desk.skip()),
    flag: withCase((one) => openFlag({ view, part, guide, canvas, settings, desk, ...screen }, one)),
    warning: withCase((one) => marker.toggle(one.work.warning)),
    warn: withCase((one, start, said) => {
      one.work.warning = start;
      changed(one, said);
    }),
    move: withCase((one, way) => marker.step(way, one.work.warning)),
    note: withCase(() => { part('note').focus(); part('note').scrollIntoView({ block: 'nearest' }); }),
    uncover: withCase((one) => { one.work.uncovered = true; view.cover(false, one.item); view.toHeading(); }),
    zoom_in: withPicture(() => canvas.zoomIn()),
    zoom_out: withPicture(() => canvas.zoomOut()),
    fit: withPicture(() => canvas.fit()),
    brightness: withPicture(() => part('brightness').focus()),
    guidelines: () => guide.toggle(),
    settings: () => settings.open(),
  };
  for (const { id, text } of SCALES) {
    actions[id] = withCase((one) => {
      one.work.now = id;
      view.work(one);
      view.say(text);
    });
  }
  actions.score = withCase((one, id, score) => {
    const { work } = one;
    work.scores[id] = score;
    work.now = openScale(work)?.id ?? id;
    changed(one, `${SCALES.find((scale) => scale.id === id).text}: ${score}`);
  });
  for (const score of [0, 1, 2]) actions[`score_${score}`] = withCase((one) => actions.score(one.work.now, score));
  actions.take = withCase((one, place) => {
    const chosen = one.claim.others[place];
    if (!chosen) return;
    for (const { id } of SCALES) one.work.scores[id] = chosen[id];
    one.work.warning = chosen.warning_start;
    changed(one, `Scores of ${chosen.who} taken`);
  });
  for (let place = 0; place < MOST_ANSWERS; place += 1) actions[`take_${place + 1}`] = () => actions.take(place);
  actions.write = withCase((one) => {
    one.work.note = part('note').value;
    changed(one);
  });
  return actions;
}

function wireControls(screen) {
  const { root, part, view, notices, guide, canvas, settings, desk, marker, actions } = screen;
  root.addEventListener('click', (event) => {
    const radio = event.target.closest('[role="radio"]');
    if (radio) return actions.score(radio.parentElement.dataset.scale, Number(radio.dataset.answer));
    const control = event.target.closest('[data-action]');
    if (control) {
      event.preventDefault();
      return actions[control.dataset.action]?.();
    }
    if (!part('text').contains(event.target) || !getSelection().isCollapsed) return undefined;
    const start = marker.at(event.clientX, event.clientY);
    if (start !== null) marker.place(start);
    return undefined;
  });
  root.addEventListener('keydown', (event) => {
    if (event.target.closest('[role="radio"]')) moveRadio(event, (row, value) => actions.score(row.dataset.scale, Number(value)));
    else if (marker.holds(event.target) && ['Delete', 'Backspace'].includes(event.key)) { marker.remove(); view.toHeading(); }
  });
  part('submit').addEventListener('click', () => actions.submit());
  part('note').addEventListener('input', () => actions.write());
  part('note').addEventListener('blur', () => { desk.drafts.flush(); desk.showWaiting(); });
  part('picture-again').addEventListener('click', () => desk.reloadPicture());

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
      const on = event.target instanceof Element && event.target.closest('button, a, summary, input');
      if (name === 'enter') {
        if (event.repeat || (on && !on.matches('[role="radio"]') && !marker.holds(on))) return false;
        if (!notices.enter() && !desk.enter()) actions.submit();
        return true;
      }
      if (panByKey(name, event, canvas)) return true;
      const way = { arrowup: -1, arrowdown: 1 }[name];
      if (!way || event.target.closest('[role="radio"], input, .cu-drawer, .cu-sheet, summary')) return false;
      const had = marker.holds(document.activeElement);
      actions.move(way);
      if (had) marker.focus();
      return true;
    },
  });
  root.addEventListener('cu-copy-note', () => {
    const one = desk.current();
    if (one) copyText(one.work.note).then((done) => view.say(done ? 'Copied' : 'The browser did not allow copying'));
  });
  keepAwake(screen);
}
