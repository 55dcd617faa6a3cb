"""How long this run searches: HYPOTHESIS_PROFILE=nightly draws many examples, and new ones."""

import os

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(always: int, nightly: int) -> int:
    """How many examples to draw: in every run, and in one of the nightly profile."""
    return nightly if NIGHTLY else always
