/* Several tabs of one person: each has its own name as a holder of claims, and they tell one another what they decided. */

import { api, uuid } from './api.js';

const HOLDER_KEY = 'curator-holder';
const LEFT_KEY = 'curator-left';

const load = (key) => { try { return sessionStorage.getItem(key); } catch { return null; } };
const keep = (key, value) => { try { sessionStorage.setItem(key, value); } catch { /* private mode: the name lives as long as the page */ } };

/** Hold a lock in this tab's name for as long as the page lives; false when another tab has the name. */
function lockName(name) {
  return new Promise((resolve) => {
    navigator.locks.request(`curator-holder-${name}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? null : new Promise(() => {});
    }).catch(() => resolve(true));
  });
}

/** Without locks (plain http): ask the other tabs, and answer them from now on. */
function askOthers(channel, name) {
  return new Promise((resolve) => {
    const answer = (event) => { if (event.data?.type === 'taken' && event.data.holder === name) resolve(false); };
    channel.addEventListener('message', answer);
    channel.postMessage({ type: 'hello', holder: name });
    setTimeout(() => { channel.removeEventListener('message', answer); resolve(true); }, 80);
  });
}

/** Return {holder, tell(message)}. A duplicated tab copies the name of the first one and gets a new one here. */
export async function joinTabs(hear) {
  const channel = 'BroadcastChannel' in window ? new BroadcastChannel('curator-review') : null;
  let holder = load(HOLDER_KEY) || uuid();
  const take = async (name) => {
    if (navigator.locks) return lockName(name);
    return channel ? askOthers(channel, name) : true;
  };
  if (!(await take(holder))) {
    await new Promise((done) => setTimeout(done, 150)); // a reload: the page before may still be letting go
    if (!(await take(holder))) {
      holder = uuid();
      await take(holder);
    }
  }
  keep(HOLDER_KEY, holder);
  channel?.addEventListener('message', (event) => {
    if (event.data?.type === 'hello' && event.data.holder === holder) channel.postMessage({ type: 'taken', holder });
    else hear(event.data || {});
  });
  return { holder, tell: (message) => channel?.postMessage(message) };
}

/** Give claims back as the page goes. Their ids are kept, so that the next page can make sure before it claims. */
export function releaseOnLeave(ids) {
  keep(LEFT_KEY, JSON.stringify(ids));
  for (const id of ids) api.release(id, { keepalive: true }).catch(() => {});
}

/** After a reload the releases of the page before may still be on their way: see that they come first. */
export async function finishLeaving() {
  let ids = [];
  try { ids = JSON.parse(load(LEFT_KEY) || '[]'); } catch { /* not ours */ }
  keep(LEFT_KEY, '[]');
  await Promise.allSettled(ids.map((id) => api.release(id)));
}
