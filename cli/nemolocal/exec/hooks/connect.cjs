// What `nemolocal exec` has Node load before a program, where it cannot seal it: every connection
// of Node's (fetch, node:http, node:https, http2, WebSockets) is made by a socket of node:net. One
// to the cloud is led to the local server, one to any other host is refused, unless all are allowed
// ("*", for `nemolocal record`).
"use strict";

const net = require("node:net");

const { host, port, allowed, also = [] } = JSON.parse(process.env.NEMOLOCAL_EXEC || "{}");
const connect = net.Socket.prototype.connect;
const near = /^(localhost|127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+|0\.0\.0\.0|::)$/i;

function read(given) {
  if (Array.isArray(given[0])) return given[0];
  const last = given[given.length - 1];
  const callback = typeof last === "function" ? last : null;
  if (typeof given[0] === "object" && given[0] !== null) return [given[0], callback];
  if (typeof given[0] === "string" && Number.isNaN(Number(given[0]))) {
    return [{ path: given[0] }, callback];
  }
  const named = typeof given[1] === "string" ? { host: given[1] } : {};
  return [{ port: given[0], ...named }, callback];
}

net.Socket.prototype.connect = function (...given) {
  const [asked, callback] = read(given);
  const name = String(asked.host || "localhost").toLowerCase().replace(/\.$/, "");
  const more = typeof callback === "function" ? [callback] : [];
  if (!host || asked.path) return connect.apply(this, given);
  if ((name === host || also.includes(name)) && Number(asked.port) === 443) {
    const { lookup, family, ...rest } = asked;
    return connect.call(this, { ...rest, host: "127.0.0.1", port }, ...more);
  }
  if (near.test(name) || allowed.includes("*") || allowed.includes(`${name}:${asked.port}`)) {
    return connect.apply(this, given);
  }
  const way = `allow it with --allow-host ${name}:${asked.port}`;
  const message = `nemolocal exec refused ${name}:${asked.port}: only ${host} is served here; ${way}`;
  process.nextTick(() => this.destroy(new Error(message)));
  return this;
};
