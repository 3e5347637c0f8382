/* Whether the server can be reached and knows the person: online, offline, signed_out, or stranger. */

import { api } from './api.js';

const WAITS_S = [2, 4, 8, 15, 30];

/**
 * `onChange(link)` runs at every change of state and every second of a countdown; `onBack()` when all is well again.
 * A stranger is somebody else who signed in meanwhile in this browser: nothing of this page may be sent in their name.
 */
export function createLink({ onChange, onBack }) {
  const link = { state: 'online', waitS: 0, trying: false, name: null };
  let round = 0;
  let timer = null;

  function set(state) {
    link.state = state;
    onChange(link);
  }

  function countDown() {
    clearInterval(timer);
    link.waitS = WAITS_S[Math.min(round, WAITS_S.length - 1)];
    round += 1;
    onChange(link);
    timer = setInterval(() => {
      link.waitS -= 1;
      if (link.waitS <= 0) link.tryNow();
      else onChange(link);
    }, 1000);
  }

  link.lost = () => {
    if (link.state !== 'online') return;
    round = 0;
    set('offline');
    countDown();
  };

  link.signedOut = () => {
    if (link.state === 'stranger') return;
    clearInterval(timer);
    set('signed_out');
  };

  link.tryNow = async () => {
    if (link.state === 'online' || link.trying) return;
    clearInterval(timer);
    link.trying = true;
    onChange(link);
    try {
      const me = await api.me();
      if (link.name !== null && me.name !== link.name) set('stranger');
      else {
        round = 0;
        set('online');
      }
    } catch (error) {
      if (error.kind === 'signed_out') set('signed_out');
      else {
        set('offline');
        countDown();
      }
    } finally {
      link.trying = false;
      onChange(link);
      if (link.state === 'online') onBack();
    }
  };

  window.addEventListener('offline', () => link.lost());
  window.addEventListener('online', () => link.tryNow());
  document.addEventListener('visibilitychange', () => { if (!document.hidden) link.tryNow(); });
  window.addEventListener('focus', () => { if (link.state === 'signed_out') link.tryNow(); });
  return link;
}
