/* The labelling of failures put together: what happens at every action. The desk, the stock and all that is behind them are the review's. */

import { paintKeys } from '../review/keys.js';
import { createScreen, shareActions, wireScreen } from '../review/screen.js';
import { begin } from '../review/start.js';
import { ACTIONS, MOST_LABELS, MOST_LINKS, labelAction, linkAction } from './keys.js';
import { createSpans } from './spans.js';
import { createView } from './view.js';
import { SHAPE, toggleLabel, toggleLink, toggleNone } from './work.js';

const KIND = 'failure_labels';

/** Start on `root`, once. */
export async function startScreen(root) {
  root.dataset.kind = KIND;
  const view = createView(root, { spans: () => spans, repaintKeys: () => paintKeys(root, screen.settings.map, screen.settings.single) });
  const spans = createSpans({ text: view.part('text'), set: (span, said) => actions.place(span, said) });
  const screen = createScreen(root, {
    kind: KIND, shape: SHAPE, view, keymap: ACTIONS, place: 'failures',
    onShow: (one, { guide }) => guide.attach(`Taxonomy ${one.claim.taxonomy.version}`, one.claim.taxonomy.html),
  });
  const actions = makeActions(screen, spans);
  wireControls(screen, actions);
  await begin(screen, 'Getting your answers');
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions(screen, spans) {
  const { view, part, desk } = screen;
  const { withCase, changed, shared } = shareActions(screen);
  const nameOf = (one, code) => one.claim.taxonomy.labels.find((label) => label.code === code).name;
  const placed = (act) => withCase((one, ...args) => {
    if (one.work.now) act(one, one.work.labels.get(one.work.now), ...args);
    else view.hint('Choose how it fails first, then the sentence', 'ask');
  });

  const actions = {
    ...shared,
    submit: withCase(() => desk.decide('labelled')),
    label: withCase((one, code) => {
      toggleLabel(one.work, code);
      changed(one, `${nameOf(one, code)} ${one.work.labels.has(code) ? 'on' : 'off'}`);
    }),
    mark: withCase((one, code) => {
      if (!one.work.labels.has(code)) return;
      one.work.now = code;
      changed(one, nameOf(one, code));
      part('reply').scrollIntoView({ block: 'nearest' });
    }),
    next_mark: withCase((one) => {
      const codes = [...one.work.labels.keys()];
      if (codes.length) actions.mark(codes[(codes.indexOf(one.work.now) + 1) % codes.length]);
    }),
    no_failure: withCase((one) => {
      toggleNone(one.work);
      changed(one, one.work.none ? 'It does not fail' : 'No label');
    }),
    link: withCase((one, place) => {
      if (place >= one.item.causal_chain.length) return;
      toggleLink(one.work, place);
      changed(one, one.work.link === null ? 'No link in particular' : `Link ${place + 1} broke`);
    }),
    place: withCase((one, span, said) => {
      one.work.labels.set(one.work.now, span);
      changed(one, `${nameOf(one, one.work.now)}, ${said}`);
    }),
    move: placed((one, span, way) => spans.step(way, span)),
    shorter: placed((one, span) => spans.stretch(-1, span)),
    longer: placed((one, span) => spans.stretch(1, span)),
    unmark: placed(() => { actions.place(null, 'no sentence'); view.toHeading(); }),
    click: placed((one, span, event) => spans.click(event, span)),
    write: withCase((one) => {
      one.work.note = part('note').value;
      changed(one);
    }),
  };
  for (let place = 0; place < MOST_LABELS; place += 1) {
    actions[labelAction(place)] = withCase((one) => {
      const label = one.claim.taxonomy.labels[place];
      if (label) actions.label(label.code);
    });
  }
  for (let place = 0; place < MOST_LINKS; place += 1) actions[linkAction(place)] = () => actions.link(place);
  return actions;
}

function wireControls(screen, actions) {
  const { root, part, view, notices, desk } = screen;
  root.addEventListener('click', (event) => {
    const control = event.target.closest('button, a');
    if (control && root.contains(control)) {
      const { label, mark, link, action } = control.dataset;
      const choices = [[label, () => actions.label(label)], [mark, () => actions.mark(mark)], [link, () => actions.link(Number(link))]];
      const choice = choices.find(([name]) => name !== undefined);
      if (choice) choice[1]();
      else if (action) {
        event.preventDefault();
        actions[action]?.();
      }
      if ((choice || action === 'no_failure') && event.detail) view.toHeading(); // chosen by pointer: Enter submits next
      return undefined;
    }
    if (part('text').contains(event.target) && (event.shiftKey || getSelection().isCollapsed)) actions.click(event);
    return undefined;
  });
  part('text').addEventListener('mousedown', (event) => { if (event.shiftKey) event.preventDefault(); }); // lengthens the mark, and selects nothing
  part('submit').addEventListener('click', () => actions.submit());

  wireScreen(screen, {
    actions,
    fields: { note: () => actions.write() },
    copied: (one) => [one.work.note],
    enter(event) {
      if (event.repeat || (event.target instanceof Element && event.target.closest('button, a, summary, input'))) return false;
      if (!notices.enter() && !desk.enter()) actions.submit();
      return true;
    },
    arrow(name, event) {
      const way = { arrowup: -1, arrowdown: 1 }[name];
      if (!way || !desk.current()?.work.now || event.target.closest('input, .cu-drawer, .cu-sheet, summary')) return false;
      actions.move(way);
      return true;
    },
  });
}
