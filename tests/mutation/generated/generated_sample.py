"""A few of the generated mutants, drawn by the commit: the same ones each time for one commit."""

import hashlib
import random
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

_ROOT = Path(__file__).parents[3]


def draw_sample(names: Sequence[str], fraction: float, seed: str) -> list[str]:
    """Return this share of the mutants, in their order."""
    drawn = set(random.Random(seed).sample(names, round(len(names) * fraction)))
    return [name for name in names if name in drawn]


def commit_seed() -> str:
    """Return the commit of this working tree, or without git a hash of the contract's sources."""
    try:
        head = ("git", "rev-parse", "--verify", "--quiet", "HEAD")
        found = subprocess.run(head, cwd=_ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return _contract_hash()
    return found.stdout.strip()


def _contract_hash() -> str:
    digest = hashlib.sha256()
    for source in sorted(files("nemolocal_contract").iterdir(), key=lambda one: one.name):
        if source.is_file():
            digest.update(source.read_bytes())
    return digest.hexdigest()
