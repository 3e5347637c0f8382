/* The keys of the leakage check. Enter takes the next step; arrows and Space mark words. */

import { PICTURE_ACTIONS } from '../review/keys.js';
import { TAKE_ACTIONS } from '../review/kinds.js';

export const ACTIONS = [
  { id: 'none', text: 'No danger from the words alone', key: '0', group: 'Steps' },
  { id: 'clean', text: 'Keep the query', key: 'k', group: 'Steps' },
  { id: 'rewrite', text: 'Rewrite', key: 'a', group: 'Steps' },
  { id: 'edit', text: 'Edit the rewrite', key: 'e', group: 'Steps' },
  { id: 'reject', text: 'Reject', key: 'r', group: 'Steps' },
  { id: 'undo', text: 'Undo the last decision', key: 'z', group: 'Steps' },
  { id: 'skip', text: 'Skip', key: 's', group: 'Steps' },
  { id: 'flag', text: 'Flag for a maintainer', key: 'f', group: 'Steps' },
  { id: 'ask_1', text: 'First question of the step', key: '1', group: 'Answer' },
  { id: 'ask_2', text: 'Second question', key: '2', group: 'Answer' },
  { id: 'ask_3', text: 'Third question', key: '3', group: 'Answer' },
  { id: 'ask_4', text: 'Fourth question', key: '4', group: 'Answer' },
  { id: 'note', text: 'Write the guess, later a note', key: 'n', group: 'Answer' },
  { id: 'box', text: 'Box on the picture', key: 'm', group: 'Answer' },
  { id: 'uncover', text: 'Show a covered picture', key: 'v', group: 'Answer' },
  ...PICTURE_ACTIONS,
];

/** Those of who settles: the answers stand there already, so nothing is guessed. */
export const SETTLE_ACTIONS = [
  ...TAKE_ACTIONS,
  { id: 'new', text: 'Write a new answer', key: 'w', group: 'Settle' },
  ...ACTIONS.filter(({ id }) => id !== 'none'),
  { id: 'ask_5', text: 'Fifth question', key: '5', group: 'Answer' },
];
