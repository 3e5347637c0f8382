/* The leakage check put together: what happens at every action. The desk, the stock and all that is behind them are the review's. */

import { api } from '../review/api.js';
import { paintKeys } from '../review/keys.js';
import { kindOfPage, settles } from '../review/kinds.js';
import { moveRadio } from '../review/radios.js';
import { createScreen, shareActions, wireScreen } from '../review/screen.js';
import { MOST_ANSWERS } from '../review/side_by_side.js';
import { begin } from '../review/start.js';
import { createBox } from './box.js';
import { paintOtherBoxes } from './checks.js';
import { ACTIONS, SETTLE_ACTIONS } from './keys.js';
import { SETTLE_SHAPE, SIDE, copyAnswer, letterOf, placeOf } from './settle_work.js';
import { createView } from './view.js';
import { QUESTIONS, SETTLE_STEP, SHAPE, findingsOf, isAsked, marksOpen, openQuestion, outcomeOpen, rewriteOf } from './work.js';
import { toggleWord } from './words.js';

const SETTLE_MS = 400; // the outcomes stand where the button of the step before stood; a second click meant for that one decides nothing

/** Start on `root`, once. */
export async function startScreen(root) {
  const kind = kindOfPage('leakage_check');
  const settling = settles(kind);
  root.dataset.kind = kind;
  const view = createView(root, { afterWork: () => box.paint(), settling });
  const { part } = view;
  const screen = createScreen(root, {
    kind, shape: settling ? SETTLE_SHAPE : SHAPE, view, keymap: settling ? SETTLE_ACTIONS : ACTIONS, place: 'leakage',
    onShow(one, { settings }) {
      if (settling) paintKeys(part('others'), settings.map, settings.single); // the table is made anew for every item
    },
  });
  const { canvas, desk } = screen;
  const box = createBox({
    canvas: part('canvas'), holder: part('picture'), button: root.querySelector('[data-action="box"]'),
    get: () => {
      const one = desk.current();
      return one?.item.image && (!settling || one.work.writing) ? one.work.box : null;
    },
    set: (value, said) => actions.box_to(value, said),
    allowed: () => Boolean(desk.current() && marksOpen(desk.current())),
  });
  const show = canvas.show;
  canvas.show = (img) => { // the boxes lie on the picture, which was replaced
    show(img);
    box.stop();
    box.paint();
    if (settling) paintOtherBoxes(part('picture'), desk.current().claim.others);
  };
  const actions = makeActions(screen, box);
  wireControls(screen, actions);
  await begin(screen, 'Getting your items');
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions(screen, box) {
  const { view, part, desk } = screen;
  const { withCase, changed, shared } = shareActions(screen);
  const atStep = (step, act) => withCase((one, ...args) => (one.claim.step === step ? act(one, ...args) : undefined));
  const whileOpen = (isOpen, act) => withCase((one, ...args) => (isOpen(one) ? act(one, ...args) : undefined));

  const actions = {
    ...shared,
    none: atStep(1, (one) => {
      one.work.text = '';
      part('guess').value = '';
      return lockGuess(screen, one);
    }),
    lock: atStep(1, (one) => {
      if (one.work.text.trim()) return lockGuess(screen, one);
      view.hint('Write what you see, or choose No danger.', 'ask');
      view.say('Write what you see, or choose No danger.');
      part('guess').focus();
      return undefined;
    }),
    submit: atStep(2, (one) => lockFindings(screen, one)),
    note: withCase((one) => {
      const field = part(one.claim.step === 1 ? 'guess' : 'note');
      field.focus();
      field.scrollIntoView({ block: 'nearest' });
    }),
    edit: whileOpen(outcomeOpen, (one) => {
      startNew(one);
      one.work.editing = true;
      changed(one);
      part('edits').scrollIntoView({ block: 'nearest' });
      part('edit-query').focus();
    }),
    box: whileOpen(marksOpen, (one) => { if (one.item.image) box.start(); }),
    box_to: whileOpen(marksOpen, (one, value, said) => {
      one.work.box = value;
      changed(one, said);
    }),
    word: whileOpen(marksOpen, (one, place) => {
      const piece = view.pieces[place];
      one.work.words = toggleWord(view.pieces, one.work.words, piece);
      if (one.work.words.length && one.work.answers.gives_away !== 'unsure') one.work.answers.gives_away = 'yes';
      changed(one);
    }),
    unmark: whileOpen(marksOpen, (one, what) => {
      if (what === 'box') one.work.box = null;
      else one.work.words = one.work.words.filter((_, place) => place !== Number(what));
      changed(one, 'Mark removed');
      view.toHeading();
    }),
  };
  /** Whoever settles writes an answer of their own from here on: from the one that they had taken, or from nothing. */
  function startNew(one) {
    const { work, claim, item } = one;
    if (claim.step !== SETTLE_STEP || work.writing) return;
    if (work.side !== null) copyAnswer(work, claim.others[placeOf(work.side)], item);
    part('edit-query').value = work.query;
    Object.assign(work, { writing: true, side: null });
  }
  actions.new = atStep(SETTLE_STEP, (one) => {
    const { work } = one;
    if (work.writing) work.writing = false;
    else startNew(one);
    changed(one, work.writing ? 'A new answer' : 'New answer put away');
    part(work.writing ? 'marks-box' : 'others').scrollIntoView({ block: 'nearest' });
  });
  actions.take = atStep(SETTLE_STEP, (one, place) => {
    if (!(place in one.claim.others)) return;
    Object.assign(one.work, { side: letterOf(place), writing: false, verdict: null });
    changed(one, `Siding with ${one.work.side}`);
  });
  for (let place = 0; place < MOST_ANSWERS; place += 1) actions[`take_${place + 1}`] = () => actions.take(place);
  actions.settle = atStep(SETTLE_STEP, ({ work }) => desk.decide(work.writing && work.verdict ? work.verdict : SIDE));
  for (const outcome of Object.keys(SHAPE.names)) {
    actions[outcome] = whileOpen(outcomeOpen, (one) => {
      if (one.claim.step !== SETTLE_STEP || one.work.writing) { desk.decide(outcome); return; }
      one.work.verdict = outcome; // opens a new answer; the next press settles
      actions.new();
    });
  }
  for (const number of [1, 2, 3, 4, 5]) {
    actions[`ask_${number}`] = withCase((one) => {
      const keyOf = (other) => (one.claim.step === SETTLE_STEP && other.settleKey) || other.key;
      const question = QUESTIONS.find((other) => keyOf(other) === number && isAsked(other, one));
      if (!question) return;
      const { answers } = question;
      const place = answers.findIndex(({ id }) => id === one.work.answers[question.id]);
      actions.answer(question.id, answers[(place <= 0 ? answers.length : place) - 1].id);
    });
  }
  actions.answer = withCase((one, id, answer) => {
    const question = QUESTIONS.find((other) => other.id === id);
    if (!isAsked(question, one)) return;
    one.work.answers[id] = answer;
    if (id === 'gives_away' && answer === 'no') one.work.words = [];
    changed(one, `${question.text}: ${answer}`);
  });
  actions.write = withCase((one, field, value) => {
    one.work[field] = value;
    changed(one);
  });
  return actions;
}

/** Lock the guess on the server, and only then get to see the picture. */
async function lockGuess({ desk, view }, one) {
  desk.spend();
  const { text, answers, seconds } = one.work;
  await step({ desk, view }, one, 'Your answer was not locked.', () => api.lockGuess(one.claim.claim_id, { text, sure: answers.sure, seconds: Math.round(seconds * 10) / 10 }));
}

async function lockFindings({ desk, view }, one) {
  const open = openQuestion(one);
  if (open) {
    one.asked = { ask: `Answer “${open.text}” first.`, drops: null };
    view.work(one);
    view.say(one.asked.ask);
    return;
  }
  await step({ desk, view }, one, 'Your findings were not submitted.', () => api.lockFindings(one.claim.claim_id, findingsOf(one)));
}

async function step({ desk, view }, one, title, send) {
  if (one.busy || one.lapsed) return;
  one.busy = true;
  view.work(one);
  const name = one.claim.claim_id;
  try {
    const { claim } = await send();
    if (one.claim.claim_id !== name) return; // claimed anew meanwhile
    const fresh = SHAPE.createWork({ ...claim, draft: SHAPE.draftOf(one.work, one.item) });
    const { uncovered, flagged, seconds } = one.work;
    one.work = { ...fresh, uncovered, flagged, seconds, touched: true };
    one.stepAt = performance.now();
    desk.advance(one, claim);
    view.say(claim.step === 2 ? 'Locked. The picture is shown.' : 'Submitted. The findings are shown.');
  } catch (error) {
    if (!error.kind) throw error;
    await desk.refuse(one, title, error);
  } finally {
    one.busy = false;
    if (desk.current() === one) view.work(one);
  }
}

function wireControls(screen, actions) {
  const { root, part, notices, desk } = screen;
  root.addEventListener('click', (event) => {
    const radio = event.target.closest('[role="radio"]');
    if (radio) return actions.answer(radio.parentElement.dataset.question, radio.dataset.answer);
    const word = event.target.closest('button.cu-word');
    if (word) return actions.word(Number(word.dataset.place));
    const remove = event.target.closest('[data-remove]');
    if (remove) return actions.unmark(remove.dataset.remove);
    const control = event.target.closest('[data-action]');
    if (!control) return undefined;
    event.preventDefault();
    if (control.dataset.outcome && event.detail && performance.now() - (desk.current()?.stepAt ?? 0) < SETTLE_MS) return undefined;
    return actions[control.dataset.action]?.();
  });
  root.addEventListener('keydown', (event) => {
    if (event.target.closest('[role="radio"]')) moveRadio(event, (row, value) => actions.answer(row.dataset.question, value));
    else if (part('query').contains(event.target)) moveWord(event, part('query'));
  });
  part('lock').addEventListener('click', () => actions.lock());
  part('submit').addEventListener('click', () => actions.submit());
  part('settle').addEventListener('click', () => actions.settle());
  part('guess').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!event.repeat) actions.lock();
  });

  wireScreen(screen, {
    actions,
    fields: {
      guess: () => actions.write('text', part('guess').value),
      note: () => actions.write('note', part('note').value),
      'edit-query': () => actions.write('query', part('edit-query').value),
    },
    leaves: 'input[type="range"], .cu-box, .cu-word',
    copied: (one) => [one.work.note, rewriteOf(one.work, one.item)],
    enter(event) {
      const on = event.target instanceof Element && event.target.closest('button, a, summary, input');
      if (event.repeat || (on && !on.matches('.cu-word, [role="radio"]'))) return false; // those two take Space
      if (notices.enter() || desk.enter()) return true;
      actions[{ 1: 'lock', 2: 'submit', [SETTLE_STEP]: 'settle' }[desk.current()?.claim.step]]?.();
      return true;
    },
  });
}

/** From the heading into its words, and from word to word. */
function moveWord(event, hero) {
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const words = [...hero.querySelectorAll('button.cu-word')];
  if (!way || !words.length || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const place = words.indexOf(event.target);
  const next = place < 0 ? words.at(way > 0 ? 0 : -1) : words[Math.min(words.length - 1, Math.max(0, place + way))];
  for (const word of words) word.tabIndex = word === next ? 0 : -1;
  next.focus();
}
