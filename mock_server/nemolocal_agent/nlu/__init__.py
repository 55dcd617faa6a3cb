"""A message becomes intents, or talk: never a guess.

It is made plain (`normal`), cut into tokens of a small language of our own that both languages are
put into (`scanner`, `lexicon`, `values`), cut into clauses (`clauses`), and each clause is read
(`commands`). Everything is a table look-up or a bounded pattern over a line of plain words.
"""

import logging

from ..intents import Edit, NoEdit
from .lexer.normalization import MAX_MESSAGE_LENGTH, QUOTE_PADDING, normalize_message
from .lexer.quantities import parse_quantities
from .lexer.tokenizer import tokenize
from .message_parser import MessageParser

__all__ = ["parse_message", "parse_message_or_raise"]

_log = logging.getLogger(__name__)


def parse_message(message: str) -> tuple[Edit, ...] | NoEdit:
    """The edits that a message asks for, in its order, or what to talk about instead.

    One part that looks like a command and is not understood makes the whole message talk: half an
    edit would surprise. Never raises: a defect in here is logged and makes the message unknown.
    """
    try:
        return parse_message_or_raise(message)
    except Exception:
        # Not the message itself: what a user writes has no place in a log.
        _log.exception("a message of %d characters could not be read", len(message))
        return _unknown(message)


def parse_message_or_raise(message: str) -> tuple[Edit, ...] | NoEdit:
    """What `parse_message` answers; a defect shows as an exception here."""
    plain = normalize_message(message)
    if len(plain.text) - plain.text.count(QUOTE_PADDING) > MAX_MESSAGE_LENGTH:
        return _unknown(message)
    return MessageParser(message).parse(parse_quantities(tokenize(plain)))


def _unknown(message: str) -> NoEdit:
    return NoEdit("unknown", message[:200].strip())
