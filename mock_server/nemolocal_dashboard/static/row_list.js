// The rows of the journal as a virtual list, in which only those near the viewport exist: pages of
// older entries, and above them the head with the entries that came since. The server sorts and
// filters. `until` is the newest entry of the pages: as long as it stays the same, the pages stay the
// same, even if entries are added. So a new entry costs a row, and not the list.

import { byId, fetchFragment, notify, parseFragment } from "./dom.js";

const viewport = byId("viewport", HTMLElement);
const rows = byId("rows", HTMLElement);
const pageSize = Number(rows.dataset.pageSize);
const HEAD = -1;

/** @typedef {Record<string, string | number>} Query */

export class RowList {
  #until = Number(rows.dataset.until);
  #newest = this.#until;
  // Entries of all pages, whether they exist or not.
  #paged = Number(rows.dataset.total);
  /** @type {HTMLElement | null} */
  #head = null;
  /** @type {Map<number, HTMLElement>} */
  #pages = new Map();
  /** @type {Map<number, AbortController>} */
  #loading = new Map();
  /** @type {(query: Query) => string} */
  #urlOf;
  /** @type {() => void} */
  #onChange;
  // Kept here, since reading them after a change of rows makes the browser lay out twice.
  #rowHeight = 0;
  #scrollTop = 0;
  #viewHeight = 0;

  /**
   * @param {(query: Query) => string} urlOf returns the URL of a page of rows
   * @param {() => void} onChange is called when rows were added, replaced or removed
   */
  constructor(urlOf, onChange) {
    this.#urlOf = urlOf;
    this.#onChange = onChange;
    for (const page of rows.querySelectorAll(".rows-page")) {
      if (page instanceof HTMLElement) this.#place(page);
    }
    this.measure();
  }

  /** The number of entries that match the filters. */
  get total() {
    return this.#paged + this.#headCount;
  }

  /** The newest entry that is listed. */
  get newest() {
    return this.#newest;
  }

  get isAtTop() {
    return this.#scrollTop < this.#rowHeight;
  }

