/* The labelling of failures put together: what happens at every action. The desk, the stock and all that is behind them are the review's. */

import { createCanvas } from '../review/canvas.js';
import { createDesk } from '../review/desk.js';
import { copyText } from '../review/dom.js';
import { openFlag } from '../review/flag.js';
import { createGuide } from '../review/guide.js';
import { listenToKeys, paintKeys } from '../review/keys.js';
import { createNotices } from '../review/notices.js';
import { createSettings } from '../review/settings.js';
import { begin, keepAwake, panByKey } from '../review/start.js';
import { ACTIONS, MOST_LABELS, MOST_LINKS, labelAction, linkAction } from './keys.js';
import { createSpans } from './spans.js';
import { createView } from './view.js';
import { SHAPE, toggleLabel, toggleLink, toggleNone } from './work.js';

const KIND = 'failure_labels';

/** Start on `root`, once. */
export async function startScreen(root) {
  root.dataset.kind = KIND;
  const view = createView(root, { spans: () => spans, repaintKeys: () => paintKeys(root, settings.map, settings.single) });
  const { part } = view;
  const spans = createSpans({ text: part('text'), set: (span, said) => actions.place(span, said) });
  const notices = createNotices(part('notice'));
  const guide = createGuide({
    kind: KIND, drawer: part('guide'), body: part('guide-body'), version: part('guide-version'),
    closeButton: part('guide-close'), button: root.querySelector('[data-action="guidelines"]'),
  });
  const canvas = createCanvas({
    canvas: part('canvas'), holder: part('picture'), zoomText: part('zoom'), range: part('brightness'),
    onFailed: (img) => { if (desk.current()?.img === img) part('picture-failed').hidden = false; },
  });
  const settings = createSettings({
    root, actions: ACTIONS, place: 'failures',
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
    guide.attach(`Taxonomy ${one.claim.taxonomy.version}`, one.claim.taxonomy.html);
  };
  const desk = createDesk({ root, kind: KIND, shape: SHAPE, view, notices, canvas, isCovered });
  const screen = { root, kind: KIND, view, part, notices, guide, canvas, settings, desk, spans };
  const actions = makeActions(screen);
  screen.actions = actions;

  wireControls(screen);
  paintKeys(root, settings.map, settings.single);
  view.blank('Getting your answers', 'One moment.');
  await begin(screen);
}

/** Every action of the keymap; the buttons carry the same names. */
function makeActions({ view, part, guide, canvas, settings, desk, spans, ...screen }) {
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
  const nameOf = (one, code) => one.claim.taxonomy.labels.find((label) => label.code === code).name;
  const placed = (act) => withCase((one, ...args) => {
    if (one.work.now) act(one, one.work.labels.get(one.work.now), ...args);
    else view.hint('Choose how it fails first, then the sentence', 'ask');
  });

  const actions = {
    submit: withCase(() => desk.decide('labelled')),
    undo: () => desk.undo(),
    skip: withCase(() => desk.skip()),
    flag: withCase((one) => openFlag({ view, part, guide, canvas, settings, desk, ...screen }, one)),
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
    note: withCase(() => { part('note').focus(); part('note').scrollIntoView({ block: 'nearest' }); }),
    write: withCase((one) => {
      one.work.note = part('note').value;
      changed(one);
    }),
    uncover: withCase((one) => { one.work.uncovered = true; view.cover(false, one.item); view.toHeading(); }),
    zoom_in: withPicture(() => canvas.zoomIn()),
    zoom_out: withPicture(() => canvas.zoomOut()),
    fit: withPicture(() => canvas.fit()),
    brightness: withPicture(() => part('brightness').focus()),
    guidelines: () => guide.toggle(),
    settings: () => settings.open(),
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

function wireControls(screen) {
  const { root, part, view, notices, guide, canvas, settings, desk, actions } = screen;
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
        if (event.repeat || on) return false;
        if (!notices.enter() && !desk.enter()) actions.submit();
        return true;
      }
      if (panByKey(name, event, canvas)) return true;
      const way = { arrowup: -1, arrowdown: 1 }[name];
      if (!way || !desk.current()?.work.now || event.target.closest('input, .cu-drawer, .cu-sheet, summary')) return false;
      actions.move(way);
      return true;
    },
  });
  root.addEventListener('cu-copy-note', () => {
    const one = desk.current();
    if (one) copyText(one.work.note).then((done) => view.say(done ? 'Copied' : 'The browser did not allow copying'));
  });
  keepAwake(screen);
}
