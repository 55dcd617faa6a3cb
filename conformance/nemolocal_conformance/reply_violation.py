"""What a reply of a run has shown to be wrong."""

from typing import Any

import msgspec


class ReplyViolation(msgspec.Struct, frozen=True):
    """A reply of an endpoint that breaks a rule: what was looked at, expected and seen.

    `assumed` says that the rule is documented, but not this part of it.
    """

    endpoint: str
    rule: str
    what: str
    expected: str
    actual: Any
    assumed: bool = False
