"""Finds the endpoints that a document mentions in sentences, tables, lists and commands."""

import re
from collections.abc import Iterator
from itertools import islice

from nemolocal_contract.endpoints import CONTROL_PREFIX, endpoints, find_endpoint

from ..model import EndpointMention
from .curl import CurlCommand
from .markdown import Table

_METHOD = r"\b(GET|POST|PUT|PATCH|DELETE)\b(?:ing)?"
_HOST = r"(https?://[\w.:-]{1,100}|\$\{[A-Z_]{1,30}:-[^}\s]{1,100}\}|\$\{?[A-Z_]{1,30}\}?|<[\w-]{1,30}>)?"
# `/v1/…` is how other APIs are called: they are found to say so. The last ones are of generation 2;
# a bare /projects may be a page of any site.
_PATH = (
    r"(/(?:api/[a-z]|v\d{1,2}/[a-z]|run_|workspace/|auth/verify|billing/balance|files/upload"
    r"|services/v1/|ws/chat)[\w./<>${}:*-]{0,160})"
)
_USE = re.compile(rf"(?:{_METHOD}(?:\s{{1,3}}to)?:?\s{{1,4}})?(?<![\w./>]){_HOST}{_PATH}")
_SAID = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)(?:ing)?\b")
# A placeholder in a path: <sid>, $SID, ${SID}, {session_id}, :id.
PATH_PLACEHOLDER = re.compile(r"<[\w -]{1,40}>|\$\{?\w{1,40}\}?|\{[\w-]{1,40}\}|(?<=/):\w{1,40}")
# A method call of a program: `http.post("/api/…`.
_CALLED = re.compile(r"\.(get|post|put|patch|delete)\(\s{0,3}f?[\"'`][^\"'`]{0,40}$")
_BASE_URL = re.compile(r"https?://[\w.-]{1,100}(?::\d{1,5})?")
_NAMED_BASE = re.compile(r"\bbase\b|\bhost\b|\bAPI\b|API_URL", re.IGNORECASE)
_OTHER_SITE = re.compile(
    r"WEB[\w:{}\-]{0,12}$|\b(?:web|docs?|home ?page|site)\W{1,4}$", re.IGNORECASE
)
# A host name of the vendor; one with a label "api" serves the API, the others serve web pages.
_VENDOR_HOST = re.compile(r"(?:[\w-]{1,40}\.){0,3}nemovideo\.(?:ai|com)", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_ORIGIN = re.compile(
    r"https?://[^/\s]{0,200}|\$\{[^}/]{1,60}:-https?://[^/}]{1,100}\}"
    r"|\$\{?\w{1,40}[^/]{0,100}|<[^<>/]{1,40}>"
)
# On another host: a version or /api before the path.
_API_CALL = re.compile(r"/(?:api|v\d{1,2})/[a-z]", re.IGNORECASE)
_WEB_PAGES = "/workspace/"
_MAX_ABOUT_LENGTH = 600
_MAX_MENTIONS = 500


def find_base_urls(lines: tuple[str, ...], first: int) -> tuple[tuple[str, int, int], ...]:
    """Return the origins before a path of the API, or named as base URL: URL, line, column."""
    found: list[tuple[str, int, int]] = []
    for number in range(first, len(lines) + 1):
        line = lines[number - 1]
        for match in islice(_BASE_URL.finditer(line), 20):
            rest = line[match.end() : match.end() + 10].lstrip("`\"' ")
            before = line[max(0, match.start() - 60) : match.start()]
            named = _NAMED_BASE.search(before) and not _OTHER_SITE.search(before)
            if named or rest.startswith(("/api/", "/run_")):
                found.append((match.group(), number, match.start() + 1))
    return tuple(found)


def find_endpoint_mentions(
    lines: tuple[str, ...], first: int, tables: tuple[Table, ...], commands: tuple[CurlCommand, ...]
) -> tuple[EndpointMention, ...]:
    """Return the endpoints in the order of the document, without web pages and other sites."""
    in_commands = {n for curl in commands for n in range(curl.line, curl.last_line + 1)}
    found = [use for table in tables for use in _in_table(table)]
    taken = in_commands | {use.line for use in found}
    for number in range(first, len(lines) + 1):
        if number not in taken:
            found += islice(_in_line(lines[number - 1], number), 40)
    found += [
        _in_command(curl)
        for curl in commands
        if is_api_url(_url_origin(curl.url), url_path(curl.url))
    ]
    return tuple(sorted(found, key=lambda use: (use.line, use.column))[:_MAX_MENTIONS])


def find_calls_to_others(commands: tuple[CurlCommand, ...]) -> list[EndpointMention]:
    """Return the commands that call what looks like an API on a host that is not the vendor's."""
    return [
        _in_command(curl)
        for curl in commands
        if is_other_site(_url_origin(curl.url)) and _API_CALL.search(curl.url)
    ]


def is_api_url(origin: str, path: str) -> bool:
    """Whether a path on an origin ("" or a placeholder if unknown) is meant as one of the API.

    Pages of the web side and other sites are not, unless the contract has the endpoint.
    """
    if not path:
        return False
    if endpoint_name("", path):
        return True
    return not path.startswith(_WEB_PAGES) and not is_other_site(origin)


def is_other_site(origin: str) -> bool:
    """Whether an origin is known to be something else than the API: `$WEB`, nemovideo.com."""
    default = origin.partition(":-")[2].rstrip("}")
    host = re.sub(r"^https?://", "", default or origin, flags=re.IGNORECASE)
    if origin.startswith("$") and "WEB" in origin.upper():
        return True
    if not host or host.startswith(("$", "<", *_LOOPBACK)):
        return False
    vendor = _VENDOR_HOST.match(host)
    return vendor is None or "api" not in vendor.group().lower().split(".nemovideo", 1)[0]


def _url_origin(url: str) -> str:
    match = _ORIGIN.match(url)
    return match.group() if match else ""


def url_path(url: str) -> str:
    """Return the path of a URL, which may begin with a placeholder; "" if there is none."""
    rest = _ORIGIN.sub("", url, count=1) if _ORIGIN.match(url) else url
    return rest.partition("?")[0] if rest.startswith("/") else ""


def endpoint_name(method: str, path: str) -> str:
    """Return the contract's endpoint for a method ("" for any) and a path with placeholders."""
    filled = PATH_PLACEHOLDER.sub("x", path.rstrip(".,;:")).rstrip("/")
    methods = (method,) if method else ("POST", "GET", "DELETE")
    if filled.startswith(CONTROL_PREFIX):
        return ""
    named = (find_endpoint(each, filled) for each in methods)
    return next((found[0] for found in named if found), "")


def is_endpoint_prefix(path: str) -> bool:
    """Whether a path is the beginning of a contract endpoint, such as `/api/state`."""
    steps = PATH_PLACEHOLDER.sub("x", path.rstrip(".,;:/"))
    return any(endpoint.template.startswith(f"{steps}/") for endpoint in endpoints().values())


def _in_table(table: Table) -> Iterator[EndpointMention]:
    if "endpoint" not in table.header[:1] + table.header[1:2]:
        return
    for row in table.rows:
        text = " | ".join(row.cells)
        path = re.search(_HOST + _PATH, text)
        method = _SAID.search(" ".join(row.cells[:2]))
        if path is not None and is_api_url(path[1] or "", path[2]):
            yield _mention(
                method[1] if method else "", path[2], row.line, 1, " ".join(row.cells[2:]) or text
            )


def _in_line(line: str, number: int) -> Iterator[EndpointMention]:
    matches = list(islice(_USE.finditer(line), 40))
    ends = [*(match.start() for match in matches[1:]), len(line)]
    for match, end in zip(matches, ends, strict=False):
        if not is_api_url(match[2] or "", match[3].rstrip(".,;:*")):
            continue
        method = match[1] or _method_before(line, match.start())
        about = line[match.end() : min(end, match.end() + _MAX_ABOUT_LENGTH)]
        yield _mention(method, match[3], number, match.start(3) + 1, about)


def _method_before(line: str, at: int) -> str:
    """Return the method in the words before a path: "by POSTing to https://…"."""
    called = _CALLED.search(line[max(0, at - 60) : at])
    methods = [called[1].upper()] if called else _SAID.findall(line[max(0, at - 24) : at])
    return methods[-1] if methods else ""


def _in_command(curl: CurlCommand) -> EndpointMention:
    text = " ".join(given.word.text for given in curl.bodies)
    return _mention(curl.method, url_path(curl.url), curl.line, curl.column, text)


def _mention(method: str, path: str, line: int, column: int, about: str) -> EndpointMention:
    path = path.rstrip(".,;:*")
    return EndpointMention(
        method, path, line, column, about, find_json_objects(about), endpoint_name(method, path)
    )


def find_json_objects(text: str) -> tuple[str, ...]:
    """Return the outermost `{…}` of a text that look like JSON, in one pass."""
    found: list[str] = []
    opened: list[int] = []
    for at, character in enumerate(text):
        if character == "{":
            opened.append(at)
        elif character == "}" and opened:
            begun = opened.pop()
            if not opened and ":" in text[begun:at]:
                found.append(text[begun : at + 1])
    return tuple(found)
