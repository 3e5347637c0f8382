/* One box on the picture, in fractions of it: drawn with the mouse or a finger, or made and moved with keys. */

import { el } from '../review/dom.js';

const STEP = 0.01;
const LEAST = 0.02;
const FIRST = { x: 0.35, y: 0.35, width: 0.3, height: 0.3 };
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const round = (value) => Math.round(value * 10_000) / 10_000;

function fit({ x, y, width, height }) {
  const w = clamp(width, LEAST, 1);
  const h = clamp(height, LEAST, 1);
  return { x: round(clamp(x, 0, 1 - w)), y: round(clamp(y, 0, 1 - h)), width: round(w), height: round(h) };
}

/** `get()` gives the box or null, `set(box, said)` keeps it; `allowed()` says whether it may be changed now. */
export function createBox({ canvas, holder, button, get, set, allowed }) {
  const node = el('div', { class: 'cu-box', role: 'group', tabindex: '0' }, el('span', { 'aria-hidden': 'true' }, '1'), el('i'), el('i'), el('i'), el('i'));
  let drag = null;
  const box = { drawing: false };

  function paint() {
    const now = get();
    if (now && node.parentElement !== holder) holder.append(node);
    if (!now) { node.remove(); return; }
    for (const [side, value] of [['left', now.x], ['top', now.y], ['width', now.width], ['height', now.height]]) node.style[side] = `${value * 100}%`;
    const percent = (value) => `${Math.round(value * 100)} %`;
    node.setAttribute('aria-label', `Box 1, ${percent(now.x)} from the left, ${percent(now.y)} from the top, ${percent(now.width)} wide, ${percent(now.height)} high`);
    node.tabIndex = allowed() ? 0 : -1;
    node.toggleAttribute('data-fixed', !allowed());
  }

  function draw(on) {
    box.drawing = on;
    button.setAttribute('aria-pressed', String(on));
    canvas.toggleAttribute('data-drawing', on);
  }

  /** The box key: make one, or go to it. With a mouse or a finger, the next drag draws. */
  box.start = () => {
    if (box.drawing) { draw(false); return; }
    draw(true);
    if (!get()) set(fit(FIRST), 'Box made. Arrow keys move it, with Shift they size it, Delete removes it.');
    node.focus({ preventScroll: true });
  };
  box.stop = () => draw(false);
  box.paint = paint;
  box.remove = () => { set(null, 'Box removed'); };

  node.addEventListener('keydown', (event) => {
    const move = MOVES[event.key];
    if (!allowed() || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault();
      box.remove();
      canvas.focus({ preventScroll: true });
      return;
    }
    if (!move) return;
    event.preventDefault();
    const now = get();
    const [dx, dy] = move.map((way) => way * STEP);
    set(fit(event.shiftKey ? { ...now, width: now.width + dx, height: now.height + dy } : { ...now, x: now.x + dx, y: now.y + dy }));
  });

  function placeOf(event) {
    const frame = holder.getBoundingClientRect(); // zoom and pan included
    return { x: clamp((event.clientX - frame.left) / frame.width, 0, 1), y: clamp((event.clientY - frame.top) / frame.height, 0, 1) };
  }
  function wants(event) {
    if (!allowed() || (event.pointerType === 'mouse' && event.button !== 0)) return false;
    if (holder.hidden || event.target.closest('button, input, label, .cu-tools, .cu-cover')) return false;
    return box.drawing || event.target.closest('.cu-box') || (event.pointerType === 'mouse' && !canvas.hasAttribute('data-zoomed'));
  }
  // Before the canvas's own listeners, which would pan.
  canvas.addEventListener('pointerdown', (event) => {
    if (!wants(event)) return;
    event.stopImmediatePropagation();
    const at = placeOf(event);
    const corner = event.target.closest('.cu-box i');
    const now = get();
    if (corner) drag = { ...opposite([...node.querySelectorAll('i')].indexOf(corner), now) };
    else if (event.target.closest('.cu-box')) drag = { held: { dx: at.x - now.x, dy: at.y - now.y } };
    else drag = { x: at.x, y: at.y };
    canvas.setPointerCapture(event.pointerId);
  }, { capture: true });
  const opposite = (place, now) => ({ x: place % 2 ? now.x : now.x + now.width, y: place > 1 ? now.y : now.y + now.height });
  canvas.addEventListener('pointermove', (event) => {
    if (!drag) return;
    event.stopImmediatePropagation();
    const at = placeOf(event);
    if (drag.held) { set(fit({ ...get(), x: at.x - drag.held.dx, y: at.y - drag.held.dy })); return; }
    if (Math.abs(at.x - drag.x) < LEAST && Math.abs(at.y - drag.y) < LEAST) return; // a click is no box
    set(fit({ x: Math.min(at.x, drag.x), y: Math.min(at.y, drag.y), width: Math.abs(at.x - drag.x), height: Math.abs(at.y - drag.y) }));
  }, { capture: true });
  const lift = (event) => {
    if (!drag) return;
    event.stopImmediatePropagation();
    drag = null;
    draw(false);
  };
  canvas.addEventListener('pointerup', lift, { capture: true });
  canvas.addEventListener('pointercancel', lift, { capture: true });
  return box;
}
