// Exchanges the control token for a cookie.

import { byId, sendJson, ui } from "./dom.js";

const form = byId("sign-in", HTMLFormElement);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = byId("token", HTMLInputElement).value;
  try {
    await sendJson(`${ui}/sign-in`, { token });
    const next = new URLSearchParams(location.search).get("next") ?? "";
    // The path without the prefix of a proxy, as the server knows it.
    const path = next.slice(next.indexOf("/ui/") + 3);
    location.assign(next.includes("/__nemolocal__/ui/") ? `${ui}${path}` : ui);
  } catch {
    byId("sign-in-error", HTMLElement).textContent = form.dataset.wrong ?? "";
  }
});
