/* Two texts compared word by word. */

import { el } from '../review/dom.js';

/** Return [{kind: same | del | ins, text}] by the longest common run of words. */
export function diffWords(before, after) {
  const a = before.match(/\s+|[^\s]+/g) ?? [];
  const b = after.match(/\s+|[^\s]+/g) ?? [];
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) longest[i][j] = a[i] === b[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
  }
  const parts = [];
  const add = (kind, text) => {
    if (parts.at(-1)?.kind === kind) parts.at(-1).text += text;
    else parts.push({ kind, text });
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { add('same', a[i]); i += 1; j += 1; }
    else if (j < b.length && (i === a.length || longest[i][j + 1] > longest[i + 1][j])) { add('ins', b[j]); j += 1; }
    else { add('del', a[i]); i += 1; }
  }
  return joinRuns(parts);
}

/** Changed words with nothing but a space between them become one change: first what goes, then what comes. */
function joinRuns(parts) {
  const joined = [];
  let run = null;
  const close = () => {
    if (run) joined.push(...['del', 'ins'].filter((kind) => run[kind]).map((kind) => ({ kind, text: run[kind] })));
    run = null;
  };
  for (const [place, { kind, text }] of parts.entries()) {
    const between = kind === 'same' && run && !text.trim() && place + 1 < parts.length;
    if (kind === 'same' && !between) {
      close();
      joined.push({ kind, text });
      continue;
    }
    run ??= { del: '', ins: '' };
    for (const side of between ? ['del', 'ins'] : [kind]) run[side] += text;
  }
  close();
  return joined;
}

/** Nodes of one side of the difference: `del` for the text before, `ins` for the text after. */
export function diffNodes(parts, side) {
  return parts.filter(({ kind }) => kind === 'same' || kind === side).map(({ kind, text }) => (kind === 'same' ? text : el(side, {}, text)));
}
