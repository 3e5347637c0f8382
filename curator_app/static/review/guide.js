/* The guidelines drawer. The server renders Markdown without raw HTML; what arrives is still rebuilt from an allow-list. */

import { api } from './api.js';
import { el } from './dom.js';

const ALLOWED = new Set(['P', 'H1', 'H2', 'H3', 'H4', 'UL', 'OL', 'LI', 'STRONG', 'EM', 'CODE', 'PRE', 'BLOCKQUOTE', 'HR', 'BR', 'A', 'TABLE', 'THEAD', 'TBODY', 'TR', 'TH', 'TD']);
const DROPPED = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'IFRAME', 'OBJECT', 'EMBED', 'NOSCRIPT', 'SVG', 'MATH']);

/** Return the allowed part of `html` as nodes; attributes are lost, but for plain links. */
export function cleanHtml(html) {
  const page = new DOMParser().parseFromString(html, 'text/html'); // inert: nothing in it loads or runs
  const fragment = document.createDocumentFragment();
  copyChildren(page.body, fragment);
  return fragment;
}

function copyChildren(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) continue;
    if (node.tagName === 'SPAN' && /^\d+$/.test(node.dataset.start ?? '')) { // where a sentence of an answer begins
      to.append(el('span', { 'data-start': node.dataset.start }));
      continue;
    }
    if (!ALLOWED.has(node.tagName)) {
      copyChildren(node, to);
      continue;
    }
    const copy = el(node.tagName.toLowerCase());
    if (node.tagName === 'A') {
      const address = node.getAttribute('href') || '';
      if (/^(https?:\/\/|\/(?!\/)|#)/i.test(address)) {
        copy.setAttribute('href', address);
        copy.setAttribute('rel', 'noopener noreferrer');
        copy.setAttribute('target', '_blank');
      }
    }
    copyChildren(node, copy);
    to.append(copy);
  }
}

export function createGuide({ drawer, body, version, closeButton, button, kind }) {
  let loaded = false;
  let text = null;
  let attached = null;

  const paint = () => { if (text) body.replaceChildren(text.cloneNode(true), ...(attached ? [el('hr'), el('h2', {}, attached.title), attached.body.cloneNode(true)] : [])); };

  async function load() {
    try {
      const guide = await api.guidelines(kind);
      version.textContent = `Version ${guide.version}`;
      text = cleanHtml(guide.html);
      const title = text.firstElementChild;
      if (title?.tagName === 'H1') title.remove(); // the drawer has its heading
      paint();
      loaded = true;
    } catch (error) {
      const again = el('button', { type: 'button', class: 'cu-btn', 'data-line': true }, 'Try again');
      again.addEventListener('click', load);
      body.replaceChildren(el('p', {}, `The guidelines could not be loaded. ${error.message}`), again);
    }
  }

  const guide = {
    /** Show something of the case below the guidelines: the rubric of the study that it belongs to. */
    attach(title, html) {
      if (attached?.html === html) return;
      const rubric = cleanHtml(html);
      const first = rubric.firstElementChild;
      attached = { title: first?.tagName === 'H1' ? first.textContent : title, html, body: rubric };
      if (first?.tagName === 'H1') first.remove();
      paint();
    },
    isOpen: () => !drawer.hidden,
    toggle(open = drawer.hidden) {
      if (open === !drawer.hidden) return;
      const inside = drawer.contains(document.activeElement);
      drawer.hidden = !open;
      button.setAttribute('aria-expanded', String(open));
      if (open) {
        if (!loaded) load();
        drawer.focus({ preventScroll: true });
      } else if (inside) button.focus();
    },
  };
  closeButton.addEventListener('click', () => guide.toggle(false));
  return guide;
}
