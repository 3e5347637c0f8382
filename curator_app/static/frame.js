/* Runs on every page: theme, menus, the links that the person's roles allow, and the start of the page's own script.
   The host adds the page's HTML some time after this script, so everything waits for the `.cu` element. */

import { fitBar } from './bar.js';
import { read, showLastPerson, showPerson, write } from './person.js';
import { settles } from './review/kinds.js';

const THEME_KEY = 'curator-theme';
/** Pages that the bar offers as Training. */
const OF_TRAINING = new Set(['/training-data', '/constitutions', '/wind-tunnel']);

const SCREENS = {
  review: () => import('./review/review.js'),
  audit: () => import('./audit/audit.js'),
  failures: () => import('./failures/failures.js'),
  leakage: () => import('./leakage/leakage.js'),
};

let theme = read(localStorage, THEME_KEY) || 'system';
const systemDark = matchMedia('(prefers-color-scheme: dark)');

/** Paint the chosen theme on our elements and on the host, which marks dark with a class on body. */
function applyTheme() {
  const dark = theme === 'dark' || (theme === 'system' && systemDark.matches);
  document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
  document.body?.classList.toggle('dark', dark);
  for (const root of document.querySelectorAll('.cu')) {
    root.dataset.theme = dark ? 'dark' : 'light';
    for (const button of root.querySelectorAll('[data-theme-choice]')) {
      button.setAttribute('aria-pressed', String(button.dataset.themeChoice === theme));
    }
  }
}

function chooseTheme(choice) {
  theme = choice;
  write(localStorage, THEME_KEY, choice);
  applyTheme();
}

/** A menu closes by Escape, by a click elsewhere, and when one of its rows is chosen. */
function wireMenus(root) {
  document.addEventListener('click', (event) => {
    for (const menu of root.querySelectorAll('details.cu-pop[open]')) {
      const inside = menu.contains(event.target);
      if (!inside || event.target.closest('[data-closes]')) menu.open = false;
    }
  });
  root.addEventListener('keydown', (event) => {
    const menu = event.target.closest('details.cu-pop[open]');
    if (event.key !== 'Escape' || !menu) return;
    menu.open = false;
    menu.querySelector('summary').focus();
    event.stopPropagation();
  });
}

function markCurrentPage(root) {
  const settling = settles(new URLSearchParams(location.search).get('kind'));
  const path = location.pathname.replace(/\/+$/, '') || '/';
  const here = settling ? '/adjudicate' : OF_TRAINING.has(path) ? '/training' : path;
  for (const link of root.querySelectorAll('[data-page]')) {
    const target = new URL(link.getAttribute('href'), location.origin);
    const current = (target.pathname.replace(/\/+$/, '') || '/') === here;
    link.toggleAttribute('aria-current', false);
    if (current) {
      link.setAttribute('aria-current', 'page');
      const name = link.textContent.trim();
      for (const slot of root.querySelectorAll('[data-part="page-name"]')) slot.textContent = name;
      document.title = `${name} · Curator`;
    }
  }
}

/** What a form answers may stand out of sight: go there, but only after somebody has asked for something. */
function followAnswers() {
  let asked = false;
  document.addEventListener('click', (event) => { asked ||= Boolean(event.target.closest?.('button')); }, true);
  document.addEventListener('keydown', (event) => { asked ||= event.key === 'Enter'; }, true);
  new MutationObserver((changes) => {
    if (!asked) return;
    const added = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node instanceof Element);
    const told = added.map((node) => (node.matches('.cu-told') ? node : node.querySelector('.cu-told'))).filter(Boolean);
    if (!told.length) return;
    asked = false;
    told.at(-1).scrollIntoView({ block: 'nearest' });
  }).observe(document.body, { childList: true, subtree: true });
}

async function fetchPerson(root) {
  const reply = await fetch('/api/v1/me', { headers: { Accept: 'application/json' } });
  if (reply.ok) showPerson(root, await reply.json());
}

/** The host adds our style sheets as late as this script; nothing is shown before they are in. */
async function stylesReady() {
  const links = [...document.querySelectorAll('link[rel="stylesheet"][href*="/static/"]')];
  await Promise.all(links.map((link) => link.sheet || new Promise((done) => {
    link.addEventListener('load', done, { once: true });
    link.addEventListener('error', done, { once: true });
  })));
}

async function start(root) {
  if (root.dataset.started) return;
  root.dataset.started = 'true';
  showLastPerson(root);
  markCurrentPage(root);
  wireMenus(root);
  root.addEventListener('click', (event) => {
    const button = event.target.closest('[data-theme-choice]');
    if (button) chooseTheme(button.dataset.themeChoice);
  });
  applyTheme();
  if (location.pathname.startsWith('/runs')) import('./config_file.js');
  if (location.pathname.startsWith('/training')) import('./keep_open.js');
  const screen = SCREENS[root.dataset.screen]?.();
  await stylesReady();
  root.hidden = false;
  fitBar(root.querySelector('.cu-top'));
  if (screen) (await screen).startScreen(root);
  else {
    followAnswers();
    fetchPerson(root);
  }
}

function startAll(_, observer) {
  const roots = document.querySelectorAll('.cu[data-screen]');
  if (roots.length) observer?.disconnect(); // a page has one bar, and every page is loaded anew
  for (const root of roots) start(root);
}

applyTheme();
systemDark.addEventListener('change', applyTheme);
window.addEventListener('storage', (event) => {
  if (event.key !== THEME_KEY) return;
  theme = event.newValue || 'system';
  applyTheme();
});
const observer = new MutationObserver(startAll);
observer.observe(document.documentElement, { childList: true, subtree: true });
startAll([], observer);
