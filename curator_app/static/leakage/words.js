/* The query as words that can be marked. Spans count Unicode characters, as the server does, not UTF-16 units. */

/** Return [{text, start, end, word}] that together are the whole text. */
export function splitWords(text) {
  const pieces = 'Segmenter' in Intl
    ? [...new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)].map(({ segment, isWordLike }) => ({ text: segment, word: isWordLike }))
    : (text.match(/[\p{L}\p{N}\p{M}'’-]+|[^\p{L}\p{N}\p{M}'’-]+/gu) ?? []).map((piece) => ({ text: piece, word: /[\p{L}\p{N}]/u.test(piece) }));
  let at = 0;
  return pieces.map((piece) => {
    const start = at;
    at += [...piece.text].length;
    return { ...piece, start, end: at };
  });
}

export const isIn = (piece, spans) => spans.some(([start, end]) => piece.start < end && start < piece.end);

/** Mark or unmark a word. Neighbours with nothing but a space between them become one span. */
export function toggleWord(pieces, spans, piece) {
  const marked = new Set(pieces.filter((one) => one.word && isIn(one, spans)));
  if (!marked.delete(piece)) marked.add(piece);
  const joined = [];
  for (const [place, one] of pieces.entries()) {
    if (!marked.has(one)) continue;
    const before = pieces[place - 1];
    const last = joined.at(-1);
    if (last && before && !before.text.trim() && last[1] === before.start) last[1] = one.end;
    else if (last && last[1] === one.start) last[1] = one.end;
    else joined.push([one.start, one.end]);
  }
  return joined;
}

export const textOf = (text, [start, end]) => [...text].slice(start, end).join('');
