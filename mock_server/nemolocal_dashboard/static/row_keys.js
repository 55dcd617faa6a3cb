// `j` and `k` move between the rows of a list; Enter opens the focused link.

import { onKey } from "./shell.js";

/** @param {number} steps */
function move(steps) {
  const links = [...document.querySelectorAll(".rows a.name")];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = at < 0 ? links[0] : links[at + steps];
  if (next instanceof HTMLElement) next.focus();
}

onKey("j", () => move(1));
onKey("k", () => move(-1));
