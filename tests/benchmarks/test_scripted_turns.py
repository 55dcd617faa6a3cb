"""The measurement of scripted turns runs, and compares both kinds."""

import pytest

from benchmarks.scripted_turns import main


@pytest.mark.slow
def test_both_kinds_of_turns_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--turns", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["agent", "scripted", "ratio"]
