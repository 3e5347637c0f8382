/* The picture: zoom and pan by mouse, keys and fingers, brightness. All of it stays as it is from item to item. */

const MAX_ZOOM = 8;
const STEP = 1.25;

/**
 * Wire the canvas. Position is kept relative to the picture (-1 to 1 from the centre), so it means the same on the
 * next picture and after a change of size.
 */
export function createCanvas({ canvas, holder, zoomText, range, onFailed }) {
  const view = { zoom: 1, x: 0, y: 0, bright: 100 };
  const pointers = new Map();
  let pinch = null;
  let frame = 0;

  function clamp() {
    view.zoom = Math.min(MAX_ZOOM, Math.max(1, view.zoom));
    const reach = 1 - 1 / view.zoom; // how far the centre may go before the edge of the picture comes in
    view.x = Math.min(reach, Math.max(-reach, view.x));
    view.y = Math.min(reach, Math.max(-reach, view.y));
  }

  function paint() {
    frame = 0;
    const { zoom, x, y, bright } = view;
    holder.style.transform = zoom === 1 ? '' : `scale(${zoom}) translate(${-x * 50}%, ${-y * 50}%)`;
    holder.toggleAttribute('data-bright', bright !== 100); // by a rule, not inline: a covered picture stays blurred whatever the brightness
    holder.style.setProperty('--bright', String(bright / 100));
    canvas.toggleAttribute('data-zoomed', zoom > 1);
    zoomText.textContent = `${Math.round(zoom * 100)} %`;
    if (Number(range.value) !== bright) range.value = String(bright);
    range.setAttribute('aria-valuetext', `${bright} per cent`);
  }
  const repaint = () => { clamp(); if (!frame) frame = requestAnimationFrame(paint); };

  /** Zoom by `factor` and keep the point under (clientX, clientY) where it is; without a point, the centre. */
  function zoomBy(factor, clientX, clientY) {
    const before = view.zoom;
    const after = Math.min(MAX_ZOOM, Math.max(1, before * factor));
    if (clientX !== undefined && after !== before) {
      const frameBox = canvas.getBoundingClientRect();
      const dx = (clientX - centre(frameBox, 'x')) / (holder.offsetWidth / 2);
      const dy = (clientY - centre(frameBox, 'y')) / (holder.offsetHeight / 2);
      view.x += dx * (1 / before - 1 / after);
      view.y += dy * (1 / before - 1 / after);
    }
    view.zoom = Math.abs(after - 1) < 0.02 ? 1 : after;
    repaint();
  }
  // The untransformed picture sits in the middle of the frame, or at its top on a phone.
  function centre(frameBox, axis) {
    const size = axis === 'x' ? holder.offsetWidth : holder.offsetHeight;
    const start = axis === 'x' ? frameBox.left + holder.offsetLeft : frameBox.top + holder.offsetTop;
    return start + size / 2;
  }

  function panBy(dxPx, dyPx) {
    view.x -= (dxPx / holder.offsetWidth) * (2 / view.zoom);
    view.y -= (dyPx / holder.offsetHeight) * (2 / view.zoom);
    repaint();
  }

  canvas.addEventListener('wheel', (event) => {
    if (event.target.closest('.cu-scene, .cu-cover') || holder.hidden) return;
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018)), event.clientX, event.clientY);
  }, { passive: false });
  canvas.addEventListener('dblclick', (event) => {
    if (!onPicture(event)) return;
    if (view.zoom > 1) api.fit();
    else zoomBy(2.5, event.clientX, event.clientY);
  });

  const onPicture = (event) => !holder.hidden && !event.target.closest('button, input, label, .cu-tools, .cu-scene, .cu-cover');
  canvas.addEventListener('pointerdown', (event) => {
    if (!onPicture(event) || (event.pointerType === 'mouse' && event.button !== 0)) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pointers.size === 2) pinch = spread();
    if (view.zoom > 1 || pointers.size === 2) {
      for (const id of pointers.keys()) { try { canvas.setPointerCapture(id); } catch { /* lifted meanwhile */ } }
      canvas.toggleAttribute('data-panning', true);
    }
  });
  canvas.addEventListener('pointermove', (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    pointers.set(event.pointerId, now);
    if (pointers.size === 2 && pinch) {
      const next = spread();
      zoomBy(next.size / pinch.size, next.x, next.y);
      panBy(next.x - pinch.x, next.y - pinch.y);
      pinch = next;
    } else if (view.zoom > 1) panBy(now.x - last.x, now.y - last.y);
  });
  const lift = (event) => {
    pointers.delete(event.pointerId);
    pinch = null;
    if (!pointers.size) canvas.toggleAttribute('data-panning', false);
  };
  canvas.addEventListener('pointerup', lift);
  canvas.addEventListener('pointercancel', lift);
  // iOS pinches the page unless told not to
  canvas.addEventListener('touchstart', (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });

  function spread() {
    const [a, b] = [...pointers.values()];
    return { size: Math.max(20, Math.hypot(a.x - b.x, a.y - b.y)), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  }

  range.addEventListener('input', () => { view.bright = Number(range.value); repaint(); });

  const api = {
    zoomIn: () => zoomBy(STEP),
    zoomOut: () => zoomBy(1 / STEP),
    fit() { Object.assign(view, { zoom: 1, x: 0, y: 0 }); repaint(); },
    zoomed: () => view.zoom > 1,
    pan(dx, dy) { panBy(dx * holder.offsetWidth * 0.12, dy * holder.offsetHeight * 0.12); },
    /** Put a picture on screen; zoom, place and brightness stay. */
    show(img) {
      holder.style.setProperty('--ar', String(img.width / img.height || 4 / 3));
      holder.replaceChildren(img);
      if (img.complete && img.naturalWidth === 0) onFailed(img);
      else img.addEventListener('error', () => onFailed(img), { once: true });
    },
  };
  paint();
  return api;
}
