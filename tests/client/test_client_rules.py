"""Every rule for clients, and that its promise fails when one line of the library is broken.

Each row of the table names a rule, the promise that shows it (in `promises.py`), and a line of the
library with a wrong one to put in its place. So no promise is an empty one.
"""

import importlib
import importlib.machinery
import importlib.util
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import msgspec
import pytest

import nemolocal_client
from nemolocal_contract.rules import rules

PACKAGE = "nemolocal_client"
PROMISES = runpy.run_path(str(Path(__file__).with_name("promises.py")))


class Row(msgspec.Struct, frozen=True):
    """A rule, its promise, and a line of a module with what breaks it."""

    rule: str
    promise: str
    module: str
    line: str
    broken: str


TABLE = [
    Row("CLI-1", "names_itself", "exchange",
        '"headers": encoded,', '"headers": {},'),
    Row("CLI-2", "keeps_talk_of_files_in_the_chat", "routing",
        r"\b(?:export|download)\b|\bsend", r"(?:export|download)|\bsend"),
    Row("CLI-2", "keeps_talk_of_files_in_the_chat", "routing",
        '_NEGATED.sub(" ", _QUOTED.sub(" ", message))', '_QUOTED.sub(" ", message)'),
    Row("CLI-2", "keeps_talk_of_files_in_the_chat", "routing",
        "if edit and not words.never_an_edit:", "if False:"),
    Row("CLI-3", "tells_what_a_silent_turn_changed", "turns",
        "if heard.texts and not heard.cut:", "if True:"),
    Row("CLI-3", "looks_five_times_after_a_silence", "polling",
        "AFTER_SILENCE = (0.0, 30.0, 60.0, 60.0, 60.0)", "AFTER_SILENCE = (0.0,)"),
    Row("CLI-4", "looks_five_times_after_a_cut", "polling",
        "AFTER_CUT = (30.0, 60.0, 60.0, 60.0, 60.0)", "AFTER_CUT = (0.0, 60.0, 60.0, 60.0, 60.0)"),
    Row("CLI-4", "looks_five_times_after_a_cut", "turns",
        "if after is not None and after.state != before.state:", "if after is not None:"),
    Row("CLI-4", "never_sends_again", "listening",
        "        heard.cut = True\n        return heard\n",
        "        return (yield from listen(session, message))\n"),
    Row("CLI-5", "says_that_it_works_every_two_minutes", "polling",
        "_NOTE_EVERY = 120.0", "_NOTE_EVERY = 150.0"),
    Row("CLI-5", "gives_up_after_ten_minutes_of_heartbeats", "polling",
        "_HEARTBEATS_ONLY = 600.0", "_HEARTBEATS_ONLY = 660.0"),
    Row("CLI-5", "gives_up_after_ten_minutes_of_heartbeats", "listening",
        "elif not isinstance(event, Heartbeat):", "else:"),
    Row("CLI-5", "gives_up_after_fifteen_minutes", "polling",
        "_TURN = 900.0", "_TURN = 960.0"),
    Row("CLI-6", "shows_no_tools_and_no_gui", "listening",
        "self.translator.take(text)", "text"),
    Row("CLI-6", "shows_no_tools_and_no_gui", "listening",
        "excuse = any(s in lowered for s in _TEMPORARY_ISSUE)", "excuse = False"),
    Row("CLI-7", "renews_its_token_once", "identity",
        "if isinstance(failure, BadToken) and not account.fixed:", "if False:"),
    Row("CLI-7", "renews_its_token_once", "identity",
        "client_id: str = yield RecallClientId()", "client_id: str = yield RenewClientId()"),
    Row("CLI-7", "waits_thirty_seconds_when_told_that_it_asks_too_often", "polling",
        "RATE_LIMIT_PAUSE = 30.0", "RATE_LIMIT_PAUSE = 10.0"),
    Row("CLI-7", "waits_thirty_seconds_when_told_that_it_asks_too_often", "identity",
        "    if isinstance(failure_of(reply), RateLimited):",
        "    while isinstance(failure_of(reply), RateLimited):"),
    Row("CLI-7", "makes_a_client_id_when_it_is_refused", "identity",
        "except BadRequest:", "except ZeroDivisionError:"),
    Row("CLI-7", "says_what_to_do_about_a_refusal", "failures",
        "return ExportBlocked()", "return ExportBlocked(message)"),
    Row("CLI-7", "says_what_to_do_about_a_refusal", "failures",
        "return OutOfCredits(message, user_id=user_id)", "return OutOfCredits(message)"),
    Row("CLI-7", "says_what_to_do_about_a_refusal", "errors",
        'remedy = "compress or trim it first"', 'remedy = "try again"'),
    Row("CLI-8", "exports_nothing_that_is_empty", "exports",
        "if not draft.ready:", "if False:"),
    Row("CLI-8", "polls_ten_times_thirty_seconds_apart", "polling",
        "seconds: float = 30.0", "seconds: float = 5.0"),
    Row("CLI-8", "polls_ten_times_thirty_seconds_apart", "polling",
        "times: int = 10", "times: int = 11"),
    Row("CLI-8", "renders_once_more_with_a_new_id", "exports",
        'if status.status == "failed" and session.rendering:', "if False:"),
    Row("CLI-8", "renders_once_more_with_a_new_id", "exports",
        "max(int(now * 1000), session.last_render + 1)", "int(now * 1000)"),
    Row("CLI-8", "downloads_from_elsewhere_where_the_url_is_gone", "downloads",
        "except (BackendError, BadReply, TransportFailed, DownloadFailed):",
        "except ZeroDivisionError:"),
    Row("CLI-9", "shows_its_token_to_nobody_else", "downloads",
        "_bring(None, Download(", "_bring(account, Download("),
    Row("CLI-9", "shows_its_token_to_nobody_else", "errors",
        '_TOKENS.sub("…", " ".join(text.split()))', '" ".join(text.split())'),
    Row("CLI-9", "comes_back_as_the_same_client", "profile",
        'kept = self._read("client-id").strip()', 'kept = ""'),
    Row("CLI-9", "comes_back_as_the_same_client", "profile",
        "os.O_EXCL, 0o600)", "os.O_EXCL, 0o644)"),
    Row("CLI-9", "comes_back_as_the_same_client", "identity",
        "    yield KeepToken(kept)", "    yield Now()"),
    Row("CLI-10", "begins_and_ends_politely", "workspace",
        'yield Notice("connecting", "Connecting…")', "yield from ()"),
    Row("CLI-10", "begins_and_ends_politely", "sessions",
        "{CLAIM_PAGE.template}?ct=", "{CLAIM_PAGE.template}?token="),
    Row("CLI-10", "polls_ten_times_thirty_seconds_apart", "exports",
        'yield Notice("render", "Rendering", status.progress / 100)', "pass"),
]  # fmt: skip


