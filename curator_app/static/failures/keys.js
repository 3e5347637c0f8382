/* The keys of the failure labels: letters in the order of the keyboard for the labels, digits for the links of the causal chain. */

import { PICTURE_ACTIONS } from '../review/keys.js';

const LETTERS = [...'qwertyuiopasdhjkl'];
const LINKS = [...'123456789'];

/** The name of the action of a label, and of a link, by its place from 0. */
export const labelAction = (place) => `label_${place + 1}`;
export const linkAction = (place) => `link_${place + 1}`;
export const MOST_LABELS = LETTERS.length;
export const MOST_LINKS = LINKS.length;

export const ACTIONS = [
  ...LETTERS.map((key, place) => ({ id: labelAction(place), text: `Failure ${place + 1}`, key, group: 'How it fails' })),
  { id: 'no_failure', text: 'It does not fail', key: '0', group: 'How it fails' },
  { id: 'note', text: 'Write a note', key: 'n', group: 'How it fails' },
  { id: 'next_mark', text: 'Go to the next label’s sentence', key: 'm', group: 'Where' },
  { id: 'shorter', text: 'One sentence less', key: ',', group: 'Where' },
  { id: 'longer', text: 'One sentence more', key: '.', group: 'Where' },
  ...LINKS.map((key, place) => ({ id: linkAction(place), text: `Link ${key} broke`, key, group: 'Causal chain' })),
  { id: 'undo', text: 'Undo the last answer', key: 'z', group: 'Steps' },
  { id: 'skip', text: 'Skip', key: 'x', group: 'Steps' },
  { id: 'flag', text: 'Flag for a maintainer', key: 'f', group: 'Steps' },
  { id: 'uncover', text: 'Show a covered picture', key: 'v', group: 'Steps' },
  ...PICTURE_ACTIONS,
];
