"""Blanking out token values: the server's own records are bound by CLI-9 and GEN-5 too."""

import re
from urllib.parse import unquote

from nemolocal_contract.headers import (
    ANONYMOUS_TOKEN_PREFIX,
    AUTHORIZATION,
    CLAIM_TOKEN_PREFIX,
    CONTROL_TOKEN,
    bearer_token,
)

BLANK = "[token]"
LONGEST_TOKEN = 256
"""A body is cut this many characters later than it is kept, so that no half token stays."""

# Shorter values would blank out ordinary words; no token is that short.
_SHORTEST_TOKEN = 8
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
    """Blanks out what looks like a token, and the very token that a request carries."""

    def __init__(self, authorization: str) -> None:
        token = bearer_token(authorization) or authorization.strip()
        self._own = token if len(token) >= _SHORTEST_TOKEN else None

    def text(self, text: str) -> str:
        """The text without tokens."""
        if self._own is not None:
            text = text.replace(self._own, BLANK)
        return redact(text)

    def url(self, url: str) -> str:
        """The URL without tokens, also percent-encoded ones."""
        plain = unquote(url)
        clean = self.text(plain)
        return self.text(url) if clean == plain else clean

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        """The headers without tokens; those that exist to carry secrets lose all but the scheme."""
        # Most headers have none: then one search of them all is enough.
        joined = "\n".join(headers.values())
        clean = self.text if self.text(joined) != joined else str
        return {
            name: _blank_header(value) if name in _SECRET_HEADERS else clean(value)
            for name, value in headers.items()
        }


def redact(text: str) -> str:
    """The text without what looks like a token."""
    # Most bodies have none, and a search for a word is much faster than one for a pattern.
    if ANONYMOUS_TOKEN_PREFIX in text or CLAIM_TOKEN_PREFIX in text or "bearer " in text.lower():
        return _SECRET.sub(BLANK, text)
    return text


def _blank_header(value: str) -> str:
    return f"Bearer {BLANK}" if value[:7].lower() == "bearer " else BLANK
