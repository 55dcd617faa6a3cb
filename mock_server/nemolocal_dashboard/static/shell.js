// The script of every page: the feed, keys, and copy buttons.

import { byId, notify } from "./dom.js";
import { connectFeed } from "./feed.js";

/** @type {Map<string, (event: KeyboardEvent) => void>} */
const actions = new Map();

/**
 * Call a function when a key is pressed outside of fields and dialogs.
 * @param {string} key
 * @param {(event: KeyboardEvent) => void} action
 */
export function onKey(key, action) {
  actions.set(key, action);
}

/**
 * @param {EventTarget | null} target
 * @returns {boolean}
 */
function takesText(target) {
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (takesText(event.target)) {
    if (event.key !== "Escape" || !(event.target instanceof HTMLElement)) return;
    // Escape would also clear a search field.
    event.preventDefault();
    event.target.blur();
    return;
  }
  const action = actions.get(event.key);
  if (!action) return;
  action(event);
});

const keys = byId("keys", HTMLDialogElement);
onKey("?", () => keys.showModal());
byId("show-keys", HTMLButtonElement).addEventListener("click", () => keys.showModal());

// A button with `data-copy="id"` copies the text of that element.
document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
  if (!(button instanceof HTMLElement)) return;
  const source = document.getElementById(button.dataset.copy ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    notify(button.dataset.copied ?? "");
  } catch {
    // Copying needs a permission, and HTTPS unless on localhost: otherwise, select the text.
    source.closest("details")?.setAttribute("open", "");
    getSelection()?.selectAllChildren(source);
    notify(button.dataset.selected ?? "");
  }
});

// The other scripts of the page have run by then: none of them misses an event.
if (!document.getElementById("sign-in")) document.addEventListener("DOMContentLoaded", connectFeed);
