/* Who is signed in, as far as the top bar shows it. One module of its own, so that every script shares it. */

const ROLES_KEY = 'curator-roles';

export const read = (store, key) => { try { return store.getItem(key); } catch { return null; } };
export const write = (store, key, value) => { try { store.setItem(key, value); } catch { /* storage may be off: the choice lasts for this page */ } };

/** Show the links of the person's roles; an admin has all. The server checks every page again. */
export function showPerson(root, me) {
  write(sessionStorage, ROLES_KEY, me.roles.join(' '));
  showLinks(root, me.roles);
  for (const slot of root.querySelectorAll('[data-part="person-name"]')) slot.textContent = me.name;
  for (const slot of root.querySelectorAll('[data-part="person-roles"]')) slot.textContent = me.roles.join(', ') || 'no roles yet';
}

/** Until the server has answered, the links of the last visit in this tab. */
export function showLastPerson(root) {
  showLinks(root, (read(sessionStorage, ROLES_KEY) || '').split(' '));
}

function showLinks(root, roles) {
  for (const link of root.querySelectorAll('[data-roles]')) {
    const wanted = link.dataset.roles.split(' ').filter(Boolean);
    link.hidden = wanted.length > 0 && !roles.includes('admin') && !wanted.some((role) => roles.includes(role));
  }
}
