"""What a server answered and may not: the step, the rule, what was expected and what was seen."""

import contextlib
from collections.abc import Iterator

import msgspec

from ..expectations import Broken


class Finding(msgspec.Struct, frozen=True):
    """The first answer that the model does not allow; `step` counts from 1, values are `repr`s."""

    step: int
    rule: str
    what: str
    expected: str
    actual: str

    @property
    def words(self) -> str:
        """The finding in a line, as a script keeps it."""
        what = f"{self.rule}, step {self.step}: {self.what}"
        return f"{what}: expected {self.expected}, saw {self.actual}"


class Disallowed(Exception):
    """An answer breaks a rule."""

    def __init__(self, rule: str, broken: Broken) -> None:
        super().__init__(f"{rule}: {broken}")
        self.rule = rule
        self.broken = broken

    def at(self, step: int) -> Finding:
        """The finding that this is at a step."""
        broken = self.broken
        expected = broken.expected if isinstance(broken.expected, str) else repr(broken.expected)
        return Finding(step, self.rule, broken.what, expected, repr(broken.actual))


@contextlib.contextmanager
def under(rule: str) -> Iterator[None]:
    """Whatever is broken in here breaks this rule."""
    try:
        yield
    except Broken as broken:
        raise Disallowed(rule, broken) from broken
