/* What somebody opened to read stays open when the page is drawn anew, as that of a training is every few seconds. */

const opened = new Set();
const nameOf = (details) => details.querySelector('summary')?.textContent.trim();

document.addEventListener('toggle', ({ target }) => {
  if (!target.matches?.('.cu-training details')) return;
  if (target.open) opened.add(nameOf(target));
  else opened.delete(nameOf(target));
}, true);

new MutationObserver((changes) => {
  const added = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node instanceof Element);
  for (const details of added.flatMap((node) => [...node.querySelectorAll('details')])) {
    if (details.closest('.cu-training') && opened.has(nameOf(details))) details.open = true;
  }
}).observe(document.body, { childList: true, subtree: true });
