/* Where in the answer a failure shows: whole sentences, with a tag before the first and a colour behind all of them. */

import { el } from '../review/dom.js';
import { findSentence, readSentences } from '../review/sentences.js';

const COLOURS = ['cu-span', 'cu-span-now']; // of all labels' sentences, and over them of the label that is being placed

/** `text` holds the answer as the server rendered it; `set(span)` keeps a choice for the label that is being placed. */
export function createSpans({ text, set }) {
  let places = [];
  let length = 0;
  const button = (action, name, sign) => el('button', { type: 'button', 'data-action': action, 'aria-label': name }, sign);
  const title = el('b', {});
  const tools = el('span', { class: 'cu-tag', 'data-now': true }, title, button('shorter', 'One sentence less', '−'), button('longer', 'One sentence more', '+'), button('unmark', 'Take the mark away', '×'));
  const spans = {};

  /** The answer was replaced. `characters` is its length, as the server counts. */
  spans.read = (characters) => {
    places = readSentences(text);
    length = characters;
    colour([], []);
  };

  const endOf = (number) => places[number + 1]?.start ?? length;
  const first = (span) => Math.max(0, places.findLastIndex((place) => place.start <= span.start));
  const last = (span) => Math.max(first(span), places.findLastIndex((place) => place.start < span.end));

  /** What a span is called: its sentences, counted from 1. */
  spans.name = (span) => {
    const [from, to] = [first(span) + 1, last(span) + 1];
    return from === to ? `sentence ${from}` : `sentences ${from}–${to}`;
  };
  spans.count = () => places.length;

  /** `marks`: [{code, name, span}] of the labels with a place; `now`: the code of the one that is being placed. */
  spans.paint = (marks, now) => {
    const focused = tools.contains(document.activeElement) ? document.activeElement : null;
    for (const old of text.querySelectorAll('.cu-tags')) old.remove();
    if (!places.length) return;
    const groups = new Map();
    for (const mark of marks) {
      const at = first(mark.span);
      groups.set(at, [...groups.get(at) ?? [], mark]);
    }
    for (const [at, found] of groups) {
      const tags = found.map(({ code, name }) => {
        if (code !== now) return el('span', { class: 'cu-tag' }, name);
        title.textContent = name;
        return tools;
      });
      places[at].node.before(el('span', { class: 'cu-tags' }, ...tags));
    }
    colour(marks.filter(({ code }) => code !== now), marks.filter(({ code }) => code === now));
    focused?.focus();
  };

  function colour(...lists) {
    if (!CSS.highlights) return; // the tags tell it too
    for (const [place, marks] of lists.entries()) CSS.highlights.set(COLOURS[place], new Highlight(...marks.map(({ span }) => rangeOf(span))));
  }

  function rangeOf(span) {
    const range = new Range();
    range.setStartAfter(places[first(span)].node);
    const next = places[last(span) + 1]?.node;
    const tags = next?.previousElementSibling;
    if (next) range.setEndBefore(tags?.matches('.cu-tags') && tags.nextSibling === next ? tags : next);
    else range.setEndAfter(text.lastChild);
    return range;
  }

  function choose(from, to = from) {
    const span = { start: places[from].start, end: endOf(to) };
    set(span, spans.name(span));
    places[from].node.scrollIntoView({ block: 'nearest' });
  }

  /** One sentence up (-1) or down (+1); past the ends the mark is gone, and comes in from the other one. */
  spans.step = (way, span) => {
    if (!places.length) return;
    if (!span) choose(way > 0 ? 0 : places.length - 1);
    else if (first(span) + way < 0 || first(span) + way >= places.length) set(null, 'no sentence');
    else choose(first(span) + way);
  };

  /** One sentence more (+1) or less (-1) at the end; one always stays. */
  spans.stretch = (way, span) => {
    if (!places.length || !span) return;
    choose(first(span), Math.min(Math.max(last(span) + way, first(span)), places.length - 1));
  };

  /** A click on a sentence chooses it; with Shift, everything from the mark to it. Returns whether a sentence was hit. */
  spans.click = (event, span) => {
    const at = findSentence(text, places, event.clientX, event.clientY, (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest('.cu-tags') !== null);
    if (at === null) return false;
    if (event.shiftKey && span) choose(Math.min(first(span), at), Math.max(last(span), at));
    else choose(at);
    return true;
  };
  return spans;
}
