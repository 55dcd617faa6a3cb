"""Stable pseudonyms of ids: of the same form, and the same for the same id in one recording."""

import hmac
import secrets
from hashlib import sha256

from .allowlist import ID_PREFIXES

_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_HASH_DIGITS = 16
_LONGEST = 80
_KEPT = frozenset("-_")


class Pseudonyms:
    """Pseudonyms under a secret of this recording, which is written nowhere.

    Letters become letters, digits digits, and a prefix of the contract stays. Two ids never share
    a pseudonym, and none is its own pseudonym.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secrets.token_bytes(32) if secret is None else secret
        self._known: dict[str, str] = {}
        self._used: set[str] = set()

    def of(self, value: str) -> str:
        """Return the pseudonym of an id; of a very long one only the beginning is replaced."""
        found = self._known.get(value)
        if found is None:
            found = self._new(value)
            self._known[value] = found
            self._used.add(found)
        return found

    def digest(self, content: bytes) -> str:
        """Return a hash that says only whether two contents of this recording are equal."""
        return self.digest_of_hash(sha256(content).digest())

    def digest_of_hash(self, hashed: bytes) -> str:
        """Return the same for content whose SHA-256 is known."""
        return hmac.digest(self._secret, hashed, "sha256").hex()[:_HASH_DIGITS]

    def _new(self, value: str) -> str:
        prefix = next((one for one in ID_PREFIXES if value.startswith(one)), "")
        rest = value[len(prefix) :][:_LONGEST]
        number = 0
        while True:
            found = prefix + self._replaced(rest, f"{number}:{value}")
            if found not in self._used and found != value:
                return found
            number += 1
            if number % 100 == 0:  # All pseudonyms of so few characters are taken.
                rest += "0"

    def _replaced(self, text: str, seed: str) -> str:
        drawn = b""
        while len(drawn) < len(text):
            part = f"{len(drawn)}:{seed}".encode(errors="surrogatepass")
            drawn += hmac.digest(self._secret, part, "sha256")
        return "".join(_replacement(*pair) for pair in zip(text, drawn, strict=False))


def _replacement(character: str, drawn: int) -> str:
    if character in _KEPT:
        return character
    letters = _DIGITS if character in _DIGITS else _UPPER if character in _UPPER else _LOWER
    return letters[drawn % len(letters)]
