// One session: the slider over its versions, the zoom, and the playhead that follows the player.

import { byId, fetchFragment, oneAtATime, ui, withRests } from "./dom.js";
import { onChanges } from "./feed.js";
import { replaceContent } from "./live_part.js";
import { onKey } from "./shell.js";

const session = byId("session", HTMLElement).dataset.session ?? "";
const root = `${ui}/sessions/${session}`;
const video = byId("video", HTMLVideoElement);
const slider = byId("version", HTMLInputElement);
const zoomButtons = [...document.querySelectorAll("[data-zoom]")].filter(
  (button) => button instanceof HTMLButtonElement,
);
let zoom = Number(zoomButtons.find((button) => button.ariaPressed === "true")?.dataset.zoom ?? 1);

const firstQuery = `?version=${slider.value}&zoom=${zoom}`;

/** @typedef {[start: number, end: number, at: number, speed: number]} Span */

/** @returns {{scale: number, spans: Span[]}} */
function drawing() {
  const { scale = "0", spans = "[]" } = byId("timeline-box", HTMLElement).dataset;
  return { scale: Number(scale), spans: JSON.parse(spans) };
}

// --- The playhead ---

/**
 * Return the timeline position of a second of the played file; null if it is not on the timeline.
 * @param {Span[]} spans
 * @param {number} time
 */
function onTimeline(spans, time) {
  for (const [start, end, at, speed] of spans) {
    if (time >= start && time <= end) return at + (time - start) / speed;
  }
  return null;
}

/**
 * Return the second of the played file at a timeline position; null if the file is not there.
 * @param {Span[]} spans
 * @param {number} place
 */
function inFile(spans, place) {
  for (const [start, end, at, speed] of spans) {
    const time = start + (place - at) * speed;
    if (time >= start && time <= end) return time;
  }
  return null;
}

function movePlayhead() {
  const playhead = document.getElementById("playhead");
  if (!playhead) return;
  const { scale, spans } = drawing();
  const place = onTimeline(spans, video.currentTime);
  playhead.setAttribute("visibility", place === null ? "hidden" : "visible");
  if (place === null) return;
  playhead.setAttribute("transform", `translate(${place * scale} 0)`);
  if (!video.paused) keepInView(place * scale);
}

/** @param {number} x */
function keepInView(x) {
  const scroll = byId("timeline-scroll", HTMLElement);
  if (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth - 20) {
    scroll.scrollLeft = x - 40;
  }
}

function followPlayer() {
  movePlayhead();
  if (!video.paused && !video.ended) requestAnimationFrame(followPlayer);
}

for (const name of ["loadedmetadata", "seeking", "seeked", "timeupdate", "pause"]) {
  video.addEventListener(name, movePlayhead);
}
video.addEventListener("play", followPlayer);

const part = byId("timeline-part", HTMLElement);
part.addEventListener("pointerdown", seek);
part.addEventListener("pointermove", (event) => {
  if (event.buttons === 1) seek(event);
});

/** @param {PointerEvent} event */
function seek(event) {
  const timeline = document.getElementById("timeline");
  if (!timeline || !(event.target instanceof Node) || !timeline.contains(event.target)) return;
  const { scale, spans } = drawing();
  const time = inFile(spans, (event.clientX - timeline.getBoundingClientRect().left) / scale);
  if (time !== null && video.readyState > 0) video.currentTime = time;
}

// --- Versions and zoom ---

const drawTimeline = oneAtATime(async () => {
  const query = `?version=${slider.value}&zoom=${zoom}`;
  const scroll = document.getElementById("timeline-scroll")?.scrollLeft ?? 0;
  replaceContent(part, await fetchFragment(`${root}/timeline${query}&view=${viewWidth()}`));
  document.getElementById("timeline-scroll")?.scrollTo({ left: scroll });
  if (location.search || query !== firstQuery) history.replaceState(null, "", query);
  movePlayhead();
});

/** The pixels of the timeline that are in view, without the names of tracks and the end. */
function viewWidth() {
  const width = part.clientWidth - 104 - 16;
  return Math.min(Math.max(Math.round(width), 100), 8000);
}

/** @param {number} version */
function showVersion(version) {
  slider.value = String(version);
  byId("version-shown", HTMLOutputElement).value = `${slider.value} / ${slider.max}`;
  drawTimeline();
}

/** @param {number} level */
function showZoom(level) {
  zoom = level;
  for (const button of zoomButtons) button.ariaPressed = String(Number(button.dataset.zoom) === zoom);
  drawTimeline();
}

/** @param {number} steps */
function stepZoom(steps) {
  const at = zoomButtons.findIndex((button) => Number(button.dataset.zoom) === zoom) + steps;
  if (zoomButtons[at]) showZoom(Number(zoomButtons[at].dataset.zoom));
}

slider.addEventListener("input", () => showVersion(Number(slider.value)));
byId("version-back", HTMLButtonElement).addEventListener("click", () => showVersion(Number(slider.value) - 1));
byId("version-on", HTMLButtonElement).addEventListener("click", () => showVersion(Number(slider.value) + 1));
for (const button of zoomButtons) {
  button.addEventListener("click", () => showZoom(Number(button.dataset.zoom)));
}
onKey("k", () => showVersion(Number(slider.value) - 1));
onKey("j", () => showVersion(Number(slider.value) + 1));
onKey("+", () => stepZoom(1));
onKey("-", () => stepZoom(-1));

// --- Changes ---

const record = byId("record-part", HTMLElement);
record.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-version]") : null;
  if (!(link instanceof HTMLElement)) return;
  event.preventDefault();
  showVersion(Number(link.dataset.version));
});

function showLastTurn() {
  const chat = byId("chat", HTMLElement);
  chat.scrollTop = chat.scrollHeight;
}

const refresh = oneAtATime(async () => {
  const isNewest = slider.value === slider.max;
  const before = byId("chat", HTMLElement);
  const place = before.scrollTop;
  const isAtEnd = place + before.clientHeight >= before.scrollHeight - 8;
  replaceContent(record, await fetchFragment(`${root}/record`));
  byId("chat", HTMLElement).scrollTop = place;
  if (isAtEnd) showLastTurn();
  const { newest = "1", player = "" } = byId("record", HTMLElement).dataset;
  const isNewPlayer = player !== (video.getAttribute("src") ?? "");
  if (isNewPlayer) {
    video.hidden = !player;
    video.src = player;
    byId("player-caption", HTMLElement).replaceChildren(
      byId("new-caption", HTMLTemplateElement).content.cloneNode(true),
    );
  }
  const isLonger = slider.max !== newest;
  slider.max = newest;
  // A page that shows the newest version follows it; one that shows an older version stays.
  if (isLonger || isNewPlayer) showVersion(isNewest ? Number(newest) : Number(slider.value));
});

const refreshSoon = withRests(refresh);
onChanges((changes) => {
  if (changes === null) checkSession();
  else if (changes.sessions.includes(session)) refreshSoon();
});

/** After a reset the session may be gone: then the page says so. */
async function checkSession() {
  const response = await fetch(`${root}/record`);
  if (response.ok) refresh();
  else location.reload();
}

showLastTurn();
// The server does not know how wide the window is.
drawTimeline();
