/* What the screen says when there is no item on it. Words only; nothing here changes anything. */

import { count, plural } from './dom.js';
import { KINDS, settles } from './kinds.js';

/** Return {state, title, text, actions} for an empty desk, by the reason for it. */
export function describeBlank({ kind, link, trouble, progress, ended, waiting, lookAgain, bringBackSkipped }) {
  if (link.state !== 'online') {
    const text = waiting ? `${plural(waiting, 'decision')} will be sent as soon as it is back. Keep this tab open.` : 'Your next items come as soon as it is back.';
    return { state: 'waiting', title: 'Waiting for the server', text };
  }
  if (trouble) {
    return { state: 'error', title: 'The items could not be fetched', text: trouble.message, actions: [{ text: 'Try again', key: '↵', main: true, run: lookAgain }] };
  }
  if (!ended) return { state: 'loading', title: 'Getting your next items', text: 'One moment.' };
  const skipped = progress.own?.skipped ?? 0;
  const elsewhere = settles(kind) ? { text: 'See what else differs', href: '/adjudicate' } : { text: 'See the progress', href: '/progress' };
  const actions = [{ text: 'Look again', run: lookAgain }, elsewhere];
  if (skipped) actions.unshift({ text: `Bring back ${skipped} skipped`, run: bringBackSkipped });
  Object.assign(actions[0], { main: true, key: '↵' });
  return { state: 'empty', ...(progress.total?.items === 0 ? describeNew(kind) : describeDone(progress, skipped)), actions };
}

function describeNew(kind) {
  const [title, text] = KINDS[kind].empty;
  return { title, text };
}

function describeDone({ own, total }, skipped) {
  const open = total ? Math.max(0, total.needed - total.submitted) : 0;
  const sentences = [
    own?.submitted && `You have answered ${plural(own.submitted, 'item')}.`,
    skipped && `You skipped ${count(skipped)}.`,
    open ? `${plural(open, 'answer')} ${open === 1 ? 'is' : 'are'} still to come in all.` : 'Nothing is left to answer.',
    'New items appear here by themselves.',
  ];
  return { title: own?.submitted ? 'That was the last one' : 'Nothing for you just now', text: sentences.filter(Boolean).join(' ') };
}
