/* The keys of the audit: a letter chooses a scale, a digit scores it and goes on, Enter submits. */

import { PICTURE_ACTIONS } from '../review/keys.js';
import { TAKE_ACTIONS } from '../review/kinds.js';

export const ACTIONS = [
  { id: 'risk_appraisal', text: 'Go to risk appraisal', key: 'r', group: 'Score' },
  { id: 'safety_of_consequences', text: 'Go to safety of consequences', key: 's', group: 'Score' },
  { id: 'effectiveness', text: 'Go to effectiveness', key: 'e', group: 'Score' },
  { id: 'score_0', text: 'Score 0', key: '0', group: 'Score' },
  { id: 'score_1', text: 'Score 1', key: '1', group: 'Score' },
  { id: 'score_2', text: 'Score 2', key: '2', group: 'Score' },
  { id: 'warning', text: 'Place or remove the warning’s mark', key: 'w', group: 'Score' },
  { id: 'note', text: 'Write a note', key: 'n', group: 'Score' },
  ...TAKE_ACTIONS,
  { id: 'undo', text: 'Undo the last answer', key: 'z', group: 'Steps' },
  { id: 'skip', text: 'Skip', key: 'x', group: 'Steps' },
  { id: 'flag', text: 'Flag for a maintainer', key: 'f', group: 'Steps' },
  { id: 'uncover', text: 'Show a covered picture', key: 'v', group: 'Steps' },
  ...PICTURE_ACTIONS,
];
