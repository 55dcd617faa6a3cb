"""A message becomes intents, or talk: never a guess.

It is made plain (`normal`), cut into tokens of a small language of our own that both languages are
put into (`scanner`, `lexicon`, `values`), cut into clauses (`clauses`), and each clause is read
(`commands`). Everything is a table look-up or a bounded pattern over a line of plain words.
"""

from ..intents import Edit, Talk
from .clauses import Reading
from .words.normal import FILL, LONGEST, make_plain
from .words.scanner import scan
from .words.values import evaluate

__all__ = ["understand"]


def understand(message: str) -> tuple[Edit, ...] | Talk:
    """The edits that a message asks for, in its order, or what to talk about instead.

    One part that looks like a command and is not understood makes the whole message talk: half an
    edit would surprise. Never raises.
    """
    plain = make_plain(message)
    if len(plain.text) - plain.text.count(FILL) > LONGEST:
        return Talk("unknown", message[:200].strip())
    return Reading(message).read(evaluate(scan(plain)))
