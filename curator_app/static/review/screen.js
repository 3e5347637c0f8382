/* What the screens of the queue do alike, whatever is asked: picture, guidelines, settings, desk, and the actions and keys that go with them. */

import { createCanvas } from './canvas.js';
import { createDesk } from './desk.js';
import { copyText } from './dom.js';
import { openFlag } from './flag.js';
import { createGuide } from './guide.js';
import { listenToKeys, paintKeys } from './keys.js';
import { createNotices } from './notices.js';
import { createSettings } from './settings.js';
import { keepAwake, panByKey } from './start.js';

/** Put the parts together around `view`. `keymap` is kept under `place`; `onShow(case, screen)` runs after a case was put on screen. */
export function createScreen(root, { kind, shape, view, keymap, place, onShow = () => {}, ...more }) {
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
    root, actions: keymap, place,
    onChange() {
      paintKeys(root, settings.map, settings.single);
      const one = desk?.current();
      if (one?.item.category) view.cover(isCovered(one), one.item);
    },
  });
  const isCovered = (one) => Boolean(one.item.category) && settings.cover.has(one.item.category.slug) && !one.work.uncovered;
  const showCase = view.show;
  view.show = (one, how) => {
    showCase(one, how);
    onShow(one, screen);
  };
  const desk = createDesk({ root, kind, shape, view, notices, canvas, isCovered, ...more });
  const screen = { root, kind, view, part, notices, guide, canvas, settings, desk };
  return screen;
}

/** The actions that every screen has, in `shared`, and what others are made of: `withCase` and `withPicture` run when there is one, `changed` after work on it. */
export function shareActions(screen) {
  const { view, part, guide, canvas, settings, desk } = screen;
  const withCase = (act) => (...args) => {
    const one = desk.current();
    return one && desk.ready() ? act(one, ...args) : undefined;
  };
  const withPicture = (act) => withCase((one) => { if (one.item.image) act(); });
  const changed = (one, said) => {
    one.asked = null;
    view.work(one);
    desk.drafts.touch(one);
    if (said) view.say(said);
  };
  const shared = {
    undo: () => desk.undo(),
    skip: withCase(() => desk.skip()),
    flag: withCase((one) => openFlag(screen, one)),
    note: withCase(() => { part('note').focus(); part('note').scrollIntoView({ block: 'nearest' }); }),
    uncover: withCase((one) => { one.work.uncovered = true; view.cover(false, one.item); view.toHeading(); }),
    zoom_in: withPicture(() => canvas.zoomIn()),
    zoom_out: withPicture(() => canvas.zoomOut()),
    fit: withPicture(() => canvas.fit()),
    brightness: withPicture(() => part('brightness').focus()),
    guidelines: () => guide.toggle(),
    settings: () => settings.open(),
  };
  return { withCase, withPicture, changed, shared };
}

/**
 * Listen to fields and keys. `fields` maps a part to what runs on input; `enter(event)` and `arrow(name, event)` say whether they took the key;
 * `close()` whether Escape closed something of the screen's own; Escape leaves what `leaves` matches; `copied(case)` are the texts to copy out.
 */
export function wireScreen(screen, { actions, fields, enter, copied, arrow = () => false, close = () => false, leaves = 'input[type="range"]' }) {
  const { root, part, view, notices, guide, canvas, settings, desk } = screen;
  for (const [name, write] of Object.entries(fields)) {
    part(name).addEventListener('input', write);
    part(name).addEventListener('blur', () => { desk.drafts.flush(); desk.showWaiting(); });
  }
  part('picture-again').addEventListener('click', () => desk.reloadPicture());
  listenToKeys({
    root,
    keys: () => settings,
    act: (id) => actions[id]?.(),
    special(name, event) {
      if (name === 'leave') { event.target.blur(); view.toHeading(); return true; }
      if (name === 'escape') {
        if (guide.isOpen()) { guide.toggle(false); return true; }
        if (close()) return true;
        if (event.target.matches(leaves)) { view.toHeading(); return true; }
        return notices.escape();
      }
      if (name === 'enter') return enter(event);
      return panByKey(name, event, canvas) || arrow(name, event);
    },
  });
  root.addEventListener('cu-copy-note', () => {
    const one = desk.current();
    if (one) copyText(copied(one).filter(Boolean).join('\n\n')).then((done) => view.say(done ? 'Copied' : 'The browser did not allow copying'));
  });
  keepAwake(screen);
}
