// The live list, and reading a record without losing one's place in it. Every page works without this file.
'use strict';
(() => {
  const rows = document.getElementById('rows');
  const log = document.querySelector('.log');
  const live = document.getElementById('live');
  const pause = document.getElementById('pause');
  const MOST = 400;
  let source = null;
  let paused = false;
  let after = Number(rows.dataset.after);

  const show = (on, text) => {
    live.hidden = false;
    live.classList.toggle('off', !on);
    live.lastElementChild.textContent = text;
  };

  // A row goes where its moment belongs: a request is told when it was answered, after what it caused.
  const place = (html) => {
    const holder = document.createElement('template');
    holder.innerHTML = html.trim();
    const row = holder.content.firstElementChild;
    if (!row || rows.querySelector(`[data-number="${CSS.escape(row.dataset.number)}"]`)) return;
    const before = (one, other) =>
      Number(one.dataset.began) - Number(other.dataset.began) || Number(one.dataset.number) - Number(other.dataset.number);
    const next = [...rows.children].find((other) => before(row, other) > 0);
    const height = rows.offsetHeight;
    row.classList.add('fresh');
    rows.insertBefore(row, next || null);
    document.getElementById('empty')?.remove();
    // Whoever has scrolled down, or follows a row, keeps it where it is.
    if (log.scrollTop > 0) log.scrollTop += rows.offsetHeight - height;
    if (rows.children.length > MOST) rows.lastElementChild.remove();
  };

  const stop = () => {
    source?.close();
    source = null;
  };
  const start = () => {
    if (!rows.dataset.live || source || paused) return;
    const joint = rows.dataset.live.includes('?') ? '&' : '?';
    source = new EventSource(`${rows.dataset.live}${joint}after=${after}`);
    source.onopen = () => show(true, 'Live');
    source.onerror = () => {
      show(false, 'Reconnecting');
      stop();
      setTimeout(start, 2000);
    };
    source.addEventListener('row', (event) => {
      after = Math.max(after, Number(event.lastEventId));
      place(event.data);
    });
    source.addEventListener('many', () => location.reload());
    // The platform was started again: what the list shows is gone, and its numbers mean other things now.
    source.addEventListener('restarted', () => {
      if (location.pathname.startsWith('/inspector/records/')) {
        location.assign(rows.dataset.live.replace('/inspector/live', '/inspector'));
      } else {
        location.reload();
      }
    });
  };

  if (rows.dataset.live && 'EventSource' in window) {
    pause.hidden = false;
    pause.addEventListener('click', () => {
      paused = !paused;
      pause.setAttribute('aria-pressed', String(paused));
      pause.setAttribute('aria-label', paused ? 'Go on with the live list' : 'Pause the live list');
      pause.querySelector('use').setAttribute('href', paused ? '#i-go' : '#i-pause');
      if (paused) {
        stop();
        show(false, 'Paused');
      } else {
        start();
      }
    });
    start();
    addEventListener('pagehide', stop);
    addEventListener('pageshow', (event) => event.persisted && start());
  }

  const ready = (part) => {
    for (const button of part.querySelectorAll('[data-copy]')) {
      button.hidden = !navigator.clipboard;
      button.onclick = async () => {
        const from = button.dataset.copy === 'next'
          ? button.closest('.section').nextElementSibling
          : part.querySelector(button.dataset.copy);
        await navigator.clipboard.writeText(from.innerText.trim());
        const label = button.lastChild;
        const text = label.textContent;
        label.textContent = 'Copied';
        setTimeout(() => (label.textContent = text), 1500);
      };
    }
  };
  ready(document);

  // On wide screens a row opens beside the list, which stays where it is.
  const wide = matchMedia('(min-width: 761px)');
  const mark = (path) => {
    for (const row of rows.children) {
      if (new URL(row.href).pathname === path) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
  };
  const open = async (address, remember) => {
    const answer = await fetch(address, { headers: { accept: 'text/html' } });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const detail = page.getElementById('detail');
    if (!detail) return location.assign(address);
    document.getElementById('detail').replaceWith(document.adoptNode(detail));
    document.documentElement.dataset.view = page.documentElement.dataset.view;
    document.title = page.title;
    document.querySelector('.toast')?.remove();
    if (remember) history.pushState(null, '', address);
    mark(new URL(address, location).pathname);
    ready(detail);
  };
  rows.addEventListener('click', (event) => {
    const row = event.target.closest('.row');
    if (!row || !wide.matches || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(row.href, true).catch(() => location.assign(row.href));
  });
  addEventListener('popstate', () => open(location.href, false).catch(() => location.reload()));

  const toast = document.querySelector('.toast');
  if (toast) {
    setTimeout(() => toast.remove(), 5000);
    const address = new URL(location);
    address.searchParams.delete('said');
    history.replaceState(null, '', address);
  }
})();
