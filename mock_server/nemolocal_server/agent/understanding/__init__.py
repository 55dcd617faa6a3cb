"""A message becomes intents, or talk: never a guess.

It is made plain (`normal`), cut into tokens of a small language of our own that both languages are
put into (`scanner`, `lexicon`, `values`), cut into clauses (`clauses`), and each clause is read
(`commands`). Everything is a table look-up or a bounded pattern over a line of plain words.
"""

import logging

from ..intents import Edit, Talk
from .clauses import Reading
from .words.normal import FILL, LONGEST, make_plain
from .words.scanner import scan
from .words.values import evaluate

__all__ = ["read_message", "understand"]

_log = logging.getLogger(__name__)


def understand(message: str) -> tuple[Edit, ...] | Talk:
    """The edits that a message asks for, in its order, or what to talk about instead.

    One part that looks like a command and is not understood makes the whole message talk: half an
    edit would surprise. Never raises: a defect in here is logged and makes the message unknown.
    """
    try:
        return read_message(message)
    except Exception:
        # Not the message itself: what a user writes has no place in a log.
        _log.exception("a message of %d characters could not be read", len(message))
        return _unknown(message)


def read_message(message: str) -> tuple[Edit, ...] | Talk:
    """What `understand` answers; a defect shows as an exception here."""
    plain = make_plain(message)
    if len(plain.text) - plain.text.count(FILL) > LONGEST:
        return _unknown(message)
    return Reading(message).read(evaluate(scan(plain)))


def _unknown(message: str) -> Talk:
    return Talk("unknown", message[:200].strip())
