"""Redaction by allowlist: what a recording keeps of a request, a reply or a JSON value.

Kept are names, enumerations and numbers of the contract. Ids become pseudonyms of the same form,
texts their length, URLs their host and suffix. Redaction happens before anything is written.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from nemolocal_contract.endpoints import ANONYMOUS_TOKEN_PREFIX, find_endpoint, parse_bearer_token
from nemolocal_contract.generations import known_templates

from .allowlist import (
    ENUMERATIONS,
    FILENAME_KEYS,
    HTTP_DATE,
    ID_KEYS,
    ISO_TIME,
    KEPT_HEADERS,
    MEDIA_TYPES,
    METHODS,
    PLATFORMS,
    RATIO,
    SUFFIXES,
    TIME_KEYS,
    URL_KEYS,
    VERSION,
    known_keys,
)
from .header_names import kept_header_name, type_of_header
from .pseudonyms import Pseudonyms
from .text_marks import describe_text

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_WORDS = re.compile(r"\{(\w+)\}")
_QUERY_NAMES = frozenset(("bind", "ct", "token", "lang", "source"))
_CHARSET = re.compile(r"charset=\"?(utf-8)\"?", re.IGNORECASE)
_ALLOW = re.compile(r"[A-Z]{3,7}(?:, ?[A-Z]{3,7}){0,8}")
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_MOST_DIGITS = 18
_MOST_NESTED, _MOST_ITEMS, _MOST_QUERY = 60, 10_000, 50


class KeptPath:
    """What is kept of a path: its template, the values in it, and the path with pseudonyms."""

    def __init__(self, template: str | None, path: str) -> None:
        self.template = template
        self.path = path


class AllowlistRedactor:
    """Redacts the parts of exchanges of one recording.

    `keep_text` keeps texts, names and URLs as they are; tokens and ids are pseudonyms all the same.
    """

    def __init__(self, pseudonyms: Pseudonyms, *, keep_text: bool = False) -> None:
        self.pseudonyms = pseudonyms
        self.keep_text = keep_text

    def method(self, method: str) -> str:
        """Return a method of HTTP, or how long another one is."""
        return method if method in METHODS else describe_text(method)

    def path(self, method: str, path: str) -> KeptPath:
        """Return the template of a path and the path with pseudonyms for its values."""
        found = find_endpoint(method, path)
        template = found[1].template if found else _any_template(path)
        if template is None:
            parts = [self._unknown_segment(part) for part in path.split("/")]
            return KeptPath(None, "/".join(parts))
        segments = zip(template.split("/"), path.split("/"), strict=True)
        return KeptPath(template, "/".join(self._segment(*pair) for pair in segments))

    def query(self, query: str) -> list[list[str]]:
        """Return the names and values of a query."""
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
        return [
            [name if name in _QUERY_NAMES else self._key(name), self.text(value)]
            for name, value in pairs[:_MOST_QUERY]
        ]

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the kept headers, by their names in lower case."""
        return {name: self._header(name, headers[name]) for name in KEPT_HEADERS if name in headers}

    def other_names(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the names of the headers that are not kept, with the types of their values."""
        return {
            self._header_name(name): type_of_header(value)
            for name, value in headers.items()
            if name not in KEPT_HEADERS
        }

    def json(self, value: Any) -> Any:
        """Return a JSON value with everything replaced that is not of the contract."""
        return self._value("", value, 0, known=True)

    def filename(self, name: str) -> str:
        """Return how long a file name is, and its suffix."""
        if self.keep_text:
            return self._without_tokens(name)
        stem, dot, suffix = name.rpartition(".")
        if not dot:
            return describe_text(name)
        kept = suffix if suffix.lower() in SUFFIXES else describe_text(suffix)
        return f"{describe_text(stem)}.{kept}"

    def url(self, url: str) -> str:
        """Return scheme and host of a URL, a pseudonym for its path, and the suffix."""
        if self.keep_text:
            return self._without_tokens(url)
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return describe_text(url)
        if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
            return describe_text(url)
        suffix = parts.path.rpartition(".")[2].lower()
        known = f".{suffix}" if suffix in SUFFIXES else ""
        place = f"{host}:{port}" if port else host
        return f"{parts.scheme}://{place}/{self.pseudonyms.digest(url.encode(errors='replace'))}{known}"

    def content_type(self, value: str) -> str:
        """Return a known media type, with its charset if that is UTF-8."""
        kind = value.partition(";")[0].strip().lower()
        charset = _CHARSET.search(value)
        shown = kind if kind in MEDIA_TYPES else describe_text(kind)
        return f"{shown}; charset=utf-8" if charset else shown

    def _segment(self, expected: str, given: str) -> str:
        variable = _WORDS.fullmatch(expected)
        if variable is None:
            return expected
        value = unquote(given, errors="replace")
        if variable[1] == "user" and value in ENUMERATIONS["user_id"]:
            return value
        return self.pseudonyms.of(value)

    def _header_name(self, name: str) -> str:
        return self._without_tokens(name) if self.keep_text else kept_header_name(name)

    def _unknown_segment(self, part: str) -> str:
        return part if not part or self.keep_text else describe_text(unquote(part))

    def _header(self, name: str, value: str) -> str:
        if name == "authorization":
            token = parse_bearer_token(value)
            return describe_text(value) if token is None else f"Bearer {self.pseudonyms.of(token)}"
        if name == "x-client-id":
            return self.pseudonyms.of(value) if value.strip() else value[:1]
        if name == "content-type":
            return self.content_type(value)
        if _is_plain(name, value.strip()):
            return value
        return self.text(value)

    def _value(self, key: str, value: Any, depth: int, *, known: bool) -> Any:
        """Return a value; `known` says that its key, and all keys above, are of the contract."""
        if depth > _MOST_NESTED:
            return "<nested>"
        if isinstance(value, dict):
            return {
                self._key(name): self._value(
                    name, held, depth + 1, known=self._is_known(name, known)
                )
                for name, held in value.items()
            }
        if isinstance(value, list):
            items = value[:_MOST_ITEMS]
            return [self._value(key, item, depth + 1, known=known) for item in items]
        if value is None or isinstance(value, bool):
            return value
        if not known and not self.keep_text:
            return "<number>" if isinstance(value, int | float) else describe_text(value)
        return self._scalar(key, value)

    def _is_known(self, name: str, known: bool) -> bool:
        return known and name in known_keys()

    def _key(self, name: str) -> str:
        if name in known_keys():
            return name
        if self.keep_text:
            return self._without_tokens(name)
        return f"<key:{len(name)} {self.pseudonyms.digest(name.encode(errors='replace'))}>"

    def _scalar(self, key: str, value: Any) -> Any:
        if isinstance(value, int | float):
            if key in ID_KEYS and isinstance(value, int):
                return int(self.pseudonyms.of(str(value)[:_MOST_DIGITS]).lstrip("0-") or 1)
            return value
        if value in ENUMERATIONS.get(key, ()):
            return value
        if key in ID_KEYS:
            return self.pseudonyms.of(value) if value.strip() else value[:1]
        if key in URL_KEYS:
            return self.url(value)
        if key in FILENAME_KEYS:
            return self.filename(value)
        is_time = key in TIME_KEYS and ISO_TIME.fullmatch(value)
        if is_time or (key == "ratio" and RATIO.fullmatch(value)):
            return value
        return self.text(value)

    def text(self, text: str) -> str:
        """Return what is kept of a text."""
        return self._without_tokens(text) if self.keep_text else describe_text(text)

    def _without_tokens(self, text: str) -> str:
        """Replace tokens, which are redacted even where texts are kept."""
        return _TOKEN.sub(lambda found: self.pseudonyms.of(found[0]), text)


_TOKEN = re.compile(
    rf"(?:{ANONYMOUS_TOKEN_PREFIX}|clm_|nmv_[a-z]{{1,16}}_)[\w.~+/=-]{{4,}}", re.ASCII
)


def _is_plain(name: str, value: str) -> bool:
    """Whether the value of a header can only be a number or an enumeration."""
    if name == "x-skill-platform":
        return value in PLATFORMS
    form = _PLAIN_FORMS.get(name)
    if form is None or not form.fullmatch(value):
        return False
    if name == "date":
        return _is_date(value)
    return name != "allow" or {one.strip() for one in value.split(",")} <= METHODS


_PLAIN_FORMS = {
    "x-skill-version": VERSION,
    "retry-after": _SECONDS,
    "allow": _ALLOW,
    "date": HTTP_DATE,
}


def _is_date(value: str) -> bool:
    try:
        parsedate_to_datetime(value)
    except ValueError:
        return False
    return True


def _any_template(path: str) -> str | None:
    """Return the template of a path, whatever the method is."""
    given = path.split("/")
    for template in known_templates():
        expected = template.split("/")
        pairs = zip(expected, given, strict=False)
        if len(expected) == len(given) and all(
            e == g or (_WORDS.fullmatch(e) and g) for e, g in pairs
        ):
            return template
    return None
