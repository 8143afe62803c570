// What a node of the graph is connected to; which settings are shown; a link into the tree opens it.
'use strict';
const svg = document.querySelector('svg');
const mark = id => {
  svg.classList.toggle('active', Boolean(id));
  const near = new Set([id]);
  for (const path of svg.querySelectorAll('.edges path')) {
    const on = Boolean(id) && [path.dataset.from, path.dataset.to].includes(id);
    path.classList.toggle('on', on);
    if (on) near.add(path.dataset.from).add(path.dataset.to);
  }
  for (const node of svg.querySelectorAll('a')) node.classList.toggle('on', near.has(node.dataset.node));
};
for (const node of svg.querySelectorAll('a')) {
  for (const event of ['mouseenter', 'focus']) node.addEventListener(event, () => mark(node.dataset.node));
  for (const event of ['mouseleave', 'blur']) node.addEventListener(event, () => mark());
}
for (const box of document.querySelectorAll('input[data-origin]')) {
  box.addEventListener('change', () => {
    for (const row of document.querySelectorAll('tr[data-origin]')) {
      if (row.dataset.origin === box.dataset.origin) row.hidden = !box.checked;
    }
  });
}
const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  for (let each = target; each; each = each.parentElement) if (each.tagName === 'DETAILS') each.open = true;
  if (target) target.scrollIntoView();
};
addEventListener('hashchange', open);
open();
