"""Clients of many kinds, each a short program that asks the cloud for a balance over HTTPS."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from nemolocal_contract.endpoints import CLOUD_BASE_URL

HOST = CLOUD_BASE_URL.removeprefix("https://")
PATH = "/api/credits/balance/simple"
BALANCE = CLOUD_BASE_URL + PATH
# An address of the documentation, which nobody has (RFC 5737).
REAL_ADDRESS = "198.51.100.7"


class HttpsClient(msgspec.Struct, frozen=True):
    """A client by name: its words, and why it is not to be had here, if so.

    `answered` is False for one that is stopped even where it is sealed: it believes certificates of
    its own alone, or speaks another protocol than HTTP/1.1.
    """

    name: str
    words: tuple[str, ...]
    missing: str = ""
    answered: bool = True


def _program(name: str) -> str:
    return "" if shutil.which(name) else f"there is no {name}"


def _module(name: str) -> str:
    return "" if importlib.util.find_spec(name) else f"there is no {name} for Python"


def _curls(_: Path) -> Iterator[HttpsClient]:
    ways: dict[str, tuple[str, ...]] = {
        "curl": (),
        "curl --noproxy": ("--noproxy", "*"),
        "curl --proxy ''": ("--proxy", ""),
        "curl --resolve": ("--resolve", f"{HOST}:443:{REAL_ADDRESS}", "--noproxy", "*"),
        "curl --connect-to": ("--connect-to", f"::{REAL_ADDRESS}:443", "--noproxy", "*"),
        "curl --http1.1 -k": ("-k", "--http1.1", "--noproxy", "*"),
    }
    for name, options in ways.items():
        words = ("curl", "-sS", "-m", "60", *options, BALANCE)
        yield HttpsClient(name, words, _program("curl"))
    yield HttpsClient("curl, env -i", ("env", "-i", "curl", "-sS", BALANCE), _program("curl"))


def _wgets(_: Path) -> Iterator[HttpsClient]:
    for name, options in {"wget": (), "wget --no-proxy": ("--no-proxy",)}.items():
        words = ("wget", "-q", "-O", "-", "-t", "1", "-T", "60", *options, BALANCE)
        yield HttpsClient(name, words, _program("wget"))
    words = (
        "openssl",
        "s_client",
        "-quiet",
        "-connect",
        f"{REAL_ADDRESS}:443",
        "-servername",
        HOST,
    )
    asked = f"printf 'GET {PATH} HTTP/1.1\\r\\nHost: {HOST}\\r\\nConnection: close\\r\\n\\r\\n'"
    line = f"{asked} | {' '.join(words)}"
    yield HttpsClient("openssl s_client", ("bash", "-c", line), _program("openssl"))


_SOCKET = f"""\
import socket, ssl
s = socket.create_connection(({{!r}}, 443), 60)
s = ssl.create_default_context().wrap_socket(s, server_hostname={HOST!r})
s.sendall(b"GET {PATH} HTTP/1.0\\r\\nHost: {HOST}\\r\\n\\r\\n")
print(s.makefile("rb").read())"""
_PYTHONS = {
    "http.client": (
        "",
        f"import http.client as h\nc = h.HTTPSConnection('{HOST}', timeout=60)\n"
        f"c.request('GET', '{PATH}')\nprint(c.getresponse().read())",
    ),
    "urllib": ("", f"import urllib.request as u\nprint(u.urlopen('{BALANCE}', timeout=60).read())"),
    "urllib, no proxy": (
        "",
        "import urllib.request as u\no = u.build_opener(u.ProxyHandler({}))\n"
        f"print(o.open('{BALANCE}', timeout=60).read())",
    ),
    "socket and ssl": ("", _SOCKET.format(HOST)),
    "socket to an address": ("", _SOCKET.format(REAL_ADDRESS)),
    "asyncio": (
        "",
        "import asyncio\nasync def main():\n"
        f"    r, w = await asyncio.open_connection('{HOST}', 443, ssl=True)\n"
        f"    w.write(b'GET {PATH} HTTP/1.0\\r\\nHost: {HOST}\\r\\n\\r\\n')\n"
        "    print(await r.read())\nasyncio.run(main())",
    ),
    "requests": ("requests", f"import requests\nprint(requests.get('{BALANCE}', timeout=60).text)"),
    "httpx": ("httpx", f"import httpx\nprint(httpx.get('{BALANCE}', timeout=60).text)"),
    "httplib2": ("httplib2", f"import httplib2\nprint(httplib2.Http().request('{BALANCE}'))"),
    "urllib3": (
        "urllib3",
        f"import urllib3\nprint(urllib3.PoolManager().request('GET', '{BALANCE}').data)",
    ),
    "httpcore": (
        "httpcore",
        f"import httpcore\nprint(httpcore.request('GET', '{BALANCE}').content)",
    ),
}
_AIOHTTP = """\
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession(trust_env={}) as session:
        async with session.get({!r}) as reply:
            print(await reply.text())
