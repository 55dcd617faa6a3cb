// Parts of a page that are fetched again when their data has changed. A part is an element with
// `data-part` (its URL), `data-on` (the kind of change) and optionally `data-only` (an id).

import { fetchFragment, notify, oneAtATime, parseFragment, sendJson, withRests } from "./dom.js";
import { onChanges } from "./feed.js";

const FOCUSABLE = "a, button, summary";

/**
 * Replace the content of an element, and keep its open details open.
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
  const at = [...element.querySelectorAll(FOCUSABLE)].findIndex((each) => each === document.activeElement);
  element.replaceChildren(fresh);
  // The focused element is gone: focus its replacement.
  const all = element.querySelectorAll(FOCUSABLE);
  const next = at < 0 ? null : all[Math.min(at, all.length - 1)];
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
}

/** @type {Map<Element, () => void>} */
const parts = new Map();

for (const part of document.querySelectorAll("[data-part]")) {
  if (!(part instanceof HTMLElement)) continue;
  const { part: url = "", on = "", only, every } = part.dataset;
  const refresh = oneAtATime(async () => replaceContent(part, await fetchFragment(url)));
  parts.set(part, refresh);
  const refreshSoon = withRests(refresh);
  // The interval in milliseconds for parts that change by themselves, while the page is visible.
  if (every) setInterval(() => document.hidden || refresh(), Number(every));
  onChanges((changes) => {
    if (changes === null || on.split(" ").some((kind) => concerns(changes, kind, only))) refreshSoon();
  });
}

/**
 * @param {import("./feed.js").Changes} changes
 * @param {string} kind
 * @param {string | undefined} only
 * @returns {boolean}
 */
function concerns(changes, kind, only) {
  const change = Object.entries(changes).find(([name]) => name === kind)?.[1];
  return Array.isArray(change) ? (only ? change.includes(only) : change.length > 0) : Boolean(change);
}

// A button with `data-post` sends its `data-body` there. The part of the page that contains it is
// then fetched again, since the feed does not report every change.
document.addEventListener("click", async (event) => {
  if (!(event.target instanceof Element)) return;
  const again = event.target.closest("[data-refresh]");
  if (again instanceof HTMLElement) {
    parts.get(document.getElementById(again.dataset.refresh ?? "") ?? again)?.();
  }
  const button = event.target.closest("[data-post]");
  if (!(button instanceof HTMLButtonElement)) return;
  const { post = "", body = "{}", method, done } = button.dataset;
  button.disabled = true;
  try {
    await sendJson(post, JSON.parse(body), method === "DELETE" ? "DELETE" : "POST");
    if (done) notify(done);
    const part = button.closest("[data-part]");
    if (part) parts.get(part)?.();
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error));
  }
  button.disabled = false;
});

// A form that is submitted when a choice changes.
document.addEventListener("change", (event) => {
  const form = event.target instanceof Element ? event.target.closest("form[data-auto]") : null;
  if (form instanceof HTMLFormElement) form.requestSubmit();
});
