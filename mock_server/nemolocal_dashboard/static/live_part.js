// Parts of a page that are fetched again when what they show has changed. A part is an element with
// `data-part` (its URL), `data-on` (the kind of change) and perhaps `data-only` (an id).

import { fetchFragment, notify, parseFragment, sendJson } from "./dom.js";
import { onChanges } from "./feed.js";

/**
 * Run a task again and again, never twice at once: what is asked for meanwhile runs once after it.
 * @param {() => Promise<void>} task
 * @returns {() => void}
 */
export function oneAtATime(task) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      try {
        await task();
      } catch (error) {
        notify(error instanceof Error ? error.message : String(error));
      }
    }
    running = false;
  };
}

/**
 * Replace the content of an element, and keep open what the user has opened in it.
 * @param {HTMLElement} element
 * @param {string} html
 */
export function replaceContent(element, html) {
  const fresh = parseFragment(html);
  const open = [...element.querySelectorAll("details")].map((each) => each.open);
  const isSame = element.querySelectorAll("details").length <= fresh.querySelectorAll("details").length;
  fresh.querySelectorAll("details").forEach((each, at) => {
    if (isSame && open[at]) each.open = true;
  });
  element.replaceChildren(fresh);
}

for (const part of document.querySelectorAll("[data-part]")) {
  if (!(part instanceof HTMLElement)) continue;
  const { part: url = "", on, only } = part.dataset;
  const refresh = oneAtATime(async () => replaceContent(part, await fetchFragment(url)));
  onChanges((changes) => {
    const ids = changes === null ? null : on === "renders" ? changes.renders : changes.sessions;
    if (ids === null || (only ? ids.includes(only) : ids.length > 0)) refresh();
  });
}

// A button with `data-post` sends an empty object there; the feed tells what came of it.
document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-post]") : null;
  if (!(button instanceof HTMLButtonElement)) return;
  button.disabled = true;
  try {
    await sendJson(button.dataset.post ?? "", {});
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error));
    button.disabled = false;
  }
});
