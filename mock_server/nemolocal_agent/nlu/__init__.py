"""Natural language understanding: a message becomes edits or a topic, never a guess.

The lexer turns the message into tokens, the same for English and Chinese (`lexer`). These are
split into sentences and clauses (`segmentation`), and each clause is parsed in the context of those
before it (`message_parser`, `context`): the first rule that fits extracts its edits, which must
account for every word (`extraction_rules`, `extractors`). Everything is a table look-up or a
bounded regular expression.
"""

from .message_parser import parse_message, parse_message_or_raise

__all__ = ["parse_message", "parse_message_or_raise"]
