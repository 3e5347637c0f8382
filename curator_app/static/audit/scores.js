/* The annotators' scores, for whoever settles. */

import { showSideBySide } from '../review/side_by_side.js';
import { SCALES } from './work.js';

/** Fill `slot` with the table; empty for an annotator. `sentenceOf(start)` names a place in the answer. */
export function showScores(slot, others, sentenceOf) {
  const told = ({ warning_start: start }) => (start === null ? 'none' : `sentence ${sentenceOf(start)}`);
  const rows = [
    ...SCALES.map(({ id, text }) => ({ head: text, number: true, cell: (one) => String(one[id]), value: (one) => one[id] })),
    { head: 'First warning', number: true, cell: told, value: told },
    { head: 'Note', cell: (one) => one.note },
  ];
  showSideBySide(slot, { title: 'What the annotators scored', corner: 'Scale', answers: others, who: (one) => one.who, rows, take: 'Take these' });
}
