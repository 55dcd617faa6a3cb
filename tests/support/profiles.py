"""How long this run searches: HYPOTHESIS_PROFILE=nightly draws many examples, and new ones."""

import os

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def examples(fast: int, deep: int) -> int:
    """So many examples in every run, and in a deep one."""
    return deep if DEEP else fast
