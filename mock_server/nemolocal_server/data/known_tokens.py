"""What is stored is rid of tokens here: by their values, in whatever form somebody wrote them.

A database, a journal or a HAR is copied, attached and read by others; none of them may hold what
opens an account. Tokens are stored as fingerprints only. Their texts are known while a process
lives, from when they were made or used; those that a process has yet to see are found word by word.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nemolocal_contract.endpoints import ANONYMOUS_TOKEN_PREFIX, CLAIM_TOKEN_PREFIX

from .. import ids

REDACTED = "[token]"
MIN_TOKEN_LENGTH, MAX_TOKEN_LENGTH = 8, 200
"""Shorter values would blank out ordinary words; no token is that short."""

# Texts that somebody sent as a token, and that are none of this server.
_MAX_FOREIGN = 64
# Claim tokens in the form that ours have: `clm_` alone may begin the name of any file.
_PREFIXED = re.compile(
    rf"{ANONYMOUS_TOKEN_PREFIX}[\w-]+|{CLAIM_TOKEN_PREFIX}[\w-]{{32}}(?![\w-])", re.ASCII
)
# Visible ASCII but " and \, which JSON would escape.
_CHARACTER = r"[!#-\[\]-~]"
_WORD = re.compile(rf"{_CHARACTER}{{{MIN_TOKEN_LENGTH},}}")
_ATOM = re.compile(r"[0-9A-Za-z]+|[^0-9A-Za-z]")
_MOST_ATOMS = 24
# A visible character as JSON and URLs may write it, but for " and \, which JSON needs escaped.
_VISIBLE = r"2[13-9a-fA-F]|[346][0-9a-fA-F]|5[0-9abd-fABD-F]|7[0-9a-eA-E]"
# In JSON within JSON the backslash is escaped itself; half of that would be no JSON any more.
# Two patterns that begin with one character each: as one it would be tried at every place.
_PERCENT = re.compile(rf"%({_VISIBLE})")
_BACKSLASH = re.compile(rf"\\{{1,4}}(?:u00({_VISIBLE})|(/))")
_ROUNDS = 3


def has_token_form(text: str) -> bool:
    """Whether it can be the text of a token: visible ASCII that needs no escape in JSON."""
    return bool(re.fullmatch(rf"{_CHARACTER}{{{MIN_TOKEN_LENGTH},{MAX_TOKEN_LENGTH}}}", text))


def redact_prefixed(text: str) -> str:
    """The text without what is a token by its prefix."""
    # Most texts have none, and a search for a word is much faster than one for a pattern.
    if ANONYMOUS_TOKEN_PREFIX in text or CLAIM_TOKEN_PREFIX in text:
        return _PREFIXED.sub(REDACTED, text)
    return text


def redact_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the store, the texts among them without what is a token by its prefix."""
    return {
        name: redact_prefixed(value) if isinstance(value, str) else value
        for name, value in values.items()
    }


class KnownTokens:
    """The tokens that a process knows of, longest first."""

    def __init__(self) -> None:
        self._own: list[str] = []
        self._foreign: OrderedDict[str, None] = OrderedDict()
        self._expected: set[str] = set()

    def expect_fingerprints(self, fingerprints: Iterable[str]) -> None:
        """There are tokens of these fingerprints, whose texts somebody chose."""
        known = {ids.token_fingerprint(text) for text in self._own}
        self._expected = set(fingerprints) - known

    def add(self, text: str) -> None:
        """This is a token of ours."""
        # Those with the prefix are found by it.
        if text in self._own or len(text) < MIN_TOKEN_LENGTH or redact_prefixed(text) == REDACTED:
            return
        self._own.append(text)
        self._own.sort(key=len, reverse=True)
        self._expected.discard(ids.token_fingerprint(text))
        self._foreign.pop(text, None)

    def add_foreign(self, text: str) -> None:
        """Somebody sent this as a token: not ours, and yet perhaps good elsewhere."""
        if MIN_TOKEN_LENGTH <= len(text) <= MAX_TOKEN_LENGTH and text not in self._own:
            self._foreign[text] = None
            self._foreign.move_to_end(text)
            if len(self._foreign) > _MAX_FOREIGN:
                self._foreign.popitem(last=False)

    def redact(self, text: str) -> str:
        """The text without tokens of ours."""
        return redact_escaped(text, lambda plain: self._replace(plain, ()))

    def redact_all(self, text: str) -> str:
        """The text without tokens of ours, and without what was sent as one."""
        return redact_escaped(text, self.make_redactor())

    def make_redactor(self, *others: str) -> Callable[[str], str]:
        """What takes tokens of ours, what was sent as one, and `others` out of a text as it is."""
        # Longest first: else the rest of one would stay that begins like another.
        strange = sorted((*self._foreign, *others), key=len, reverse=True)
        return lambda text: self._replace(text, strange)

    def redact_json(self, value: Any) -> Any:
        """A JSON value, the texts in it without tokens of ours."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list | tuple):
            return [self.redact_json(item) for item in value]
        if isinstance(value, dict):
            return {self.redact(key): self.redact_json(item) for key, item in value.items()}
        return value

    def _replace(self, text: str, strange: Iterable[str]) -> str:
        for token in (*self._own, *strange):
            if token in text:
                text = text.replace(token, REDACTED)
        text = redact_prefixed(text)
        if self._expected:
            text = _WORD.sub(lambda word: self._search(word[0]), text)
        return text

    def _search(self, word: str) -> str:
        """A word without a token that it is, or that stands in it between other characters."""
        atoms = _ATOM.findall(word)[:_MOST_ATOMS]
        for start in range(len(atoms)):
            for end in range(len(atoms), start, -1):
                part = "".join(atoms[start:end])
                if len(part) < MIN_TOKEN_LENGTH:
                    break
                if ids.token_fingerprint(part) in self._expected:
                    return word.replace(part, REDACTED)
        return word


def redact_escaped(text: str, replace: Callable[[str], str]) -> str:
    """The text after `replace`, which also gets it without the escapes of JSON and URLs."""
    if len(text) < MIN_TOKEN_LENGTH:
        return text
    plain = _unescape(text)
    if plain is not text:
        clean = replace(plain)
        if clean != plain:
            return clean
    return replace(text)


def _unescape(text: str) -> str:
    """The text with the characters of tokens as they are, also where they were escaped twice."""
    for _ in range(_ROUNDS):
        plain = text
        if "%" in plain and _PERCENT.search(plain):
            plain = _PERCENT.sub(_plain, plain)
        if "\\" in plain and _BACKSLASH.search(plain):
            plain = _BACKSLASH.sub(_plain, plain)
        if plain is text:
            break
        text = plain
    return text


def _plain(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else "/"
