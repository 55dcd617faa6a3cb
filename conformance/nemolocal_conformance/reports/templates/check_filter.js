// The filter of a conformance report: checks with all words of the search and a chosen outcome.

const search = document.getElementById("search");
const boxes = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-outcome][type=checkbox]")]);
const checks = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll("details.check")]);

function filter() {
  const typed = search instanceof HTMLInputElement ? search.value : "";
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.dataset.outcome));
  for (const check of checks) {
    const text = (check.textContent ?? "").toLowerCase();
    check.hidden = !shown.has(check.dataset.outcome) || !words.every((word) => text.includes(word));
  }
}

search?.addEventListener("input", filter);
boxes.forEach((box) => box.addEventListener("change", filter));
