"""Natural language understanding: a message becomes edits or a topic, never a guess.

The lexer turns the message into tokens, the same for English and Chinese (`lexer`). These are
split into sentences and clauses (`segmentation`), and each clause is parsed in the context of those
before it (`message_parser`, `ellipsis`): the first rule that fits extracts its edits
(`extraction_rules`, `extractors`), which must account for every word (`input_coverage`). Everything
is a table look-up or a bounded regular expression.
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
    """The edits that a message asks for, in order, or the topic to reply about.

    If one clause looks like a command and is not understood, the whole message is: half an edit
    would be a surprise. Never raises: a bug in here is logged, and the message counts as unknown.
    """
    try:
        return parse_message_or_raise(message)
    except Exception:
        # Never log the message: it is private.
        _log.exception("a message of %d characters could not be read", len(message))
        return _unknown(message)


def parse_message_or_raise(message: str) -> tuple[Edit, ...] | NoEdit:
    """Like `parse_message`, but a bug shows as an exception."""
    normalized = normalize_message(message)
    if len(normalized.text) - normalized.text.count(QUOTE_PADDING) > MAX_MESSAGE_LENGTH:
        return _unknown(message)
    return MessageParser(message).parse(parse_quantities(tokenize(normalized)))


def _unknown(message: str) -> NoEdit:
    return NoEdit("unknown", message[:200].strip())
