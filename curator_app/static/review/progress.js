/* Numbers in the top bar: own and all, per hour, what is left. Counted on locally, put right by the server. */

import { api } from './api.js';
import { count } from './dom.js';

const FRESH_MS = 20_000;

export function createProgress({ root, kind, held, link }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const progress = { own: null, total: null };
  let mine = 0; // all that is for this person: done, claimed in this tab, and left; counted when the server was asked
  let asked = 0;
  let timer = null;

  function bar(name, done, all) {
    part(name).style.width = `${all > 0 ? Math.min(100, (100 * done) / all) : 0}%`;
  }

  function paint() {
    const { own, total } = progress;
    if (!own || !total) return;
    part('own-done').textContent = count(own.submitted);
    part('own-all').textContent = count(mine);
    bar('own-bar', own.submitted, mine);
    part('own-meter').title = `${count(own.today ?? 0)} today`;
    part('left').textContent = count(Math.max(0, mine - own.submitted));
    part('total-done').textContent = count(total.submitted);
    part('total-all').textContent = count(total.needed);
    bar('total-bar', total.submitted, total.needed);
    part('rate').textContent = own.per_hour ? count(own.per_hour) : '–';
    for (const meter of root.querySelectorAll('[data-meter]')) meter.hidden = false;
  }

  progress.refresh = async () => {
    clearTimeout(timer);
    if (link.state !== 'online') return;
    asked = Date.now();
    try {
      Object.assign(progress, await api.progress(kind));
      mine = progress.own.submitted + progress.own.left + held();
      paint();
    } catch { /* numbers only: the next save asks again */ }
  };
  /** A decision was saved (+1) or undone (-1). */
  progress.step = (by) => {
    if (!progress.own || !progress.total) return;
    progress.own.submitted += by;
    progress.total.submitted += by;
    paint();
    clearTimeout(timer);
    timer = setTimeout(progress.refresh, Math.max(1500, FRESH_MS - (Date.now() - asked)));
  };
  progress.paint = paint;
  progress.sentence = () => (progress.own ? `${count(progress.own.submitted)} of ${count(mine)}` : '');
  setInterval(() => { if (!document.hidden && Date.now() - asked > 60_000) progress.refresh(); }, 15_000);
  return progress;
}
