"""The result of a mutant."""

import msgspec


class MutationResult(msgspec.Struct, frozen=True):
    """The checks that failed on a mutant, and how often the mutant was applied.

    `missed_checks` should have failed and did not; `false_positives` failed although the mutant
    breaks none of their rules. `seconds` are those of processor time that the run took.
    """

    mutant_id: str
    failed_checks: tuple[str, ...]
    missed_checks: tuple[str, ...]
    false_positives: tuple[str, ...]
    times_applied: int
    seconds: float = 0.0

    @property
    def is_killed(self) -> bool:
        """Killed by all checks that must fail, without false positives, and really applied."""
        return bool(self.times_applied) and not self.missed_checks and not self.false_positives
