/* The review screen put together: what happens at every action, and in every state that a shared queue can get into. */

import { ACTIONS, SETTLE_ACTIONS, paintKeys } from './keys.js';
import { kindOfPage, settles } from './kinds.js';
import { createModels } from './models.js';
import { moveRadio } from './radios.js';
import { createScreen, shareActions, wireScreen } from './screen.js';
import { MOST_ANSWERS } from './side_by_side.js';
import { begin } from './start.js';
import { createView } from './view.js';
import { CRITERIA, REASONS, SHAPE, VERDICTS, editsOf } from './work.js';

/** Start on `root`, once. */
export async function startScreen(root) {
  const kind = kindOfPage('scenario_review');
  root.dataset.kind = kind;
  const view = createView(root);
  if (settles(kind)) view.settle();
  const { part } = view;
  const models = settles(kind) ? null : createModels({ root, view, desk: () => screen.desk });
  if (!models) part('models').remove(); // who settles a difference compares people
  const screen = createScreen(root, {
    kind, shape: SHAPE, view, keymap: models ? ACTIONS : SETTLE_ACTIONS, place: 'review',
    onAnswers: () => models?.follow(),
    moreForBlank: () => models?.moreForBlank() ?? [],
    onShow: (one, { settings }) => paintKeys(part('others'), settings.map, settings.single), // the table is made anew for every item
  });
  wireControls(screen, makeActions(screen, models), models);
  await begin(screen, 'Getting your items');
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions(screen, models) {
  const { view, part, guide, desk } = screen;
  const { withCase, changed, shared } = shareActions(screen);

  const actions = {
    ...shared,
    undo: () => desk.undo(models?.shown()),
    guidelines: () => { models?.toggle(false); guide.toggle(); },
    models: () => { guide.toggle(false); models?.toggle(); },
    reveal: withCase((one) => {
      one.work.revealed = !one.work.revealed;
      changed(one);
      if (one.work.revealed) part('fold').scrollIntoView({ block: 'nearest' }); // on a phone it opens below the edge
    }),
    edits: withCase((one) => toggleEdits(screen, one, changed)),
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

function wireControls(screen, actions, models) {
  const { root, notices, desk } = screen;
  root.addEventListener('click', (event) => {
    const radio = event.target.closest('[role="radio"]');
    if (radio) return actions.answer(radio.parentElement.dataset.criterion, radio.dataset.answer);
    const control = event.target.closest('[data-action]');
    if (!control) return undefined;
    event.preventDefault();
    return actions[control.dataset.action]?.();
  });
  root.addEventListener('keydown', (event) => moveRadio(event, (row, value) => actions.answer(row.dataset.criterion, value)));

  wireScreen(screen, {
    actions,
    fields: { note: () => actions.write('note'), 'edit-query': () => actions.write('query'), 'edit-scene': () => actions.write('scene') },
    copied({ work, item }) {
      const edits = editsOf(work, item);
      return [work.note, edits.query, edits.scene];
    },
    close() {
      if (!models?.isOpen()) return false;
      models.toggle(false);
      return true;
    },
    enter(event) {
      if (event.target instanceof Element && event.target.closest('button, a, summary, input, [role="radio"]')) return false;
      if (notices.enter() || desk.enter()) return true;
      const verdict = !event.repeat && settles(screen.kind) && desk.ready() && desk.current().work.verdict;
      if (verdict) desk.decide(verdict);
      return Boolean(verdict);
    },
  });
}
