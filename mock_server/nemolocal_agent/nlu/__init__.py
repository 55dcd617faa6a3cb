"""Natural language understanding: a message becomes edits or a topic, never a guess.

The lexer turns the message into tokens, the same for English and Chinese (`lexer`). These are
split into sentences and clauses (`segmentation`), and each clause is parsed in the context of those
before it (`message_parser`, `context`): the first rule that fits extracts its edits, which must
account for every word (`extraction_rules`, `extractors`). Clauses that are not understood are left
out and named, with the reason if there is one (`unsupported`). Everything is a table look-up or a
bounded regular expression.
"""

from .message_parser import parse_message, parse_message_or_raise, understand_message

__all__ = ["parse_message", "parse_message_or_raise", "understand_message"]
