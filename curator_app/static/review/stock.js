/* The claimed items of this tab: the one on screen, those behind it with their pictures decoded, and how long they are ours. */

import { api } from './api.js';

const SIZE = 5;
const LIMIT = 20;
const IDLE_MS = 5 * 60_000;

/** Start loading a picture and decode it, so that putting it on screen costs nothing. */
export function loadPicture(item) {
  if (!item.image) return null;
  const img = new Image();
  img.decoding = 'async';
  img.alt = item.image.alt || '';
  img.width = item.image.width;
  img.height = item.image.height;
  img.draggable = false;
  img.src = item.image.url;
  img.decode().catch(() => {}); // a failure shows as such when the item comes up
  return img;
}

/** Whether two cases are about one thing: a study asks about several answers to one item, each a round of its own. */
export const isSame = (one, other) => one.item.id === other.item.id && one.claim.round === other.claim.round;

/** `shape` says what a person fills in about an item of this kind: see `work.js`. */
export function createCase(claim, shape) {
  return { claim, item: claim.item, work: shape.createWork(claim), img: loadPicture(claim.item), lapsed: null, asked: null };
}

/**
 * `cases[0]` is on screen. `onFilled()` after the server has answered; `onLost(case, message)` when the item on
 * screen is no longer ours (those behind it go quietly).
 */
export function createStock({ kind, shape, holder, link, outbox, onFilled, onLost, onError }) {
  const cases = [];
  const gone = new Set(); // claims that this tab has dealt with, so that a late answer does not bring them back
  const stock = { cases, ended: false, offsetMs: 0, ttlMs: 900_000 };
  let asking = Promise.resolve(); // one question at a time; many calls while one is out make one more
  let again = false;
  let lastActive = Date.now();
  let renewing = false;

  stock.now = () => Date.now() + stock.offsetMs;

  /** Top the stock up. `check`: ask even when it is full, to see what is still held. `extra`: as many more than usual. */
  stock.fill = ({ check = false, extra = 0 } = {}) => {
    if (!check && !extra && cases.length >= SIZE) return asking;
    if (extra) asking = asking.then(() => ask(extra));
    else if (!again) {
      again = true;
      asking = asking.then(() => { again = false; return ask(0); });
    }
    return asking;
  };

  async function ask(extra) {
    if (link.state !== 'online') return;
    const known = new Set(cases.map((one) => one.claim.claim_id));
    const want = Math.min(LIMIT, Math.max(SIZE, cases.length + extra) + outbox.size());
    let reply;
    try {
      reply = await api.claim(kind, want, holder());
    } catch (error) {
      if (error.kind === 'signed_out') link.signedOut();
      else if (error.kind === 'unreachable') link.lost();
      onError(error);
      return;
    }
    const serverNow = Date.parse(reply.server_time);
    if (Number.isFinite(serverNow)) stock.offsetMs = serverNow - Date.now();
    merge(reply.claims, known, reply.claims.length >= want);
    stock.ended = cases.length === 0;
    onFilled();
  }

  /** The claim of a case as the server has it now; null when it is no longer held. */
  stock.reread = async (one) => {
    const { claims } = await api.claim(kind, Math.min(LIMIT, cases.length + outbox.size()), holder());
    return claims.find(({ claim_id }) => claim_id === one.claim.claim_id) ?? null;
  };

  function merge(claims, known, cut) {
    const ids = new Set(claims.map((claim) => claim.claim_id));
    for (const claim of claims) {
      stock.ttlMs = Math.max(1000, Date.parse(claim.expires_at) - stock.now());
      if (gone.has(claim.claim_id)) continue;
      const same = cases.find((one) => one.claim.claim_id === claim.claim_id);
      const before = cases.find((one) => isSame(one, { item: claim.item, claim }));
      if (same) same.claim.expires_at = claim.expires_at;
      else if (before) { before.claim = claim; before.lapsed = null; } // claimed anew: the work goes on
      else cases.push(createCase(claim, shape));
    }
    if (cut) return;
    for (const one of [...cases]) {
      const id = one.claim.claim_id;
      if (known.has(id) && !ids.has(id)) lose(one, `${one.item.label} is no longer yours: your hold on it ended.`);
    }
  }

  function lose(one, message) {
    const place = cases.indexOf(one);
    if (place < 0 || one.lapsed) return;
    if (place === 0) onLost(one, message);
    else cases.splice(place, 1);
  }

  stock.take = (one) => {
    const place = cases.indexOf(one);
    if (place >= 0) cases.splice(place, 1);
    gone.add(one.claim.claim_id);
  };

  stock.bringBack = (one) => {
    gone.delete(one.claim.claim_id);
    const place = cases.findIndex((other) => isSame(one, other));
    if (place >= 0) cases.splice(place, 1);
    cases.unshift(one);
    stock.ended = false;
  };

  /** Something in this tab or another was settled; forget the item wherever it waits. */
  stock.drop = (itemId, round, message) => {
    const one = cases.find((other) => isSame(other, { item: { id: itemId }, claim: { round } }));
    if (one) lose(one, message);
  };

  stock.active = () => {
    const idle = Date.now() - lastActive > IDLE_MS;
    lastActive = Date.now();
    if (idle) stock.renew();
  };
  stock.isActive = () => !document.hidden && Date.now() - lastActive < IDLE_MS;

  /** Renew what has used up a third of its time. A claim that lapsed is taken up again while nobody else has it. */
  stock.renew = async () => {
    if (renewing || link.state !== 'online' || !stock.isActive()) return;
    renewing = true;
    try {
      for (const one of [...cases]) {
        const { claim } = one;
        if (one.lapsed || !cases.includes(one) || Date.parse(claim.expires_at) - stock.now() > (stock.ttlMs * 2) / 3) continue;
        try {
          claim.expires_at = (await api.renew(claim.claim_id)).expires_at;
        } catch (error) {
          if (error.kind === 'refused') {
            await asking; // a question that was out may have brought the item back under a newer claim
            if (one.claim === claim) lose(one, error.message);
          } else if (error.kind === 'signed_out') return link.signedOut();
          else if (error.kind === 'unreachable') return link.lost();
        }
      }
    } finally {
      renewing = false;
    }
  };

  setInterval(stock.renew, 1000);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    lastActive = Date.now();
    stock.renew();
  });
  return stock;
}
