/* The sentences of a model's answer on the page. The server says where they begin, with an empty span before each. */

/** Return the sentences of an answer in order: the node before each, and its place in the text, in characters. */
export const readSentences = (text) => [...text.querySelectorAll('span[data-start]')].map((node) => ({ node, start: Number(node.dataset.start) }));

/** Return the number of the sentence under the pointer, from 0; null beside the text, and on what `skip(node)` names. */
export function findSentence(text, places, x, y, skip) {
  const found = document.caretPositionFromPoint ? document.caretPositionFromPoint(x, y)?.offsetNode : document.caretRangeFromPoint?.(x, y)?.startContainer;
  if (!found || !text.contains(found) || skip(found)) return null;
  let last = null;
  for (const [number, place] of places.entries()) {
    if (place.node.compareDocumentPosition(found) & Node.DOCUMENT_POSITION_FOLLOWING) last = number;
    else break;
  }
  return last;
}
