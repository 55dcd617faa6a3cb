"""A response that the model does not allow: step, rule, expected and actual value."""

import contextlib
from collections.abc import Iterator

import msgspec

from ..assertions import CheckFailed


class Violation(msgspec.Struct, frozen=True):
    """The first response that the model does not allow; `step` counts from 1."""

    step: int
    rule: str
    what: str
    expected: str
    actual: str

    @property
    def summary(self) -> str:
        """The violation in one line, as a script file keeps it."""
        what = f"{self.rule}, step {self.step}: {self.what}"
        return f"{what}: expected {self.expected}, saw {self.actual}"


class RuleViolated(Exception):
    """A response violates a rule."""

    def __init__(self, rule: str, broken: CheckFailed) -> None:
        super().__init__(f"{rule}: {broken}")
        self.rule = rule
        self.failure = broken

    def violation_at(self, step: int) -> Violation:
        """Return the violation at a step."""
        broken = self.failure
        expected = broken.expected if isinstance(broken.expected, str) else repr(broken.expected)
        return Violation(step, self.rule, broken.what, expected, repr(broken.actual))


@contextlib.contextmanager
def under_rule(rule: str) -> Iterator[None]:
    """A failure in this block violates this rule."""
    try:
        yield
    except CheckFailed as broken:
        raise RuleViolated(rule, broken) from broken
