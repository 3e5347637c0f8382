/* Small tools for the page. Text from the server enters by textContent only. */

/** Make an element: attributes by name, children as nodes or text. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** A symbol of the sprite that the frame puts on the page. */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', 'cu-icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `#${name}`);
  svg.append(use);
  return svg;
}

/** Local time of day, 14:02. */
export const clock = (time) => new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });

export const count = (number) => Math.round(number).toLocaleString('en');
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A server's message as a sentence of the page. */
export function sentence(text) {
  const plain = text.trim();
  const end = /[.?!]$/.test(plain) ? '' : '.';
  return plain.charAt(0).toUpperCase() + plain.slice(1) + end;
}

/** Where single keys must stay silent: the person is writing. */
export function isWriting(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest('textarea, select, [contenteditable]:not([contenteditable="false"])')) return true;
  return target.matches('input:not([type="range"], [type="checkbox"], [type="radio"], [type="button"])');
}

/** Copy text; falls back to a selection where the clipboard is not allowed (plain http). */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el('textarea', { class: 'cu-sr', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
