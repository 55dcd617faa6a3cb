// The event feed of the server: changes, at most four times a second.

import { api, byId } from "./dom.js";

/**
 * The changes since the previous event.
 * @typedef {object} Changes
 * @property {{first: number, last: number} | null} journal ids of new journal entries
 * @property {string[]} sessions
 * @property {string[]} renders
 * @property {boolean} clock
 * @property {boolean} faults
 * @property {boolean} replies
 */

/** @type {Set<(changes: Changes | null) => void>} */
const listeners = new Set();
const FIRST_RETRY = 1000;
const LAST_RETRY = 8000;
let retry = FIRST_RETRY;
// The last event that the page knows; at first the one at which the server rendered it.
let known = document.body.dataset.since ?? "";

/**
 * Call a function with each change, or with null if everything may have changed: after a reset or
 * restore, or if the connection was lost for too long.
 * @param {(changes: Changes | null) => void} listener
 */
export function onChanges(listener) {
  listeners.add(listener);
}

/**
 * @param {Changes | null} changes
 * @param {string} id
 */
function tell(changes, id) {
  known = id;
  for (const listener of listeners) listener(changes);
}

/** @param {"connecting" | "live" | "lost"} state */
function showState(state) {
  const element = byId("feed-state", HTMLElement);
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  const text = element.querySelector(".feed-text");
  if (text) text.textContent = element.dataset[state] ?? "";
}

/** @type {EventSource | undefined} */
let source;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let again;

/** Connect, and connect again whenever the connection is lost, while the page is visible. */
export function connectFeed() {
  document.addEventListener("visibilitychange", connect);
  addEventListener("pagehide", disconnect);
  connect();
}

function disconnect() {
  source?.close();
  source = undefined;
  clearTimeout(again);
}

function connect() {
  disconnect();
  // A hidden page costs the server nothing, and keeps none of the few connections that a browser
  // makes to one server. When it is shown, it is told of all that has changed.
  if (document.hidden) return;
  source = new EventSource(`${api}/events?since=${known}`);
  source.addEventListener("open", () => {
    retry = FIRST_RETRY;
    showState("live");
  });
  source.addEventListener("changes", (event) => tell(JSON.parse(event.data), event.lastEventId));
  source.addEventListener("reset", (event) => tell(null, event.lastEventId));
  source.addEventListener("error", () => {
    showState("lost");
    if (source?.readyState !== EventSource.CLOSED) return;
    retry = Math.min(retry * 2, LAST_RETRY);
    again = setTimeout(connect, retry);
  });
}
