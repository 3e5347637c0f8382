/* Flagging an item for a maintainer. */

import { api } from './api.js';

export function openFlag({ part, view, desk }, one) {
  const dialog = part('flag-dialog');
  part('flag-note').value = '';
  part('flag-error').textContent = '';
  part('flag-send').onclick = async () => {
    const note = part('flag-note').value.trim();
    if (!note) {
      part('flag-error').textContent = 'Write a few words, so that somebody knows where to look.';
      part('flag-note').focus();
      return;
    }
    part('flag-send').disabled = true;
    try {
      await api.flag(one.claim.claim_id, note);
      one.work.flagged = true;
      dialog.close();
      if (desk.current() === one) { view.work(one); desk.drafts.touch(one); }
      view.say(`${one.item.label} flagged`);
    } catch (error) {
      part('flag-error').textContent = `The flag was not sent. ${error.message} Your words are still here.`;
    } finally {
      part('flag-send').disabled = false;
    }
  };
  part('flag-cancel').onclick = () => dialog.close();
  dialog.showModal();
}
