"""What a message is made of while it is read: tokens, each with the one word that readers know."""

from typing import Any, Literal

import msgspec

TokenKind = Literal[
    "verb", "act", "look", "trans", "noun", "word", "filler", "chatter", "talk", "slot", "stop",
    "unknown", "unit", "number",
]  # fmt: skip
"""What sort of word it is: `slot` has a value, `stop` ends or separates, `unknown` is no word."""


class LexToken(msgspec.Struct):
    """A word, phrase or value. `canon` is what readers match, empty where it says nothing.

    `start` and `end` are its place in the message. `value` is what a slot stands for.
    """

    symbol: str
    kind: str
    start: int
    end: int
    value: Any = None
    is_base_form: bool = True
    """False for an inflected verb, which begins no command: "music turned down"."""


SENTENCE_END, COMMA = ".", ","
"""The two separators: between sentences, and between the parts of one."""
