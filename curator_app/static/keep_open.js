/* What somebody opened to read stays open when the page is drawn anew, as that of a training is every few seconds:
   the host puts other elements there, or takes away attributes that its HTML does not have. */

const opened = new Set();
const nameOf = (details) => details.querySelector('summary')?.textContent.trim();

document.addEventListener('click', ({ target }) => {
  const details = target.closest?.('.cu-training summary')?.parentElement;
  if (!details) return;
  if (details.open) opened.delete(nameOf(details)); // it is about to close
  else opened.add(nameOf(details));
}, true);

new MutationObserver(() => {
  for (const details of document.querySelectorAll('.cu-training details:not([open])')) {
    if (opened.has(nameOf(details))) details.open = true;
  }
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['open'] });
