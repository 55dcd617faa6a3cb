"""Blanking out token values: the server's own records are bound by CLI-9 and GEN-5 too."""

import re

import msgspec

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    AUTHORIZATION,
    CLAIM_TOKEN_PREFIX,
    CONTROL_TOKEN,
    parse_bearer_token,
)
from nemolocal_contract.responses import decode_json, encode_json

from ..data.known_tokens import (
    MAX_TOKEN_LENGTH,
    MIN_TOKEN_LENGTH,
    REDACTED as REDACTED,
    KnownTokens,
    redact_escaped,
)

MAX_ESCAPED_TOKEN_LENGTH = 6 * MAX_TOKEN_LENGTH
r"""A body is cut this many characters later than it is kept, so that no half token stays; JSON may
write each of a token's as `\u0061`."""

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


class Redactor:
    """Blanks out what is or looks like a token, and the very token that a request carries."""

    def __init__(self, authorization: str, known: KnownTokens | None = None) -> None:
        token = parse_bearer_token(authorization) or authorization.strip()
        own = (token,) if len(token) >= MIN_TOKEN_LENGTH else ()
        self._replace_known = (known or KnownTokens()).make_redactor(*own)

    def text(self, text: str) -> str:
        """The text without tokens, also where they are written with escapes."""
        return redact_escaped(text, self._replace)

    def _replace(self, text: str) -> str:
        return redact(self._replace_known(text))

    def json(self, text: str) -> str:
        """A body that is JSON, if whole, without tokens; it is still JSON then."""
        clean = self.text(text)
        if clean == text:
            return text
        try:
            decode_json(clean.encode())
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return self._redact_each_value(text) or clean
        return clean

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        """The headers without tokens; those that exist to carry secrets lose all but the scheme."""
        # Most of the others have none: then one search of them all is enough.
        open_values = [value for name, value in headers.items() if name not in _SECRET_HEADERS]
        joined = "\n".join([*headers, *open_values])
        clean = self.text if self.text(joined) != joined else str
        return {
            clean(name): _blank_header(value) if name in _SECRET_HEADERS else clean(value)
            for name, value in headers.items()
        }

    def _redact_each_value(self, text: str) -> str:
        """JSON whose values hold what looked like a token where it cannot be one: a number."""
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


def redact(text: str) -> str:
    """The text without what looks like a token."""
    # Most bodies have none, and a search for a word is much faster than one for a pattern.
    if ANONYMOUS_TOKEN_PREFIX in text or CLAIM_TOKEN_PREFIX in text or "bearer " in text.lower():
        return _SECRET.sub(REDACTED, text)
    return text


def _blank_header(value: str) -> str:
    return f"Bearer {REDACTED}" if value[:7].lower() == "bearer " else REDACTED
