// What `nemolocal exec` has Node load before a program: its `fetch` asks no proxy before Node 22.21
// and 24.5, and so is led to the local server here. Later ones go through the proxy by themselves.
"use strict";

if (!process.allowedNodeEnvironmentFlags.has("--use-env-proxy") && globalThis.fetch) {
  const { host, url, allowed } = JSON.parse(process.env.NEMOLOCAL_EXEC);
  const reach = globalThis.fetch;
  const near = new Set(["localhost", "127.0.0.1", "[::1]", ...allowed]);

  globalThis.fetch = async function fetch(input, init) {
    const given = input instanceof Request;
    const asked = new URL(given ? input.url : input);
    if (asked.hostname === host) {
      const local = new URL(asked.pathname + asked.search, url);
      return reach(given ? new Request(local, input) : local, init);
    }
    if (/^https?:$/.test(asked.protocol) && !near.has(asked.hostname)) {
      const way = `allow it with --allow-host ${asked.hostname}`;
      throw new TypeError(
        `nemolocal exec refused ${asked.host}: only ${host} is served here; ${way}`,
      );
    }
    return reach(input, init);
  };
}
