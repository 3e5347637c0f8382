/* The top bar gives up what matters least, one thing after another, until all the rest fits the window. How much fits
   depends on the person's pages, on their name and on how long the counts have become: a width in CSS cannot know. */

/** What goes first stands first; `static/frame.css` says what each word hides. */
const STEPS = ['left', 'numbers', 'words', 'pages'];

export function fitBar(bar) {
  const end = bar.querySelector('.cu-top-end');
  const fit = () => {
    for (let given = 0; given <= STEPS.length; given += 1) {
      bar.dataset.gives = STEPS.slice(0, given).join(' ');
      const room = bar.getBoundingClientRect().right - parseFloat(getComputedStyle(bar).paddingRight);
      if (end.getBoundingClientRect().right <= room + 0.5) return;
    }
  };
  new ResizeObserver(fit).observe(bar);
  const watched = { subtree: true, childList: true, characterData: true, attributeFilter: ['hidden', 'aria-current'] };
  new MutationObserver(fit).observe(bar, watched);
}
