// The journal: the list, its filters, and the open entry beside it.

import { byId, fetchFragment, notify, oneAtATime, parseFragment, sendJson, ui, withRests } from "./dom.js";
import { onChanges } from "./feed.js";
import { RowList } from "./row_list.js";
import { onKey } from "./shell.js";

const journal = byId("journal", HTMLElement);
const viewport = byId("viewport", HTMLElement);
const rows = byId("rows", HTMLElement);
const form = byId("filters", HTMLFormElement);
const detail = byId("detail", HTMLElement);
const pauseButton = byId("pause", HTMLButtonElement);
const newEntries = byId("new-entries", HTMLButtonElement);

// Milliseconds until a failed fetch of the list is retried.
const RETRY = 2000;
// Milliseconds between two updates where entries come faster than one reads.
const FLOOD = 1000;
let openId = new URLSearchParams(location.search).get("open") ?? "";
let currentId = openId;
let isPaused = false;

/** @returns {URLSearchParams} the filters that are set */
function filters() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value.trim()) query.set(name, value.trim());
  }
  return query;
}

/**
 * @param {string} path below the page
 * @param {Record<string, string | number>} [more]
 * @returns {string}
 */
function urlOf(path, more = {}) {
  const query = filters();
  for (const [name, value] of Object.entries(more)) query.set(name, String(value));
  const text = query.toString();
  return `${ui}/journal${path}${text ? `?${text}` : ""}`;
}

const list = new RowList((query) => urlOf("/rows", query), markCurrent);

function showTotal() {
  const { total } = list;
  const count = byId("count", HTMLElement);
  const text = total === 1 ? count.dataset.one : count.dataset.many;
  count.textContent = (text ?? "").replace("{count}", total.toLocaleString());
  const isFiltered = filters().size > 0;
  byId("table", HTMLElement).hidden = total === 0;
  byId("table", HTMLElement).setAttribute("aria-rowcount", String(total + 1));
  byId("no-entries", HTMLElement).hidden = total > 0 || isFiltered;
  byId("no-match", HTMLElement).hidden = total > 0 || !isFiltered;
  byId("clear-filters", HTMLElement).hidden = !isFiltered;
  newEntries.hidden = true;
}

// New entries

/** @type {Set<string>} */
let changedSessions = new Set();
let mustRestart = false;
let isFlood = false;

/** Show the newest entries, or say how many there are where somebody reads older ones. */
const update = oneAtATime(async () => {
  const sessions = changedSessions;
  changedSessions = new Set();
  isFlood = false;
  if (!mustRestart && (isPaused || !list.isAtTop)) {
    if (await countNew()) return;
    list.scrollTo(0);
    mustRestart = true;
  }
  const isRestart = mustRestart;
  mustRestart = false;
  const hadFocus = rows.contains(document.activeElement);
  try {
    if (isRestart) await list.restart();
    else isFlood = await list.follow(sessions);
  } catch {
    // The feed says that the server cannot be reached.
    mustRestart = true;
    setTimeout(update, RETRY);
    return;
  }
  showTotal();
  if (hadFocus && !rows.contains(document.activeElement)) focusCurrent();
  // Somebody who has scrolled meanwhile is told of what is new.
  if (!list.isAtTop) update();
});

const updateSoon = withRests(update, () => (isFlood ? FLOOD : 0));

/** @returns {Promise<boolean>} false if the entries that are listed are gone */
async function countNew() {
  const answer = await fetch(urlOf("/count", { since: list.newest })).catch(() => null);
  if (!answer?.ok) return true;
  const { new: count, newest } = await answer.json();
  newEntries.hidden = count === 0;
  newEntries.textContent = (newEntries.dataset.text ?? "").replace("{count}", count.toLocaleString());
  return newest >= list.newest;
}

/** Show the list from its beginning. */
function restart() {
  list.scrollTo(0);
  mustRestart = true;
  update();
}

onChanges((changes) => {
  if (changes === null) mustRestart = true;
  else {
    for (const session of changes.sessions) changedSessions.add(session);
    if (!changes.journal && !list.showsTurnOf(changedSessions)) return;
  }
  updateSoon();
});