asyncio.run(main())"""
# They believe the certificates of a package of theirs, whatever the environment says.
_UNBELIEVING = {
    "requests, trust_env off": (
        "requests",
        "import requests\ns = requests.Session()\ns.trust_env = False\n"
        f"print(s.get('{BALANCE}', timeout=60).text)",
    ),
    "httpx, trust_env off": (
        "httpx",
        f"import httpx\nprint(httpx.get('{BALANCE}', trust_env=False, timeout=60).text)",
    ),
    "websockets": (
        "websockets",
        f"from websockets.sync.client import connect\nconnect('wss://{HOST}{PATH}')",
    ),
}


def _pythons(_: Path) -> Iterator[HttpsClient]:
    for name, (module, script) in _PYTHONS.items():
        missing = _module(module) if module else ""
        yield HttpsClient(f"Python {name}", (sys.executable, "-c", script), missing)
    alone = (sys.executable, "-I", "-c", _PYTHONS["http.client"][1])
    yield HttpsClient("Python http.client, -I", alone)
    for trust in (False, True):
        script = _AIOHTTP.format(trust, BALANCE)
        name = f"Python aiohttp, trust_env={trust}"
        yield HttpsClient(name, (sys.executable, "-c", script), _module("aiohttp"))
    for name, (module, script) in _UNBELIEVING.items():
        words = (sys.executable, "-c", script)
        yield HttpsClient(f"Python {name}", words, _module(module), answered=False)


_NODES = {
    "fetch": f"fetch('{BALANCE}').then(r => r.text()).then(console.log)",
    "https": f"require('https').get('{BALANCE}', r => r.pipe(process.stdout))",
    "https, an agent": (
        "const https = require('https');"
        f"https.get('{BALANCE}', {{agent: new https.Agent()}}, r => r.pipe(process.stdout))"
    ),
    "tls": (
        f"const s = require('tls').connect(443, '{HOST}', {{servername: '{HOST}'}}, () => "
        f"s.write('GET {PATH} HTTP/1.0\\r\\nHost: {HOST}\\r\\n\\r\\n')); s.pipe(process.stdout)"
    ),
}
_NODE_HTTP2 = (
    f"const c = require('http2').connect('{CLOUD_BASE_URL}'); c.on('error', e => {{ throw e }});"
    f"c.request({{':path': '{PATH}'}}).on('data', d => console.log(String(d)))"
)
_NODE_OWN_WEBSOCKET = (
    f"new WebSocket('wss://{HOST}{PATH}').onerror = e => {{ throw new Error(e.message) }}"
)
_NODE_WEBSOCKET = f"const W = require('ws'); new W('wss://{HOST}{PATH}')"


def _nodes(_: Path) -> Iterator[HttpsClient]:
    missing = _program("node")
    for name, script in _NODES.items():
        yield HttpsClient(f"Node {name}", ("node", "-e", script), missing)
    words = ("node", "-e", _NODE_HTTP2)
    yield HttpsClient("Node http2", words, missing, answered=False)
    for name, script, wants in (
        ("ws", _NODE_WEBSOCKET, "require('ws')"),
        ("WebSocket", _NODE_OWN_WEBSOCKET, "if (!globalThis.WebSocket) process.exit(1)"),
    ):
        found = missing or _refused(("node", "-e", wants))
        yield HttpsClient(f"Node {name}", ("node", "-e", script), found, answered=False)


def _refused(words: tuple[str, ...]) -> str:
    """Why a program that shows whether something is there fails; empty where it does not."""
    return (
        f"{' '.join(words)} fails" if subprocess.run(words, capture_output=True).returncode else ""
    )


_JAVA_CLIENT = """\
import java.net.URI; import java.net.http.*;
public class Main { public static void main(String[] a) throws Exception {
  var request = HttpRequest.newBuilder(URI.create("%s")).build();
  var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
  System.out.println(answer.body()); } }"""
_JAVA_CONNECTION = """\
import java.net.URL;
public class Main { public static void main(String[] a) throws Exception {
  var stream = new URL("%s").openConnection().getInputStream();
  System.out.println(new String(stream.readAllBytes())); } }"""
_GO = """\
package main
import ("fmt"; "io"; "net/http"; "os")
func main() {
  client := &http.Client{Transport: &http.Transport{%s}}
  answer, err := client.Get("%s")
  if err != nil { fmt.Println(err); os.Exit(1) }
  body, _ := io.ReadAll(answer.Body); fmt.Println(string(body)) }"""
_PERLS = {
    "HTTP::Tiny": ("HTTP::Tiny -MIO::Socket::SSL", "HTTP::Tiny->new(verify_SSL => 1)->get('{}')"),
    "LWP": ("LWP::UserAgent -MLWP::Protocol::https", "LWP::UserAgent->new->get('{}')"),
}
_RUBIES = {
    "Net::HTTP": "require 'net/http'; puts Net::HTTP.get(URI('{}'))",
    "Net::HTTP, no proxy": (
        "require 'net/http'; u = URI('{}'); h = Net::HTTP.new(u.host, 443, nil); "
        "h.use_ssl = true; puts h.get(u.path).body"
    ),
    "open-uri": "require 'open-uri'; puts URI.open('{}').read",
}


def _javas(folder: Path) -> Iterator[HttpsClient]:
    for name, source in (("HttpClient", _JAVA_CLIENT), ("URLConnection", _JAVA_CONNECTION)):
        path = folder / name / "Main.java"
        path.parent.mkdir(parents=True)
        path.write_text(source % BALANCE, encoding="utf-8")
        yield HttpsClient(f"Java {name}", ("java", str(path)), _program("java"))


def _gos(folder: Path) -> Iterator[HttpsClient]:
    missing = _program("go")
    for name, option in (("", "Proxy: http.ProxyFromEnvironment"), (", no proxy", "")):
        path = folder / f"go{len(name)}" / "main.go"
        path.parent.mkdir(parents=True)
        path.write_text(_GO % (option, BALANCE), encoding="utf-8")
        program = path.with_name("main")
        if not missing:
            _compile(path, program, folder)
        yield HttpsClient(f"Go net/http{name}", (str(program),), missing)


def _compile(source: Path, program: Path, folder: Path) -> None:
    kept = {"GOCACHE": str(folder / "cache"), "HOME": str(folder), "GO111MODULE": "off"}
    command = ["go", "build", "-o", str(program), str(source)]
    subprocess.run(command, env={**os.environ, **kept}, check=True, capture_output=True)


def _perls(_: Path) -> Iterator[HttpsClient]:
    for name, (modules, ask) in _PERLS.items():
        shown = "->{content}" if name == "HTTP::Tiny" else "->content"
        used = [f"-M{modules.split()[0]}", *modules.split()[1:]]
        missing = _program("perl") or _refused(("perl", *used, "-e", "1"))
        words = ("perl", *used, "-e", f"print {ask.format(BALANCE)}{shown}")
        yield HttpsClient(f"Perl {name}", words, missing)


def _rubies(_: Path) -> Iterator[HttpsClient]:
    for name, script in _RUBIES.items():
        yield HttpsClient(f"Ruby {name}", ("ruby", "-e", script.format(BALANCE)), _program("ruby"))


# By what they are written in or for; a folder is for those that are files.
FAMILIES: dict[str, Callable[[Path], Iterator[HttpsClient]]] = {
    "curl": _curls,
    "wget": _wgets,
    "python": _pythons,
    "node": _nodes,
    "java": _javas,
    "go": _gos,
    "perl": _perls,
    "ruby": _rubies,
}
