"""Who judges exits with 1 for a verdict only: wrong usage is 2, as where argparse finds it."""

import pytest

from nemolocal.command import main

NO_PROGRAM = "nothing to run: name a program after --"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("conform --only zzz", "no check has such an id"),
        ("conform --only zzz --list", "no check has such an id"),
        ("conform --only general. --only zzz", "--only zzz: no check has such an id"),
        ("conform --only token.life --smoke", "none of these checks is one of --smoke"),
        ("verdict --only client. --only zzz x.jsonl", "--only zzz: no check has such an id"),
        ("conform-client --only plain --only zzz -- true", "--only zzz: no scenario has such"),
        ("conform --explain zzz", "no check is called 'zzz'"),
        ("conform --random 2 --only token.", "scripts have none"),
        ("verdict --only zzz", "no check has such an id"),
        ("verdict --explain zzz", "no check has such an id"),
        ("verdict", "name a JOURNAL"),
        ("conform-client --only zzz -- true", "no scenario has such a name"),
        ("conform-client --only zzz --list", "no scenario has such a name"),
        ("conform-client", NO_PROGRAM),
        ("conform-client --", NO_PROGRAM),
        ("conform-client --timeout 0 -- true", "--timeout must be greater than 0"),
        ("exec", NO_PROGRAM),
        ("exec --verdict --", NO_PROGRAM),
        ("exec --allow-host a:b -- true", "--allow-host must be HOST or HOST:PORT"),
    ],
)
def test_wrong_usage_is_two_and_one_line(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(words.split()) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("nemolocal: ")
    assert said in told.err
    assert told.err.count("\n") == 1
