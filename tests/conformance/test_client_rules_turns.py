"""Checks of turns: silent ones, cut ones, long ones; a journal that passes, one that fails."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from nemolocal_conformance.client_rules import cuts, listening, silences
from nemolocal_conformance.client_rules.rule import ClientCheck
from nemolocal_contract.journal import TurnEntry

MODULES = (silences, cuts, listening)
CUT = {"ending": "cut by fault", "text": ""}
GONE = {"ending": "cut by client", "text": ""}
FOREIGN = {"turn": None, "draft_before": None, "draft_after": None}


def silent(tale: Any) -> Any:
    return tale.begun().say(text="")


def cut(tale: Any) -> Any:
    return tale.begun().say(**CUT)


def looks(tale: Any, *pauses: float, draft: str = "before") -> Any:
    """Looks at the state, each after its pause."""
    for pause in pauses:
        tale.pause(pause).state(draft)
    return tale


def beats(until: float) -> list[float]:
    return [15.0 * n for n in range(1, int(until // 15) + 1)]


STORIES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "client.silent.state-read": (
        lambda t: silent(t).state("after").say("more"),
        lambda t: silent(t).say("more"),
    ),
    "client.resend": (
        lambda t: silent(t).state("after").say(),
        lambda t: silent(t).state().say(),
    ),
    "client.state.rhythm": (
        lambda t: looks(silent(t), 0, 30, 60, 60, 60),
        lambda t: looks(silent(t), 0, 5),
    ),
    "client.cut.state-read": (
        lambda t: cut(t).pause(30).state("after"),
        lambda t: cut(t).ask("balance"),
    ),
    "client.cut.wait": (
        lambda t: cut(t).pause(30).state("after"),
        lambda t: cut(t).pause(3).state("after"),
    ),
    "client.cut.rhythm": (
        lambda t: looks(cut(t), 30, 60, 60, 60, 60),
        lambda t: looks(cut(t), 30, 30),
    ),
    "client.cut.reads": (
        lambda t: looks(cut(t), 30, 60, 60, 60, 60),
        lambda t: looks(cut(t), 30, 60, 60, 60),
    ),
    "client.cut.resend": (
        lambda t: looks(cut(t), 30, 60, 60, 60, 60).say(),
        lambda t: looks(cut(t), 30).say(),
    ),
    "client.hang-up.resend": (
        lambda t: t.begun().say(**GONE).state("after").say(),
        lambda t: t.begun().say(**GONE).say(),
    ),
    "client.heartbeats.patience": (
        lambda t: t.say(**GONE, took=600, beats=beats(600)),
        lambda t: t.say(**GONE, took=60, beats=beats(60)),
    ),
    "client.heartbeats.limit": (
        lambda t: t.say(**GONE, took=600, beats=beats(600)),
        lambda t: t.say(**GONE, took=800, beats=beats(800)),
    ),
    "client.turn.limit": (
        lambda t: t.say(took=900),
        lambda t: t.say(took=1200),
    ),
}


@pytest.mark.rule("CLI-3", "CLI-4", "CLI-5", "SSE-7")
@pytest.mark.parametrize("check", STORIES)
def test_each_check_passes_one_journal_and_fails_another(
    check: str, tale: Any, verdict: Callable[..., Any]
) -> None:
    good, bad = STORIES[check]
    assert verdict(check, good(type(tale)())).outcome == "passed"
    found = verdict(check, bad(tale))
    assert found.outcome == ("failed" if found.level == "MUST" else "warning")
    assert found.reason
    assert found.expected
    assert found.actual
    assert set(found.entries) <= {entry.id for entry in tale.entries}


def checks_of(module: ModuleType) -> set[str]:
    return {value.id for value in vars(module).values() if isinstance(value, ClientCheck)}


def test_every_check_has_its_stories() -> None:
    assert set(STORIES) == set().union(*map(checks_of, MODULES))


@pytest.mark.parametrize(
    ("check", "begin"), [("client.resend", silent), ("client.cut.resend", cut)]
)
def test_a_message_that_is_sent_again_says_what_it_costs(
    check: str, begin: Callable[[Any], Any], tale: Any, verdict: Callable[..., Any]
) -> None:
    found = verdict(check, begin(tale).say(cost=100))
    assert (found.outcome, found.credits) == ("failed", 100)
    assert found.entries == (5, 6)


def test_the_end_of_the_journal_is_no_look_at_the_state(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    assert verdict("client.silent.state-read", silent(tale)).actual == "nothing more"
    assert verdict("client.cut.state-read", cut(type(tale)())).actual == "nothing more"


def test_what_is_asked_beside_it_is_no_look_at_the_state(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    silent(tale).ask("claim_token", body={"session_id": "1" * 19}).state("after")
    assert verdict("client.silent.state-read", tale).entries == (5, 7)


def test_a_stream_that_broke_off_with_nonsense_is_silent_all_the_same(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.begun().say(text="", reply='data: {"code":\n\n').say("more")
    assert verdict("client.silent.state-read", tale).outcome == "failed"


def test_an_excuse_is_no_word_for_the_user(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.begun().say(text="I encountered a temporary issue").say("more")
    assert verdict("client.silent.state-read", tale).outcome == "failed"


def test_more_than_five_looks_are_too_many(tale: Any, verdict: Callable[..., Any]) -> None:
    looks(silent(tale), 0, 30, 60, 60, 60, 60)
    assert verdict("client.state.rhythm", tale).outcome == "warning"
    other = looks(cut(type(tale)()), 30, 60, 60, 60, 60, 60)
    assert verdict("client.cut.reads", other).outcome == "failed"


def test_a_look_an_hour_later_is_the_users(tale: Any, verdict: Callable[..., Any]) -> None:
    looks(cut(tale), 30, 60, 60, 60, 60, 3600)
    assert verdict("client.cut.reads", tale).outcome == "passed"


def test_a_change_ends_the_looking(tale: Any, verdict: Callable[..., Any]) -> None:
    looks(cut(tale), 30, 60).pause(60).state("after")
    assert verdict("client.cut.reads", tale).outcome == "passed"


def test_a_look_that_failed_showed_nothing(tale: Any, verdict: Callable[..., Any]) -> None:
    tale = looks(cut(tale), 30).changed(code=500)
    assert verdict("client.cut.reads", tale).outcome == "failed"


def test_the_state_itself_tells_where_the_journal_knows_no_drafts(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    hidden = {"draft_before": None, "draft_after": None}
    tale.session().state(**hidden).say(**CUT, **hidden).pause(30).state("after", **hidden)
    assert verdict("client.cut.reads", tale).outcome == "passed"


@pytest.mark.parametrize(
    "check",
    ["client.cut.reads", "client.cut.rhythm", "client.cut.resend"],
)
def test_nobody_knows_what_changed_where_nobody_looked_before(
    check: str, tale: Any, verdict: Callable[..., Any]
) -> None:
    hidden = {"draft_before": None, "draft_after": None}
    tale.session().say(**CUT, **hidden).pause(30).state(**hidden).pause(60).state(**hidden).say()
    assert verdict(check, tale).outcome == "not judgeable"


def test_silence_that_nobody_saw_begin_is_not_judgeable(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    hidden = {"draft_before": None, "draft_after": None}
    tale.session().say(text="", **hidden).state(**hidden).pause(30).state(**hidden).say(**hidden)
    assert verdict("client.state.rhythm", tale).outcome == "not judgeable"
    assert verdict("client.resend", tale).outcome == "not judgeable"


@pytest.mark.parametrize("check", sorted(checks_of(cuts) - {"client.hang-up.resend"}))
def test_an_archive_that_tells_no_endings_cannot_clear_a_client_of_cuts(
    check: str, tale: Any, verdict: Callable[..., Any]
) -> None:
    journal = tale.begun().say().journal(endings=False, truth=False)
    assert verdict(check, journal).outcome == "not judgeable"


def test_who_stops_after_words_is_not_impatient(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.say(ending="cut by client", took=60)
    assert verdict("client.heartbeats.patience", tale).outcome == "not applicable"


def test_a_stream_without_its_moments_tells_nothing_of_patience(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.say(**GONE, took=60, beats=beats(60)).changed(chunks=())
    assert verdict("client.heartbeats.patience", tale).outcome == "not judgeable"


def test_a_long_stream_is_silent_only_if_the_server_says_so(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    told = TurnEntry(1, 1, "trim", False, "applied", 50)
    tale.begun().say(text="", response_size=100_000, turn=told).say("more")
    assert verdict("client.silent.state-read", tale).outcome == "not applicable"
    silent(type(tale)()).changed(turn=None, response_size=100_000)
    assert verdict("client.silent.state-read", tale).outcome == "not applicable"


@pytest.mark.parametrize("check", ["client.cut.wait", "client.cut.rhythm", "client.state.rhythm"])
@pytest.mark.parametrize(
    ("speed", "pauses", "outcome"),
    [
        (50.0, (0.6, 1.2), "passed"),
        (50.0, (0.1, 0.1), "bad"),
        (None, (0.6, 1.2), "not judgeable"),
        (None, (30.0, 60.0), "passed"),
        (1000.0, (0.03, 0.06), "not judgeable"),
        (1000.0, (0.001, 0.001), "bad"),
        (0.5, (60.0, 120.0), "passed"),
    ],
)
def test_waits_are_judged_by_the_clock_that_they_passed_on(
    speed: float | None,
    pauses: tuple[float, ...],
    outcome: str,
    check: str,
    tale: Any,
    verdict: Callable[..., Any],
) -> None:
    tale.speed = speed
    (silent if "state" in check else cut)(tale)
    for pause in pauses:
        tale.pause(pause).state(took=0.0)
    found = verdict(check, tale).outcome
    assert found == outcome or (outcome == "bad" and found in ("failed", "warning"))


@pytest.mark.parametrize("speed", [None, 50.0])
def test_patience_is_long_by_any_clock(
    speed: float | None, tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.speed = speed
    tale.say(**GONE, took=20, beats=(5.0, 10.0, 15.0, 20.0))
    found = verdict("client.heartbeats.patience", tale).outcome
    assert found == ("passed" if speed else "not judgeable")


def test_the_speed_may_be_said_by_who_knows_it(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.speed = None
    cut(tale).pause(0.6).state("after")
    assert verdict("client.cut.wait", tale).outcome == "not judgeable"
    assert verdict("client.cut.wait", tale, speed=50.0).outcome == "passed"
    assert verdict("client.cut.wait", tale, speed=1.0).outcome == "failed"
