/* The audit of a judge put together: what happens at every action. The desk, the stock and all that is behind them are the review's. */

import { paintKeys } from '../review/keys.js';
import { kindOfPage } from '../review/kinds.js';
import { moveRadio } from '../review/radios.js';
import { createScreen, shareActions, wireScreen } from '../review/screen.js';
import { MOST_ANSWERS } from '../review/side_by_side.js';
import { begin } from '../review/start.js';
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
  const screen = createScreen(root, {
    kind, shape: SHAPE, view, keymap: ACTIONS, place: 'audit',
    onShow(one, { guide, settings }) {
      guide.attach('The rubric', one.claim.rubric.html);
      paintKeys(part('others'), settings.map, settings.single); // the table is made anew for every answer
    },
  });
  const actions = makeActions(screen, marker);
  wireControls(screen, actions, marker);
  await begin(screen, 'Getting your answers');
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions(screen, marker) {
  const { view, part, desk } = screen;
  const { withCase, changed, shared } = shareActions(screen);

  const actions = {
    ...shared,
    submit: withCase(() => desk.decide('scored')),
    warning: withCase((one) => marker.toggle(one.work.warning)),
    warn: withCase((one, start, said) => {
      one.work.warning = start;
      changed(one, said);
    }),
    move: withCase((one, way) => marker.step(way, one.work.warning)),
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

function wireControls(screen, actions, marker) {
  const { root, part, view, notices, desk } = screen;
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

  wireScreen(screen, {
    actions,
    fields: { note: () => actions.write() },
    copied: (one) => [one.work.note],
    enter(event) {
      const on = event.target instanceof Element && event.target.closest('button, a, summary, input');
      if (event.repeat || (on && !on.matches('[role="radio"]') && !marker.holds(on))) return false;
      if (!notices.enter() && !desk.enter()) actions.submit();
      return true;
    },
    arrow(name, event) {
      const way = { arrowup: -1, arrowdown: 1 }[name];
      if (!way || event.target.closest('[role="radio"], input, .cu-drawer, .cu-sheet, summary')) return false;
      const had = marker.holds(document.activeElement);
      actions.move(way);
      if (had) marker.focus();
      return true;
    },
  });
}
