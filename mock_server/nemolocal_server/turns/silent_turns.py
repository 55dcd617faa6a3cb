"""Silent turns: which edits close without a word, and what is true of them (SSE-5).

Three truths look the same on the wire: the edit was applied, was not applied, or is applied only
after the stream has closed. Only a client that reads the state can tell.
"""

from typing import Literal

import msgspec

from ..seeded_random import SeededRandom
from ..setting_ranges import CENTURY, check_finite, check_range
from .turn_schedule import TurnSeed

AppliedState = Literal["applied", "not_applied", "late"]
_SCRIPTED: dict[str, AppliedState | None] = {
    "s": None,
    "a": "applied",
    "n": "not_applied",
    "l": "late",
}
_NOT_SILENT = "."
# All places of a quota are ranked at each edit.
_LARGEST_QUOTA = 10_000


class AppliedWeights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often each truth stands behind a silence, as weights."""

    applied: float = 1.0
    not_applied: float = 0.0
    late: float = 0.0

    def __post_init__(self) -> None:
        """Refuse weights that no draw can follow."""
        weights = (self.applied, self.not_applied, self.late)
        for name, weight in zip(self.__struct_fields__, weights, strict=True):
            check_finite(f"truths.{name}", weight)
        if min(weights) < 0 or sum(weights) <= 0:
            raise ValueError("truths must be weights of 0 or more, and not all 0")


class SilentTurnPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which edits are silent: by `script`, else by `quota`, else each with the chance `rate`.

    `quota` (k, n) is exactly k of every n edits of a token. `script` has a character for each of
    its edits and begins anew at its end: `.` is told; `s` is silent, its truth drawn by the weights
    of `truths`; `a`, `n` and `l` are silent and applied, not applied, applied late.
    `late_seconds` of the server's clock pass between the end of the stream and a late edit.
    """

    rate: float = 0.3
    quota: tuple[int, int] | None = None
    script: str = ""
    truths: AppliedWeights = AppliedWeights()
    late_seconds: float = 20.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense, naming the setting."""
        if not 0 <= self.rate <= 1:
            raise ValueError(f"silent rate must be from 0 to 1, not {self.rate}")
        if self.quota is not None and not 0 <= self.quota[0] <= self.quota[1] > 0:
            given = "/".join(map(str, self.quota))
            raise ValueError(f"silent quota must be K/N with 0 <= K <= N, not {given}")
        if self.quota is not None:
            check_range("silent quota N", self.quota[1], 1, _LARGEST_QUOTA)
        if unknown := set(self.script) - {_NOT_SILENT, *_SCRIPTED}:
            marks = " ".join(sorted(unknown))
            raise ValueError(f"silent script has {marks}: only . s a n l have a meaning")
        if self.quota is not None and self.script:
            raise ValueError("silent quota and silent script exclude each other")
        check_range("late_seconds", self.late_seconds, 0, CENTURY)

    @property
    def counts_edits(self) -> bool:
        """Whether it matters which edit of its token an edit is."""
        return bool(self.script) or self.quota is not None


class EditOutcome(msgspec.Struct, frozen=True):
    """How an edit ends: in words or silently, and what is true then; `late` is in seconds.

    Quotas and scripts count the edits whose outcome was `drawn`; faults decide about others.
    """

    silent: bool = False
    applied_state: AppliedState = "applied"
    late_seconds: float = 0.0
    from_policy: bool = False


def choose_outcome(
    silence: SilentTurnPolicy, draw: SeededRandom, key: TurnSeed, ordinal: int
) -> EditOutcome:
    """The outcome of a token's edit; `ordinal` counts its drawn edits from 1."""
    if silence.script:
        mark = silence.script[(ordinal - 1) % len(silence.script)]
        silent, truth = mark != _NOT_SILENT, _SCRIPTED.get(mark)
    else:
        silent, truth = _is_silent(silence, draw, key, ordinal), None
    if not silent:
        return EditOutcome(from_policy=True)
    truth = truth or _choose_applied_state(silence.truths, draw, key)
    return EditOutcome(
        True, truth, silence.late_seconds if truth == "late" else 0.0, from_policy=True
    )


def _is_silent(silence: SilentTurnPolicy, draw: SeededRandom, key: TurnSeed, ordinal: int) -> bool:
    if silence.quota is None:
        return draw.bernoulli(silence.rate, "silent", *key.key())
    wanted, size = silence.quota
    block, place = divmod(ordinal - 1, size)
    # The edits of a block are ranked by their draws; those with the lowest are the silent ones.
    ranked = sorted(range(size), key=lambda n: draw.random("quota", key.client_id, block, n))
    return place in ranked[:wanted]


def _choose_applied_state(
    truths: AppliedWeights, draw: SeededRandom, key: TurnSeed
) -> AppliedState:
    total = truths.applied + truths.not_applied + truths.late
    drawn = draw.uniform(0.0, total, "truth", *key.key())
    if drawn < truths.applied:
        return "applied"
    return "not_applied" if drawn < truths.applied + truths.not_applied else "late"
