"""A few of the generated mutants, drawn by the commit: the same ones each time for one commit."""

import random
from collections.abc import Sequence


def draw_sample(names: Sequence[str], fraction: float, seed: str) -> list[str]:
    """Return this share of the mutants, in their order."""
    drawn = set(random.Random(seed).sample(names, round(len(names) * fraction)))
    return [name for name in names if name in drawn]
