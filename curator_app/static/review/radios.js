/* Answers on a row of radio buttons, by the arrow keys. */

const WAYS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Give the answer beside the one that has the focus. `answer(row, value)` gets the row's element. */
export function moveRadio(event, answer) {
  const radio = event.target.closest('[role="radio"]');
  const way = WAYS[event.key];
  if (!radio || !way) return;
  event.preventDefault();
  const all = [...radio.parentElement.children];
  const next = all[(all.indexOf(radio) + way + all.length) % all.length];
  answer(radio.parentElement, next.dataset.answer);
  next.focus();
}