class BrokenLine(MetaPathFinder):
    """Finds one module with a line exchanged, and leaves all others to Python."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != f"{PACKAGE}.{self._row.module}":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = BrokenLoader(name, spec.origin, self._row)
        return spec


class BrokenLoader(importlib.machinery.SourceFileLoader):
    """Compiles the module with the line exchanged."""

    def __init__(self, name: str, path: str, row: Row) -> None:
        super().__init__(name, path)
        self._row = row

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text(encoding="utf-8")
        assert source.count(self._row.line) == 1, f"{self._row.line!r} is not in it once"
        changed = source.replace(self._row.line, self._row.broken)
        # Named so, it is no file of which anybody asks how much of it was tested.
        code: CodeType = compile(changed, f"<{fullname}>", "exec")
        return code


@contextmanager
def broken(row: Row) -> Iterator[ModuleType]:
    """The library imported anew, with the line of a row broken."""
    whole = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_ours(name)}
    finder = BrokenLine(row)
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(PACKAGE)
    finally:
        sys.meta_path.remove(finder)
        for name in list(sys.modules):
            if _is_ours(name):
                del sys.modules[name]
        sys.modules.update(whole)


def _is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def keep(promise: str, nemo: ModuleType, backend: Any, cut: Any, folder: Path) -> None:
    PROMISES[promise](PROMISES["Scene"](nemo, backend, cut, folder))


@pytest.mark.rule(
    "CLI-1", "CLI-2", "CLI-3", "CLI-4", "CLI-5", "CLI-6", "CLI-7", "CLI-8", "CLI-9", "CLI-10"
)
@pytest.mark.parametrize("promise", sorted({row.promise for row in TABLE}))
def test_promise_is_kept(promise: str, backend: Any, cut: Any, tmp_path: Path) -> None:
    keep(promise, nemolocal_client, backend, cut(), tmp_path)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.rule} {row.broken[:40]}")
def test_promise_fails_when_a_line_is_broken(
    row: Row, backend: Any, cut: Any, tmp_path: Path
) -> None:
    with broken(row) as nemo:
        noticed = (AssertionError, pytest.fail.Exception, nemo.NemoError)
        with pytest.raises(noticed):
            keep(row.promise, nemo, backend, cut(), tmp_path)


def test_every_rule_for_clients_has_a_promise() -> None:
    assert {row.rule for row in TABLE} == {rule for rule in rules() if rule.startswith("CLI-")}
