"""What became of a mutant."""

import msgspec


class Autopsy(msgspec.Struct, frozen=True):
    """The checks that failed on a mutant, and how often it did its work.

    `missed` must have noticed and did not; `innocent` are about no rule that it breaks, and failed.
    """

    mutant: str
    failed: tuple[str, ...]
    missed: tuple[str, ...]
    innocent: tuple[str, ...]
    hits: int

    @property
    def right(self) -> bool:
        """Killed by all that must notice, by none that must not, and truly applied."""
        return bool(self.hits) and not self.missed and not self.innocent
