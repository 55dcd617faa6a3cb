"""What became of a mutant."""

import msgspec


class MutationResult(msgspec.Struct, frozen=True):
    """The checks that failed on a mutant, and how often it did its work.

    `missed` must have noticed and did not; `innocent` are about no rule that it breaks, and failed.
    """

    mutant_id: str
    failed_checks: tuple[str, ...]
    missed_checks: tuple[str, ...]
    false_positives: tuple[str, ...]
    times_applied: int

    @property
    def is_killed(self) -> bool:
        """Killed by all that must notice, by none that must not, and truly applied."""
        return bool(self.times_applied) and not self.missed_checks and not self.false_positives
