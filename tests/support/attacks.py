"""Tries files that were made to do harm, as `fixtures/attacks/trial.py` does in a process."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TRIAL = Path(__file__).parents[2] / "fixtures" / "attacks" / "trial.py"
FRAMES = 6
"""How many a render of harmless media has there."""

Outcome = dict[str, Any]
"""`refused` or `frames` and `warnings`, and what it cost: `seconds`, `megabytes`."""

# Of processor time: on an idle machine harmless files take 0.25 s and the dearest bomb 1.04 s, and
# more where others want the same caches. What goes off has no end but that of its limits, 20 s.
_SECONDS, _MEGABYTES = 2.0, 300.0


def try_files(paths: Iterable[Path], work: Path) -> dict[str, Outcome]:
    """What came of each file, by its name; renders are `NAME.mp4` in the folder `work`."""
    work.mkdir()
    command = [sys.executable, str(TRIAL), str(work), *map(str, paths)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert list(work.glob("render-*")) == []
    return {outcome["name"]: outcome for outcome in map(json.loads, lines)}


def is_cheap(outcome: Outcome) -> bool:
    """Whether no process that looked into it took more than it may."""
    return bool(outcome["seconds"] < _SECONDS and outcome["megabytes"] < _MEGABYTES)
