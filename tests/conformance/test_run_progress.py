"""The file of a run that can be continued."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nemolocal_conformance.account_context import TargetAccount
from nemolocal_conformance.reply_violation import ReplyViolation
from nemolocal_conformance.run_progress import (
    BegunCheck,
    FinishedCheck,
    FirstBalance,
    ProgressUnusable,
    UnfinishedCheck,
    open_progress,
)
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.verdicts import Verdict

URL, TOKEN = "http://a.test", "nmv_usr_mine"
ACCOUNT = TargetAccount("nmv_usr_1", "anon_1", "client", {"credits": 100})
VIOLATION = ReplyViolation("chat", "SSE-2", "id", "new", 7)


def verdict(check: str) -> Verdict:
    known = server_catalogue()[check]
    return Verdict(
        check=check, rules=known.rules, sentence="", level="MUST", grade="D", outcome="passed"
    )


def fill(path: Path) -> None:
    with open_progress(path, URL, "") as progress:
        progress.begin("token")
        progress.keep("token", ACCOUNT)
        progress.keep("watched", [{"status": "completed"}])
        progress.keep("oversized", object())
        progress.write(FirstBalance(100.0))
        progress.write(BegunCheck("state.newest", 100.0))
        progress.write(BegunCheck("state.draft.text-type", 50.0))
        progress.write(BegunCheck("token.new.distinct", None))
        progress.write(UnfinishedCheck("token.new.distinct", 1))
        progress.write(FinishedCheck(verdict("state.newest"), (VIOLATION,)))


def test_another_process_finds_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    fill(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with open_progress(path, f"{URL}/", "") as progress:
        assert progress.load("token") == ACCOUNT
        assert progress.load("watched") == [{"status": "completed"}]
        assert progress.load("oversized") is None
        assert progress.first_balance == 100
        assert progress.verdicts.keys() == {"state.newest"}
        assert progress.violations == [VIOLATION]
        assert [begun.check for begun in progress.interrupted] == ["state.draft.text-type"]
        assert progress.tokens == 1


def test_line_that_a_killed_process_left_torn_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"result","name":"edi')
    with open_progress(path, URL, "") as progress:
        assert "edited" not in progress.results
        progress.keep("edited", "17")
    with open_progress(path, URL, "") as progress:
        assert progress.load("edited") == "17"


def test_token_that_was_requested_counts_unless_it_was_refused(tmp_path: Path) -> None:
    """A killed process may not have seen the reply."""
    with open_progress(tmp_path / "run.jsonl", URL, "") as progress:
        progress.begin("token")
        progress.begin("session")
        assert progress.tokens == 1
        progress.abandon("token")
        progress.abandon("session")
        assert progress.tokens == 0
        progress.begin("token")
    with open_progress(tmp_path / "run.jsonl", URL, "") as progress:
        assert progress.tokens == 1


@pytest.mark.parametrize(
    ("url", "token", "reason"),
    [("http://b.test", "", "is of http://a.test"), (URL, TOKEN, "with a token of its own")],
)
def test_run_of_another_server_or_token_is_not_continued(
    url: str, token: str, reason: str, tmp_path: Path
) -> None:
    fill(tmp_path / "run.jsonl")
    with (
        pytest.raises(ProgressUnusable, match=reason),
        open_progress(tmp_path / "run.jsonl", url, token),
    ):
        pass


def test_given_token_is_not_in_the_file_and_must_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with open_progress(path, URL, TOKEN):
        pass
    assert TOKEN not in path.read_text()
    with open_progress(path, URL, TOKEN) as progress:
        assert progress.verdicts == {}
    with pytest.raises(ProgressUnusable, match="another token"), open_progress(path, URL, ""):
        pass


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("text\n", "line 1"),
        ("no line", "is no file of --state"),
        (
            '{"type":"header","version":"0.0.1","base_url":"http://a.test","token":""}\n',
            "another version",
        ),
        ('{"type":"balance","available":1}\n', "another version"),
    ],
)
def test_other_file_is_left_as_it_is(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(ProgressUnusable, match=reason), open_progress(path, URL, ""):
        pass
    assert path.read_text() == content


def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgressUnusable, match="cannot open"), open_progress(tmp_path, URL, ""):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
def test_two_processes_do_not_use_one_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    script = (
        "import sys; from pathlib import Path;"
        "from nemolocal_conformance.run_progress import open_progress\n"
        f"with open_progress(Path(sys.argv[1]), {URL!r}, ''): pass"
    )
    with open_progress(path, URL, ""):
        other = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
        )
    assert "another process uses" in other.stderr
