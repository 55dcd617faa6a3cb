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
"""`refused` or `frames` and `warnings`, and what it cost: `seconds` of the processor (of those that
it `may_take`) and `megabytes`."""

# How many times the processor time of a harmless title, tried in the same process: the dearest bomb
# takes 4 times as much on an idle machine, and all take more where others want the same caches.
# What goes off has no end but that of its limits, which is 80 times as much.
_TIMES, _MEGABYTES = 10.0, 300.0
_HARMLESS = {"txt": "Hi"}


def try_files(paths: Iterable[Path], work: Path) -> dict[str, Outcome]:
    """What came of each file, by its name; renders are `NAME.mp4` in the folder `work`."""
    work.mkdir()
    harmless = work / "harmless.json"
    harmless.write_text(json.dumps(_HARMLESS), encoding="utf-8")
    command = [sys.executable, str(TRIAL), str(work), str(harmless), *map(str, paths)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert list(work.glob("render-*")) == []
    first, *outcomes = map(json.loads, lines)
    assert first["frames"] == FRAMES, first
    return {
        outcome["name"]: {**outcome, "may_take": _TIMES * first["seconds"]} for outcome in outcomes
    }


def is_cheap(outcome: Outcome) -> bool:
    """Whether no process that looked into it took more than it may."""
    return bool(outcome["seconds"] < outcome["may_take"] and outcome["megabytes"] < _MEGABYTES)