  get #headCount() {
    return this.#head?.childElementCount ?? 0;
  }

  /** Read the size of the viewport and of a row, and lay the list out. */
  measure() {
    this.#rowHeight = Number.parseFloat(getComputedStyle(rows).getPropertyValue("--row-height"));
    this.#scrollTop = viewport.scrollTop;
    this.#viewHeight = viewport.clientHeight;
    this.#arrange();
  }

  /** @param {number} top the distance from the top in pixels */
  scrollTo(top) {
    viewport.scrollTop = top;
    this.readScroll();
  }

  /** Show what is in view after the viewport was scrolled. */
  readScroll() {
    this.#scrollTop = viewport.scrollTop;
    this.#load();
  }

  /**
   * Scroll no more than is needed to show a row.
   * @param {Element} row
   */
  scrollIntoView(row) {
    const top = (Number(row.getAttribute("aria-rowindex")) - 2) * this.#rowHeight;
    const over = top + this.#rowHeight - this.#scrollTop - this.#viewHeight;
    if (top < this.#scrollTop) this.scrollTo(top);
    else if (over > 0) this.scrollTo(this.#scrollTop + over);
  }

  /** Show the list from its newest entry on. Visible pages stay until the new ones have loaded. */
  async restart() {
    for (const abort of this.#loading.values()) abort.abort();
    this.#loading.clear();
    const page = await this.#fetchAs(0, { page: 0 });
    if (page) this.#begin(page);
  }

  /**
   * Add the entries that came since, and renew the rows of turns of these sessions.
   * @param {Set<string>} sessions
   * @returns {Promise<boolean>} whether they are so many that the list begins anew
   */
  async follow(sessions) {
    const head = await this.#fetchAs(HEAD, { since: this.#until });
    // Who has scrolled meanwhile reads older entries, which stay where they are.
    if (!head || !this.isAtTop) return false;
    if (head.dataset.page !== "head") {
      this.#begin(head);
      return true;
    }
    if (this.#oldestShown < Number(head.dataset.oldest)) {
      await this.restart();
      return false;
    }
    this.#newest = Number(head.dataset.until);
    if (head.dataset.total) this.#paged = Number(head.dataset.total) - head.childElementCount;
    if (this.#head) mergeRows(this.#head, head);
    else rows.prepend((this.#head = head));
    this.#splitHead();
    this.#arrange();
    for (const [number, page] of this.#pages) if (hasTurnOf(page, sessions)) void this.#loadPage(number);
    return false;
  }

  /**
   * @param {Set<string>} sessions
   * @returns {boolean} whether there are rows of turns of these sessions
   */
  showsTurnOf(sessions) {
    return hasTurnOf(rows, sessions);
  }

  /** @param {HTMLElement} first the first page of a list */
  #begin(first) {
    this.#until = this.#newest = Number(first.dataset.until);
    this.#paged = Number(first.dataset.total);
    this.#head?.remove();
    this.#head = null;
    this.#place(first);
    this.#arrange();
    for (const number of this.#pages.keys()) if (number !== 0) void this.#loadPage(number);
  }

  /** Make a page of the oldest rows of the head when they are enough for one. */
  #splitHead() {
    while (this.#head && this.#headCount >= pageSize) {
      // The other rows move, since they are fewer.
      const page = this.#head;
      const rest = [...page.children].slice(0, -pageSize);
      this.#head = document.createElement("div");
      this.#head.className = page.className;
      this.#head.setAttribute("role", "presentation");
      this.#head.append(...rest);
      rows.prepend(this.#head);
      this.#pages = new Map([...this.#pages].map(([number, older]) => [number + 1, older]));
      this.#pages.set(0, page);
      this.#paged += pageSize;
      this.#until = idOf(page.firstElementChild);
      this.#loadAgain();
    }
  }

  /** Load again, under their new numbers, the pages that are being loaded. */
  #loadAgain() {
    const numbers = [...this.#loading.keys()].filter((number) => number !== HEAD);
    for (const number of numbers) {
      this.#loading.get(number)?.abort();
      this.#loading.delete(number);
    }
    for (const number of numbers) void this.#loadPage(number + 1);
  }

  /** Put everything in its place, number the rows, and load what is missing. */
  #arrange() {
    rows.style.height = `${this.total * this.#rowHeight}px`;
    const head = this.#headCount;
    if (this.#head) numberRows(this.#head, 0);
    for (const [number, page] of this.#pages) {
      const before = head + number * pageSize;
      page.style.transform = `translateY(${before * this.#rowHeight}px)`;
      numberRows(page, before);
    }
    this.#onChange();
    this.#load();
  }

  /** Load pages that are missing near the view, and remove those far away. */
  #load() {
    const pageHeight = pageSize * this.#rowHeight;
    const start = this.#scrollTop - this.#headCount * this.#rowHeight;
    const end = start + this.#viewHeight;
    const last = Math.max(Math.ceil(this.#paged / pageSize) - 1, 0);
    const first = Math.max(Math.floor(start / pageHeight - 0.5), 0);
    const final = Math.min(Math.max(Math.floor(end / pageHeight + 0.5), 0), last);
    for (const [number, page] of this.#pages) {
      if (number >= first && number <= final) continue;
      page.remove();
      this.#pages.delete(number);
    }
    for (let number = first; number <= final; number++) {
      if (!this.#pages.has(number) && !this.#loading.has(number)) void this.#loadPage(number);
    }
  }

  /** @param {number} number */
  async #loadPage(number) {
    try {
      const page = await this.#fetchAs(number, { page: number, until: this.#until });
      if (!page) return;
      this.#place(page);
      this.#paged = Number(page.dataset.total);
      this.#arrange();
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {HTMLElement} page */
  #place(page) {
    const number = Number(page.dataset.page);
    const shown = this.#pages.get(number);
    if (shown) return mergeRows(shown, page);
    const after = [...this.#pages.keys()].filter((other) => other > number);
    rows.insertBefore(page, this.#pages.get(Math.min(...after)) ?? null);
    this.#pages.set(number, page);
  }

  /**
   * Fetch rows; a later call with the same key takes the place of this one.
   * @param {number} key the number of the page, or HEAD
   * @param {Query} query
   * @returns {Promise<HTMLElement | null>} null if they are no longer wanted
   */
  async #fetchAs(key, query) {
    this.#loading.get(key)?.abort();
    const abort = new AbortController();
    this.#loading.set(key, abort);
    try {
      const html = await fetchFragment(this.#urlOf(query), abort.signal);
      const page = parseFragment(html).querySelector(".rows-page");
      return page instanceof HTMLElement && !abort.signal.aborted ? page : null;
    } catch (error) {
      if (abort.signal.aborted) return null;
      throw error;
    } finally {
      if (this.#loading.get(key) === abort) this.#loading.delete(key);
    }
  }

  get #oldestShown() {
    return idOf(rows.lastElementChild?.lastElementChild);
  }
}

/**
 * @param {Element | null | undefined} row
 * @returns {number} the id of its entry; that of no row is later than any
 */
function idOf(row) {
  return row instanceof HTMLElement ? Number(row.dataset.id) : Infinity;
}

/**
 * @param {HTMLElement} element
 * @param {Set<string>} sessions
 * @returns {boolean}
 */
function hasTurnOf(element, sessions) {
  if (!sessions.size) return false;
  return [...element.querySelectorAll("[data-session]")].some(
    (row) => row instanceof HTMLElement && sessions.has(row.dataset.session ?? ""),
  );
}

/**
 * @param {HTMLElement} page
 * @param {number} before the number of rows above it
 */
function numberRows(page, before) {
  // The first row of the table has the names of the columns.
  let number = before + 2;
  for (const row of page.children) {
    const text = String(number++);
    if (row.getAttribute("aria-rowindex") !== text) row.setAttribute("aria-rowindex", text);
  }
}

/**
 * Give a page the rows of another one. Those that both have stay, with focus and selection.
 * @param {HTMLElement} page
 * @param {HTMLElement} fresh
 */
function mergeRows(page, fresh) {
  const shown = new Map([...page.children].map((row) => [idOf(row), row]));
  let next = page.firstElementChild;
  for (const row of [...fresh.children]) {
    const same = shown.get(idOf(row));
    if (same) mergeRow(same, row);
    if (same && same === next) next = next.nextElementSibling;
    else page.insertBefore(same ?? row, next);
  }
  while (next) {
    const after = next.nextElementSibling;
    next.remove();
    next = after;
  }
}

/**
 * @param {Element} row
 * @param {Element} fresh
 */
function mergeRow(row, fresh) {
  const isCurrent = row.classList.contains("current");
  if (row.className !== fresh.className + (isCurrent ? " current" : "")) row.className = fresh.className;
  for (const [at, cell] of [...fresh.children].entries()) {
    const shown = row.children[at];
    if (shown && !shown.isEqualNode(cell)) shown.replaceWith(cell);
  }
}
