"""Chance that the commit decides: a commit always has the same draw, the next one another."""

import functools
import random
import subprocess
from pathlib import Path


def commit_draw(name: str) -> random.Random:
    """Return the draw of a test for the commit that is checked out."""
    return random.Random(f"{commit_seed()} {name}")


@functools.cache
def commit_seed() -> str:
    """Return the id of the commit that is checked out, "" outside of a clone."""
    words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
