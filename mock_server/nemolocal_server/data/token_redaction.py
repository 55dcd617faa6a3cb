"""Removes tokens from everything that is stored or logged (CLI-9, GEN-5).

A database, a journal or a HAR is copied, attached and read by others; none of them may contain a
token. The server stores only fingerprints of tokens. It learns their texts when it issues them or
when a request uses them, and replaces those values in whatever form they appear. Tokens that this
process has not seen yet are found by comparing the fingerprint of each word.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from nemolocal_contract.describe.text_formats import ELLIPSIS
from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    AUTHORIZATION,
    CLAIM_TOKEN_PREFIX,
    CONTROL_TOKEN,
    parse_bearer_token,
)
from nemolocal_contract.responses import decode_json, encode_json

from .. import ids

REDACTED = "[token]"
MIN_TOKEN_LENGTH, MAX_TOKEN_LENGTH = 8, 200
"""A shorter value could be an ordinary word; no token is that short."""
MAX_ESCAPED_TOKEN_LENGTH = 6 * MAX_TOKEN_LENGTH
r"""JSON may write each character of a token as `\u0061`."""

# Values that were sent as a token but are not tokens of this server.
_MAX_FOREIGN = 64
# Claim tokens only in their full length: `clm_` alone may begin the name of any file.
_PREFIXED = re.compile(
    rf"{ANONYMOUS_TOKEN_PREFIX}[\w-]+|{CLAIM_TOKEN_PREFIX}[\w-]{{32}}(?![\w-])", re.ASCII
)
_SECRET = re.compile(
    rf"(?:{ANONYMOUS_TOKEN_PREFIX}|{CLAIM_TOKEN_PREFIX})[\w-]+|(?i:(?<=bearer ))[^\s\"]+"
)
_SECRET_HEADERS = frozenset(
    {
        AUTHORIZATION.lower(),
        CONTROL_TOKEN.lower(),
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
    }
)
# Visible ASCII except " and \, which JSON would escape.
_CHARACTER = r"[!#-\[\]-~]"
_WORD = re.compile(rf"{_CHARACTER}{{{MIN_TOKEN_LENGTH},}}")
_ATOM = re.compile(r"[0-9A-Za-z]+|[^0-9A-Za-z]")
_MAX_ATOMS = 24
# Words without a token, which need not be looked through again: bodies are much alike.
_MAX_CLEAN_WORDS = 10_000
# The code of a visible character in JSON and URL escapes; not " and \, which JSON must escape.
_VISIBLE = r"2[13-9a-fA-F]|[346][0-9a-fA-F]|5[0-9abd-fABD-F]|7[0-9a-eA-E]"
# JSON within JSON escapes the backslash too; replacing only half of that would break the JSON.
# Each pattern begins with one character: a combined one would be tried at every position.
_PERCENT = re.compile(rf"%({_VISIBLE})")
_BACKSLASH = re.compile(rf"\\{{1,4}}(?:u00({_VISIBLE})|(/))")
_MAX_UNESCAPE_ROUNDS = 3


class KnownTokens:
    """The tokens that this process knows, longest first."""

    def __init__(self) -> None:
        self._own: list[str] = []
        self._foreign: OrderedDict[str, None] = OrderedDict()
        self._expected: set[str] = set()
        self._clean_words: set[str] = set()

    def expect_fingerprints(self, fingerprints: Iterable[str]) -> None:
        """Set the fingerprints of tokens whose text a user chose, so it may look like any word."""
        known = {ids.token_fingerprint(text) for text in self._own}
        self._expected = set(fingerprints) - known
        self._clean_words.clear()

    def add(self, text: str) -> None:
        """Add a token of this server."""
        if self._expected:
            self._expected.discard(ids.token_fingerprint(text))
        # Those with the prefix are found by it.
        if text in self._own or len(text) < MIN_TOKEN_LENGTH or redact_prefixed(text) == REDACTED:
            return
        self._own.append(text)
        self._own.sort(key=len, reverse=True)
        self._foreign.pop(text, None)

    def add_foreign(self, text: str) -> None:
        """Add a value that was sent as a token: not valid here, but perhaps on another server."""
        if MIN_TOKEN_LENGTH <= len(text) <= MAX_TOKEN_LENGTH and text not in self._own:
            self._foreign[text] = None
            self._foreign.move_to_end(text)
            if len(self._foreign) > _MAX_FOREIGN:
                self._foreign.popitem(last=False)

    def redact(self, text: str) -> str:
        """Remove the tokens of this server from a text."""
        return _redact_escaped(text, lambda plain: self._replace(plain, ()))

    def redact_all(self, text: str) -> str:
        """Remove the tokens of this server, and values that were sent as tokens, from a text."""
        return _redact_escaped(text, self.make_redactor())

    def make_redactor(self, *others: str) -> Callable[[str], str]:
        """A function like `redact_all` that also removes `others` and ignores escapes."""
        # Longest first: one token may begin like another, whose rest would remain.
        foreign = sorted((*self._foreign, *others), key=len, reverse=True)
        return lambda text: self._replace(text, foreign)

    def redact_json(self, value: Any) -> Any:
        """Remove the tokens of this server from all texts in a JSON value."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list | tuple):
            return [self.redact_json(item) for item in value]
        if isinstance(value, dict):
            return {self.redact(key): self.redact_json(item) for key, item in value.items()}
        return value

    def _replace(self, text: str, foreign: Sequence[str]) -> str:
        for token in (*self._own, *foreign):
            if token in text:
                text = text.replace(token, REDACTED)
        if ELLIPSIS in text:
            text = _redact_truncated(text, (*self._own, *foreign))
        text = redact_prefixed(text)
        if self._expected:
            text = _WORD.sub(lambda word: self._replace_expected(word[0]), text)
        return text

    def _replace_expected(self, word: str) -> str:
        """Replace an expected token that is this word, or a part of it between delimiters."""
        if word in self._clean_words:
            return word
        atoms = _ATOM.findall(word)[:_MAX_ATOMS]
        for start in range(len(atoms)):
            for end in range(len(atoms), start, -1):
                part = "".join(atoms[start:end])
                if len(part) < MIN_TOKEN_LENGTH:
                    break
                if ids.token_fingerprint(part) in self._expected:
                    return word.replace(part, REDACTED)
        if len(self._clean_words) >= _MAX_CLEAN_WORDS:
            self._clean_words.clear()
        if len(word) <= MAX_TOKEN_LENGTH:
            self._clean_words.add(word)
        return word


