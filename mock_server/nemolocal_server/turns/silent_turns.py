"""Silent turns: which edits end without a text, and whether they were applied (SSE-5).

A silent edit was applied, was not applied, or is applied only after the stream has closed. All
three look the same on the wire: only a client that reads the state can tell.
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
# All positions of a quota are ranked for each edit.
_LARGEST_QUOTA = 10_000


class AppliedWeights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a silent edit was applied, not applied, or is applied late, as weights."""

    applied: float = 1.0
    not_applied: float = 0.0
    late: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for weights that no draw can use."""
        weights = (self.applied, self.not_applied, self.late)
        for name, weight in zip(self.__struct_fields__, weights, strict=True):
            check_finite(f"truths.{name}", weight)
        if min(weights) < 0 or sum(weights) <= 0:
            raise ValueError("truths must be weights of 0 or more, and not all 0")


class SilentTurnPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which edits are silent: by `script`, else by `quota`, else each with the probability `rate`.

    `quota` (k, n) is exactly k of every n edits of a token. `script` has a character for each of
    its edits and repeats: `.` has a text; `s` is silent and drawn by the weights `truths`; `a`,
    `n` and `l` are silent and applied, not applied, applied late. A late edit is applied
    `late_seconds` of the server's clock after its stream has closed.
    """

    rate: float = 0.3
    quota: tuple[int, int] | None = None
    script: str = ""
    truths: AppliedWeights = AppliedWeights()
    late_seconds: float = 20.0

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range, naming the setting."""
        if not 0 <= self.rate <= 1:
            raise ValueError(f"silent rate must be from 0 to 1, not {self.rate}")
        if self.quota is not None and not 0 <= self.quota[0] <= self.quota[1] > 0:
            given = "/".join(map(str, self.quota))
            raise ValueError(f"silent quota must be K/N with 0 <= K <= N, not {given}")
        if self.quota is not None:
            check_range("silent quota N", self.quota[1], 1, _LARGEST_QUOTA)
        if unknown := set(self.script) - {_NOT_SILENT, *_SCRIPTED}:
            marks = " ".join(sorted(unknown))
            raise ValueError(f"silent script has {marks}: only . s a n l are allowed")
        if self.quota is not None and self.script:
            raise ValueError("silent quota and silent script cannot be combined")
        check_range("late_seconds", self.late_seconds, 0, CENTURY)

    @property
    def counts_edits(self) -> bool:
        """Whether the outcome depends on how many edits the token has made before."""
        return bool(self.script) or self.quota is not None


class EditOutcome(msgspec.Struct, frozen=True):
    """How an edit ends: with a text or silently, and whether it was applied.

    `from_policy` edits count for quotas and scripts; faults decide about the others.
    """

    silent: bool = False
    applied_state: AppliedState = "applied"
    late_seconds: float = 0.0
    from_policy: bool = False


def choose_outcome(
    policy: SilentTurnPolicy, rng: SeededRandom, seed: TurnSeed, ordinal: int
) -> EditOutcome:
    """Return the outcome of a token's edit; `ordinal` counts its edits by policy from 1."""
    if policy.script:
        mark = policy.script[(ordinal - 1) % len(policy.script)]
        silent, state = mark != _NOT_SILENT, _SCRIPTED.get(mark)
    else:
        silent, state = _is_silent(policy, rng, seed, ordinal), None
    if not silent:
        return EditOutcome(from_policy=True)
    state = state or _choose_applied_state(policy.truths, rng, seed)
    return EditOutcome(
        True, state, policy.late_seconds if state == "late" else 0.0, from_policy=True
    )


def _is_silent(policy: SilentTurnPolicy, rng: SeededRandom, seed: TurnSeed, ordinal: int) -> bool:
    if policy.quota is None:
        return rng.bernoulli(policy.rate, "silent", *seed.key())
    silent_count, size = policy.quota
    block, position = divmod(ordinal - 1, size)
    # The edits of a block are ranked by their random numbers; the lowest ones are silent.
    ranked = sorted(range(size), key=lambda n: rng.random("quota", seed.client_id, block, n))
    return position in ranked[:silent_count]


def _choose_applied_state(
    weights: AppliedWeights, rng: SeededRandom, seed: TurnSeed
) -> AppliedState:
    total = weights.applied + weights.not_applied + weights.late
    drawn = rng.uniform(0.0, total, "truth", *seed.key())
    if drawn < weights.applied:
        return "applied"
    return "not_applied" if drawn < weights.applied + weights.not_applied else "late"
