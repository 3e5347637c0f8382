/* Where the first warning of an answer begins: a mark before a sentence, or none. The server says where sentences begin. */

import { el, icon } from '../review/dom.js';
import { findSentence, readSentences } from '../review/sentences.js';

const SET = 'Warning starts here';
const NONE = 'No warning marked';

/**
 * `text` holds the answer as the server rendered it, with an empty `span[data-start]` before every sentence; the number is
 * the place in the answer's own text, in characters. `set(start)` keeps the choice; null: there is no warning.
 */
export function createMarker({ text, hint, set }) {
  let places = [];
  const label = el('b', {}, SET);
  const button = el('button', { type: 'button', 'data-action': 'marker' }, icon('cu-i-grip'), label);
  const where = el('span', { class: 'cu-num' });
  const line = el('span', { class: 'cu-start' }, button, el('span', { class: 'cu-start-where' }, where, el('kbd', { class: 'cu-key' }, '↑'), el('kbd', { class: 'cu-key' }, '↓')));
  const marker = {};

  /** The answer was replaced. */
  marker.read = () => {
    places = readSentences(text);
  };

  const find = (start) => places.findIndex((place) => place.start === start);

  /** The sentence of a place, counted from 1; a place within a sentence belongs to it. */
  marker.sentence = (start) => (start === null ? null : places.filter((place) => place.start <= start).length || 1);

  marker.paint = (start) => {
    const place = start === null ? -1 : marker.sentence(start) - 1;
    line.remove();
    for (const { node } of places) node.toggleAttribute('data-here', false);
    hint.hidden = place >= 0 || !places.length;
    if (place < 0 || !places.length) return;
    const said = `Sentence ${place + 1} of ${places.length}`;
    where.textContent = said;
    button.setAttribute('aria-label', `${SET}, sentence ${place + 1} of ${places.length}. Up and down arrows move it, Delete removes it.`);
    places[place].node.toggleAttribute('data-here', true);
    places[place].node.before(line);
  };

  function moveTo(place) {
    const at = places[Math.min(Math.max(place, 0), places.length - 1)];
    set(at.start, `${SET}, sentence ${marker.sentence(at.start)} of ${places.length}`);
    at.node.scrollIntoView({ block: 'nearest' });
  }

  /** One sentence up (-1) or down (+1); down from the last one is no warning, and up from there the last one. */
  marker.step = (way, start) => {
    if (!places.length) return;
    const place = start === null ? places.length : marker.sentence(start) - 1;
    if (place + way >= places.length) { marker.remove(); return; }
    moveTo(place + way);
  };

  marker.remove = () => set(null, NONE);
  marker.toggle = (start) => { if (start === null) moveTo(0); else marker.remove(); };

  /** The sentence under the pointer, or null beside the text. */
  marker.at = (x, y) => places[findSentence(text, places, x, y, (node) => line.contains(node))]?.start ?? null;
  marker.place = (start) => { const place = find(start); if (place >= 0) moveTo(place); };
  marker.holds = (node) => line.contains(node);
  marker.focus = () => button.focus();
  return marker;
}
