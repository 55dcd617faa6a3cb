// The journal: a virtual list in which only the pages of rows near the viewport exist. The server
// sorts and filters; this script places the pages. `until` is the newest entry of the list: as long
// as it stays the same, the pages stay the same, even if entries are added or deleted.

import { byId, fetchFragment, notify, parseFragment, sendJson, ui } from "./dom.js";
import { onChanges } from "./feed.js";
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
const pageSize = Number(rows.dataset.pageSize);
let until = Number(rows.dataset.until);
let total = Number(rows.dataset.total);
let openId = new URLSearchParams(location.search).get("open") ?? "";
let currentId = openId;
let isPaused = false;
/** @type {Map<number, HTMLElement>} */
const pages = new Map();
/** @type {Map<number, AbortController>} */
const loading = new Map();

/** @returns {number} */
function rowHeight() {
  return Number.parseFloat(getComputedStyle(journal).getPropertyValue("--row-height"));
}

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

// Pages of rows

/** Show what belongs in the view: ask for pages that are missing, remove those far away. */
function layOut() {
  const height = rowHeight();
  rows.style.height = `${total * height}px`;
  const pageHeight = pageSize * height;
  const last = Math.max(Math.ceil(total / pageSize) - 1, 0);
  const top = Math.floor((viewport.scrollTop - pageHeight / 2) / pageHeight);
  const bottom = Math.floor((viewport.scrollTop + viewport.clientHeight + pageHeight / 2) / pageHeight);
  const wanted = { first: Math.max(top, 0), last: Math.min(Math.max(bottom, 0), last) };
  for (const [number, page] of pages) {
    if (number < wanted.first || number > wanted.last) {
      page.remove();
      pages.delete(number);
    }
  }
  for (let number = wanted.first; number <= wanted.last; number++) {
    if (!pages.has(number) && !loading.has(number)) void loadPage(number);
  }
}

/** @param {number} number */
async function loadPage(number) {
  const abort = new AbortController();
  loading.set(number, abort);
  try {
    const html = await fetchFragment(urlOf("/rows", { page: number, until }), abort.signal);
    if (!abort.signal.aborted) addPage(html);
  } catch (error) {
    if (!abort.signal.aborted) notify(error instanceof Error ? error.message : String(error));
  } finally {
    if (loading.get(number) === abort) loading.delete(number);
  }
}

/** @param {string} html */
function addPage(html) {
  const page = parseFragment(html).querySelector(".rows-page");
  if (page instanceof HTMLElement) placePage(page);
}

/** @param {HTMLElement} page */
function placePage(page) {
  const number = Number(page.dataset.page);
  page.style.transform = `translateY(${number * pageSize * rowHeight()}px)`;
  pages.get(number)?.remove();
  pages.set(number, page);
  if (page.parentElement !== rows) rows.append(page);
  markCurrent();
}

function forgetPages() {
  for (const abort of loading.values()) abort.abort();
  loading.clear();
}

/**
 * Show a list that starts at a newer entry. Visible pages stay until the new ones have loaded.
 * @param {{toTop?: boolean}} [options]
 */
async function refresh({ toTop = false } = {}) {
  forgetPages();
  const abort = new AbortController();
  loading.set(0, abort);
  const html = await fetchFragment(urlOf("/rows", { page: 0 }), abort.signal).catch(() => "");
  if (loading.get(0) === abort) loading.delete(0);
  if (abort.signal.aborted) return;
  if (!html) {
    setTimeout(follow, RETRY);
    return;
  }
  const page = parseFragment(html).querySelector(".rows-page");
  if (!(page instanceof HTMLElement)) return;
  until = Number(page.dataset.until);
  total = Number(page.dataset.total);
  if (toTop) viewport.scrollTop = 0;
  const hadFocus = rows.contains(document.activeElement);
  placePage(page);
  layOut();
  for (const number of pages.keys()) if (number !== 0 && !loading.has(number)) void loadPage(number);
  showTotal();
  if (hadFocus) focusCurrent();
}

function showTotal() {
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

let isBusy = false;
let isDue = false;

/** Follow the newest entries, or say how many there are where somebody reads older ones. */
async function follow() {
  isDue = true;
  if (isBusy) return;
  isBusy = true;
  try {
    while (isDue) {
      isDue = false;
      if (!isPaused && viewport.scrollTop < rowHeight()) await refresh();
      else await countNew();
    }
  } finally {
    isBusy = false;
  }
}

async function countNew() {
  const answer = await fetch(urlOf("/count", { since: until })).catch(() => null);
  if (!answer?.ok) return;
  const { new: count, newest } = await answer.json();
  if (newest < until) return refresh({ toTop: true });
  newEntries.hidden = count === 0;
  newEntries.textContent = (newEntries.dataset.text ?? "").replace("{count}", count.toLocaleString());
}

onChanges((changes) => {
  if (changes === null) void refresh();
  else if (changes.journal || changes.sessions.length) void follow();
});

newEntries.addEventListener("click", () => void refresh({ toTop: true }));
pauseButton.addEventListener("click", () => {
  isPaused = !isPaused;
  pauseButton.setAttribute("aria-pressed", String(isPaused));
  if (!isPaused) void follow();
});

let isScrolling = false;
viewport.addEventListener("scroll", () => {
  if (isScrolling) return;
  isScrolling = true;
  requestAnimationFrame(() => {
    isScrolling = false;
    layOut();
    if (viewport.scrollTop < rowHeight() && !newEntries.hidden) void follow();
  });
});
addEventListener("resize", () => {
  for (const page of pages.values()) placePage(page);
  layOut();
});

// Filters

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
function applyFilters() {
  clearTimeout(typing);
  for (const link of document.querySelectorAll("#export-menu a")) {
    if (link instanceof HTMLAnchorElement) link.href = urlOf("/export", { format: link.dataset.format ?? "" });
  }
  history.replaceState(null, "", urlOf("", openId ? { open: openId } : {}));
  void refresh({ toTop: true });
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
  layOut();
}

/** @param {{push?: boolean}} [options] */
function closeEntry({ push = true } = {}) {
  if (detail.hidden) return;
  detail.hidden = true;
  detail.replaceChildren();
  journal.classList.remove("has-detail");
  openId = "";
  if (push) history.pushState(null, "", urlOf(""));
  layOut();
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
  const all = [...rows.querySelectorAll(".row")].filter((row) => row instanceof HTMLElement);
  all.sort((a, b) => Number(a.getAttribute("aria-rowindex")) - Number(b.getAttribute("aria-rowindex")));
  const here = all.findIndex((row) => row.classList.contains("current"));
  const next = all[here < 0 ? 0 : here + step];
  if (!(next instanceof HTMLElement)) return;
  currentId = next.dataset.id ?? "";
  markCurrent();
  const top = (Number(next.getAttribute("aria-rowindex")) - 2) * rowHeight();
  if (top < viewport.scrollTop) viewport.scrollTop = top;
  const over = top + rowHeight() - viewport.scrollTop - viewport.clientHeight;
  if (over > 0) viewport.scrollTop += over;
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
for (const page of rows.querySelectorAll(".rows-page")) {
  if (page instanceof HTMLElement) placePage(page);
}
layOut();
