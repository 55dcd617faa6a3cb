"""Faults at random moments of renders; `python -m tests.farm.chaos --seeds 20` runs more."""

import subprocess
import sys

import pytest

from tests.farm.chaos import FAULTS
from tests.farm.conftest import find_engine
from tests.farm.packet_link import is_possible

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]


@pytest.mark.parametrize("seeds", [2, pytest.param(6, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_random_moment_changes_no_byte_and_leaves_nothing(
    fault: str, seeds: int
) -> None:
    find_engine()
    if fault == "link" and not is_possible():
        pytest.skip("only root on Linux may make a network")
    command = [sys.executable, "-m", "tests.farm.chaos", "--seeds", str(seeds), "--faults", fault]
    done = subprocess.run(command, capture_output=True, text=True, timeout=7200)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(f"{fault} ")]
    assert len(lines) == seeds, done.stdout