newEntries.addEventListener("click", restart);
pauseButton.addEventListener("click", () => {
  isPaused = !isPaused;
  pauseButton.setAttribute("aria-pressed", String(isPaused));
  if (!isPaused) update();
});

let isScrolling = false;
viewport.addEventListener("scroll", () => {
  if (isScrolling) return;
  isScrolling = true;
  requestAnimationFrame(() => {
    isScrolling = false;
    list.readScroll();
    if (list.isAtTop && !newEntries.hidden) update();
  });
});
new ResizeObserver(() => list.measure()).observe(viewport);

// Filters

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
function applyFilters() {
  clearTimeout(typing);
  for (const link of document.querySelectorAll("#export-menu a")) {
    if (link instanceof HTMLAnchorElement) link.href = urlOf("/export", { format: link.dataset.format ?? "" });
  }
  history.replaceState(null, "", urlOf("", openId ? { open: openId } : {}));
  restart();
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  applyFilters();
});
form.addEventListener("change", applyFilters);
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(applyFilters, 250);
});

// The open entry

function markCurrent() {
  for (const row of rows.querySelectorAll(".row")) {
    const isCurrent = row instanceof HTMLElement && row.dataset.id === currentId;
    row.classList.toggle("current", isCurrent);
    if (isCurrent) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

/**
 * @param {string} id
 * @param {{push?: boolean}} [options]
 */
async function openEntry(id, { push = true } = {}) {
  currentId = openId = id;
  markCurrent();
  try {
    const html = await fetchFragment(`${ui}/journal/entries/${id}`);
    if (openId !== id) return;
    detail.replaceChildren(parseFragment(html));
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error));
    return;
  }
  const wasOpen = !detail.hidden;
  detail.hidden = false;
  journal.classList.add("has-detail");
  detail.scrollTop = 0;
  if (push) history[wasOpen ? "replaceState" : "pushState"](null, "", urlOf("", { open: id }));
}

/** @param {{push?: boolean}} [options] */
function closeEntry({ push = true } = {}) {
  if (detail.hidden) return;
  detail.hidden = true;
  detail.replaceChildren();
  journal.classList.remove("has-detail");
  openId = "";
  if (push) history.pushState(null, "", urlOf(""));
  focusCurrent();
}

function focusCurrent() {
  const link = rows.querySelector(".row.current a");
  if (link instanceof HTMLElement) link.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target.closest("[data-close]")) {
    event.preventDefault();
    closeEntry();
  }
  const row = event.target.closest(".rows-page .row");
  if (row instanceof HTMLElement && row.dataset.id) {
    event.preventDefault();
    void openEntry(row.dataset.id);
  }
  const menu = byId("export-menu", HTMLDetailsElement);
  if (menu.open && !menu.contains(event.target)) menu.open = false;
});
detail.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("#replay") : null;
  if (!(button instanceof HTMLButtonElement)) return;
  button.disabled = true;
  try {
    await sendJson(button.dataset.url ?? "", {});
    notify(button.dataset.sent ?? "");
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error));
  }
  button.disabled = false;
});
addEventListener("popstate", () => {
  const id = new URLSearchParams(location.search).get("open");
  if (id) void openEntry(id, { push: false });
  else closeEntry({ push: false });
});

// Keys

/** @param {number} step */
function move(step) {
  const all = [...rows.querySelectorAll(".row")];
  const here = all.findIndex((row) => row.classList.contains("current"));
  const next = all[here < 0 ? 0 : here + step];
  if (!(next instanceof HTMLElement)) return;
  currentId = next.dataset.id ?? "";
  markCurrent();
  list.scrollIntoView(next);
  if (detail.hidden) focusCurrent();
  else void openEntry(currentId);
}

onKey("j", () => move(1));
onKey("k", () => move(-1));
onKey("/", (event) => {
  event.preventDefault();
  byId("text", HTMLInputElement).select();
});
onKey("Escape", () => closeEntry());
onKey("Enter", (event) => {
  if (event.target instanceof Element && event.target.closest("a, button, summary")) return;
  if (currentId) void openEntry(currentId);
});

byId("origin", HTMLElement).textContent = location.origin + ui.replace(/\/__nemolocal__\/ui$/, "");
