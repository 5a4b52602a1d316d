/**
 * The page's script: the theme button and the tabs. Pictures and tables need none of it; without it every panel shows.
 * Tabs follow the WAI-ARIA pattern with automatic activation: arrow keys, Home and End move and choose.
 */
export const PAGE_SCRIPT = `
'use strict';
(() => {
  const root = document.documentElement;
  root.classList.add('scripted');
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const button = document.getElementById('theme');
  const remember = (name) => { try { localStorage.setItem('sendzc-theme', name); } catch { /* A file opened where storage is denied. */ } };
  const remembered = () => { try { return localStorage.getItem('sendzc-theme'); } catch { return null; } };
  const isDark = () => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const show = () => { button.setAttribute('aria-pressed', String(isDark())); };
  const known = remembered();
  if (known === 'light' || known === 'dark') root.dataset.theme = known;
  button.hidden = false;
  show();
  button.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; remember(root.dataset.theme); show(); });
  system.addEventListener('change', show);
  for (const list of document.querySelectorAll('[role="tablist"]')) {
    const tabs = [...list.querySelectorAll('[role="tab"]')];
    const choose = (chosen) => {
      for (const tab of tabs) {
        const on = tab === chosen;
        tab.setAttribute('aria-selected', String(on));
        tab.tabIndex = on ? 0 : -1;
        document.getElementById(tab.getAttribute('aria-controls')).hidden = !on;
      }
    };
    list.hidden = false;
    choose(tabs[0]);
    list.addEventListener('click', (event) => { const tab = event.target.closest('[role="tab"]'); if (tab !== null) choose(tab); });
    list.addEventListener('keydown', (event) => {
      const at = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  }
})();
`