class Redactor:
    """Removes tokens from one exchange: known ones, what looks like one, and the request's own."""

    def __init__(self, authorization: str, known: KnownTokens | None = None) -> None:
        self.bearer_token = parse_bearer_token(authorization)
        token = self.bearer_token or authorization.strip()
        own = (token,) if len(token) >= MIN_TOKEN_LENGTH else ()
        self._replace_known = (known or KnownTokens()).make_redactor(*own)

    def text(self, text: str) -> str:
        """Remove tokens from a text, also where they are written with escapes."""
        return _redact_escaped(text, self._replace)

    def _replace(self, text: str) -> str:
        return redact(self._replace_known(text))

    def json(self, text: str) -> str:
        """Remove tokens from a JSON body; valid JSON stays valid."""
        clean = self.text(text)
        if clean == text:
            return text
        try:
            decode_json(clean.encode())
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return self._redact_each_value(text) or clean
        return clean

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Remove tokens from headers; of headers that carry secrets only the scheme remains."""
        # Headers rarely have tokens: one search of all of them together is enough then.
        open_values = [value for name, value in headers.items() if name not in _SECRET_HEADERS]
        joined = "\n".join([*headers, *open_values])
        clean = self.text if self.text(joined) != joined else str
        return {
            clean(name): _redact_header(value) if name in _SECRET_HEADERS else clean(value)
            for name, value in headers.items()
        }

    def _redact_each_value(self, text: str) -> str:
        """Redact JSON in which a number looks like a token; "" if the text is not JSON."""
        try:
            value = decode_json(text.encode())
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return ""
        return encode_json(self._redact_value(value)).decode()

    def _redact_value(self, value: object) -> object:
        if isinstance(value, dict):
            return {self.text(key): self._redact_value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._redact_value(item) for item in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if self.text(repr(value)) == repr(value) else REDACTED
        return value


def _redact_truncated(text: str, tokens: Iterable[str]) -> str:
    """Remove the beginnings of tokens at which a text was truncated before it was redacted."""
    parts = text.split(ELLIPSIS)
    for number, part in enumerate(parts[:-1]):
        for token in tokens:
            start = _find_beginning(token, part)
            if start >= 0:
                parts[number] = part[:start] + REDACTED
                break
    return ELLIPSIS.join(parts)


def _find_beginning(token: str, text: str) -> int:
    """Where the end of a text is the beginning of a token; -1 if it is not."""
    start = text.find(token[:MIN_TOKEN_LENGTH], max(0, len(text) - len(token)))
    while start >= 0 and not token.startswith(text[start:]):
        start = text.find(token[:MIN_TOKEN_LENGTH], start + 1)
    return start


def redact(text: str) -> str:
    """Remove what looks like a token: by its prefix, or because it follows `Bearer`."""
    # Most texts have none, and a search for a word is much faster than one for a pattern.
    if ANONYMOUS_TOKEN_PREFIX in text or CLAIM_TOKEN_PREFIX in text or "bearer " in text.lower():
        return _SECRET.sub(REDACTED, text)
    return text


def redact_prefixed(text: str) -> str:
    """Remove what is certainly a token by its prefix."""
    if ANONYMOUS_TOKEN_PREFIX in text or CLAIM_TOKEN_PREFIX in text:
        return _PREFIXED.sub(REDACTED, text)
    return text


def has_token_form(text: str) -> bool:
    """Whether a text can be a token: visible ASCII that needs no escape in JSON."""
    return bool(re.fullmatch(rf"{_CHARACTER}{{{MIN_TOKEN_LENGTH},{MAX_TOKEN_LENGTH}}}", text))


def _redact_header(value: str) -> str:
    return f"Bearer {REDACTED}" if value[:7].lower() == "bearer " else REDACTED


def _redact_escaped(text: str, replace: Callable[[str], str]) -> str:
    """Apply `replace` to a text without the escapes of JSON and URLs, else to the text as it is."""
    if len(text) < MIN_TOKEN_LENGTH:
        return text
    plain = _unescape(text)
    if plain is not text:
        clean = replace(plain)
        if clean != plain:
            return clean
    return replace(text)


def _unescape(text: str) -> str:
    """Undo the escapes of visible characters, also where they are nested."""
    for _ in range(_MAX_UNESCAPE_ROUNDS):
        plain = text
        if "%" in plain and _PERCENT.search(plain):
            plain = _PERCENT.sub(_unescaped_character, plain)
        if "\\" in plain and _BACKSLASH.search(plain):
            plain = _BACKSLASH.sub(_unescaped_character, plain)
        if plain is text:
            break
        text = plain
    return text


def _unescaped_character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else "/"
