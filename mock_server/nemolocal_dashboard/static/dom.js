// Helpers for the page and its server. Text from clients never becomes markup: the only HTML that
// is inserted comes from this server's templates.

/** The path of the dashboard and that of the control API. */
export const ui = document.body.dataset.ui ?? "";
export const api = document.body.dataset.api ?? "";

/**
 * Return the element with this id.
 * @template {Element} T
 * @param {string} id
 * @param {{new(): T}} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`no ${kind.name} #${id}`);
  return element;
}

/**
 * Return the HTML of a part of a page; reload the page if the user is no longer signed in.
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<string>}
 */
export async function fetchFragment(url, signal) {
  const response = await fetch(url, { signal });
  if (response.redirected) location.reload();
  if (!response.ok) throw new Error(await errorMessage(response));
  return response.text();
}

/**
 * Return the elements of HTML that this server rendered.
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function parseFragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/**
 * Send JSON; a failure throws the message of the server.
 * @param {string} url
 * @param {unknown} body
 * @param {"POST" | "DELETE"} [method]
 * @returns {Promise<Response>}
 */
export async function sendJson(url, body, method = "POST") {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await errorMessage(response));
  return response;
}

/**
 * Run a task on demand, never twice at once: requests during a run cause one more run.
 * @param {() => Promise<void>} task
 * @returns {() => Promise<void>}
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
 * Run a task when something has changed on the server, and rest after it nine times as long as it
 * took, so that a page takes no more than a tenth of a busy server.
 * @param {() => Promise<void>} task
 * @param {() => number} [leastRest] milliseconds
 * @returns {() => void}
 */
export function withRests(task, leastRest = () => 0) {
  return oneAtATime(async () => {
    const began = performance.now();
    await task();
    const rest = Math.min(9 * (performance.now() - began), LONGEST_REST);
    await new Promise((resolve) => setTimeout(resolve, Math.max(rest, leastRest())));
  });
}
const LONGEST_REST = 5000;

/**
 * @param {Response} response
 * @returns {Promise<string>}
 */
async function errorMessage(response) {
  const text = await response.text();
  try {
    return String(JSON.parse(text).message ?? response.statusText);
  } catch {
    return response.statusText || String(response.status);
  }
}

/**
 * Show a short message for a few seconds; screen readers read it.
 * @param {string} text
 */
export function notify(text) {
  const notice = byId("notice", HTMLElement);
  notice.textContent = text;
  notice.classList.add("shown");
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => notice.classList.remove("shown"), 4000);
}
/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticeTimer;
