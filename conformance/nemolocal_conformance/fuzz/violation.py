"""What a server answered and may not: the step, the rule, what was expected and what was seen."""

import contextlib
from collections.abc import Iterator

import msgspec

from ..assertions import CheckFailed


class Violation(msgspec.Struct, frozen=True):
    """The first answer that the model does not allow; `step` counts from 1, values are `repr`s."""

    step: int
    rule: str
    what: str
    expected: str
    actual: str

    @property
    def summary(self) -> str:
        """The finding in a line, as a script keeps it."""
        what = f"{self.rule}, step {self.step}: {self.what}"
        return f"{what}: expected {self.expected}, saw {self.actual}"


class RuleViolated(Exception):
    """An answer breaks a rule."""

    def __init__(self, rule: str, broken: CheckFailed) -> None:
        super().__init__(f"{rule}: {broken}")
        self.rule = rule
        self.failure = broken

    def violation_at(self, step: int) -> Violation:
        """The finding that this is at a step."""
        broken = self.failure
        expected = broken.expected if isinstance(broken.expected, str) else repr(broken.expected)
        return Violation(step, self.rule, broken.what, expected, repr(broken.actual))


@contextlib.contextmanager
def under_rule(rule: str) -> Iterator[None]:
    """Whatever is broken in here breaks this rule."""
    try:
        yield
    except CheckFailed as broken:
        raise RuleViolated(rule, broken) from broken
