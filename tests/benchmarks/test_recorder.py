"""The benchmark of the recorder reads every chunk both ways and prints what is added."""

import re

import pytest

from benchmarks.recorder import main


@pytest.mark.slow
def test_chunks_are_read_directly_and_recorded(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--chunks", "7", "--pause", "1", "--rounds", "2"]) == 0
    told = capfd.readouterr().out
    assert re.search(r"directly +[\d.]+ ms .* median; [\d.]+ ms, 95 %", told)
    assert re.search(r"recorded +[\d.]+ ms .* median; [\d.]+ ms, 95 %", told)
    assert [line.split()[0] for line in told.splitlines()].count("added") == 2
    assert "KB of 14 chunks" in told
