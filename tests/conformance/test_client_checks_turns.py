"""Checks of turns: silent ones, cut ones, long ones; a journal that passes, one that fails."""

from typing import Any

import pytest

from nemolocal_conformance.client_checks import dropped_streams, silent_turns, stream_timeouts
from nemolocal_contract.journal import TurnEntry
from tests.support.journal_builder import Build, JournalBuilder, VerdictOf, check_ids

MODULES = (silent_turns, dropped_streams, stream_timeouts)
CUT: dict[str, Any] = {"ending": "cut by fault", "text": ""}
GONE: dict[str, Any] = {"ending": "cut by client", "text": ""}
HIDDEN: dict[str, Any] = {"draft_before": None, "draft_after": None}
FOREIGN: dict[str, Any] = {"turn": None, "draft_before": None, "draft_after": None}


def silent(builder: JournalBuilder) -> JournalBuilder:
    return builder.start().chat(text="")


def cut(builder: JournalBuilder) -> JournalBuilder:
    return builder.start().chat(**CUT)


def looks(builder: JournalBuilder, *pauses: float, draft: str = "before") -> JournalBuilder:
    """Add state reads, each after its pause."""
    for pause in pauses:
        builder.wait(pause).read_state(draft)
    return builder


def beats(until: float) -> list[float]:
    return [15.0 * n for n in range(1, int(until // 15) + 1)]


# Checks that fail programs alone: a user may have ended what they judge.
FOR_PROGRAMS = ("client.stream.to-end",)
CASES: dict[str, tuple[Build, Build]] = {
    "client.silent.state-read": (
        lambda b: silent(b).read_state("after").chat("more"),
        lambda b: silent(b).chat("more"),
    ),
    "client.resend": (
        lambda b: silent(b).read_state("after").chat("more"),
        lambda b: silent(b).read_state().chat(),
    ),
    "client.state.rhythm": (
        lambda b: looks(silent(b), 0, 30, 60, 60, 60),
        lambda b: looks(silent(b), 0, 5),
    ),
    "client.cut.state-read": (
        lambda b: cut(b).wait(30).read_state("after"),
        lambda b: cut(b).request("balance"),
    ),
    "client.cut.wait": (
        lambda b: cut(b).wait(30).read_state("after"),
        lambda b: cut(b).wait(3).read_state("after"),
    ),
    "client.cut.rhythm": (
        lambda b: looks(cut(b), 30, 60, 60, 60, 60),
        lambda b: looks(cut(b), 30, 30),
    ),
    "client.cut.reads": (
        lambda b: looks(cut(b), 30, 60, 60, 60, 60),
        lambda b: looks(cut(b), 30, 60, 60, 60),
    ),
    "client.cut.resend": (
        lambda b: looks(cut(b), 30, 60, 60, 60, 60).chat("more"),
        lambda b: looks(cut(b), 30).chat(),
    ),
    "client.hang-up.resend": (
        lambda b: b.start().chat(**GONE).read_state("after").chat("more"),
        lambda b: b.start().chat(**GONE).chat(),
    ),
    "client.heartbeats.patience": (
        lambda b: b.chat(**GONE, took=600, beats=beats(600)),
        lambda b: b.chat(**GONE, took=60, beats=beats(60)),
    ),
    "client.heartbeats.limit": (
        lambda b: b.chat(**GONE, took=600, beats=beats(600)),
        lambda b: b.chat(**GONE, took=800, beats=beats(800)),
    ),
    "client.stream.to-end": (
        lambda b: b.chat(),
        lambda b: b.chat(ending="cut by client").read_state(),
    ),
    "client.turn.limit": (
        lambda b: b.chat(took=900),
        lambda b: b.chat(took=1200),
    ),
}


@pytest.mark.rule("CLI-3", "CLI-4", "CLI-5", "SSE-7")
@pytest.mark.parametrize("check", CASES)
def test_check_passes_one_journal_and_fails_another(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    good, bad = CASES[check]
    assert verdict(check, good(JournalBuilder())).outcome == "passed"
    found = verdict(check, bad(builder), fixed_job=check in FOR_PROGRAMS)
    assert found.outcome == ("failed" if found.level == "MUST" else "warning")
    assert found.reason
    assert found.expected
    assert found.actual
    assert set(found.entries) <= {entry.id for entry in builder.entries}


def test_every_check_has_a_passing_and_a_failing_journal() -> None:
    assert set(CASES) == check_ids(*MODULES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "begin"), [("client.resend", silent), ("client.cut.resend", cut)]
)
def test_resend_reports_its_cost(
    check: str, begin: Build, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    found = verdict(check, begin(builder).chat(cost=100))
    assert (found.outcome, found.credits) == ("failed", 100)
    assert found.entries == (5, 6)


RESENDS: dict[str, Build] = {
    "client.resend": silent,
    "client.cut.resend": cut,
    "client.hang-up.resend": lambda b: b.start().chat(**GONE),
}


@pytest.mark.parametrize("check", RESENDS)
@pytest.mark.parametrize(
    "look",
    [lambda b: b.wait(30).read_state("after"), lambda b: looks(b, 30, 60, 60, 60, 60)],
)
def test_repetition_right_after_the_last_read_is_the_clients(
    check: str, look: Build, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    """Seen changes, or five reads without one, do not allow the client itself to resend."""
    found = verdict(check, look(RESENDS[check](builder)).wait(1.9).chat())
    assert (found.outcome, found.credits) == ("failed", 50)


@pytest.mark.parametrize("check", RESENDS)
@pytest.mark.parametrize("speed", [1.0, 200.0])
def test_repetition_may_be_the_users_after_two_seconds(
    check: str, speed: float, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.speed = speed
    RESENDS[check](builder).wait(30).read_state("after").wait(2.1).chat()
    found = verdict(check, builder)
    assert found.outcome == "not judgeable"
    assert found.reason == "the user may have repeated the message"


@pytest.mark.parametrize("check", RESENDS)
def test_user_may_look_again_before_the_repetition(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    RESENDS[check](builder).wait(30).read_state("after").wait(9).request("balance").wait(3).chat()
    assert verdict(check, builder).outcome == "not judgeable"


@pytest.mark.parametrize("check", RESENDS)
def test_clock_that_stands_still_does_not_tell_who_repeated(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.speed = None
    RESENDS[check](builder).read_state("after").chat()
    assert verdict(check, builder).outcome == "not judgeable"


@pytest.mark.parametrize("check", RESENDS)
@pytest.mark.parametrize(
    "repeat",
    [
        lambda b: b.wait(30).read_state("after").wait(600).chat(),
        lambda b: looks(b, 30, 60, 60, 60, 60).wait(600).chat(),
        lambda b: b.wait(30).read_state("after").upload("b.mp4").chat(),
        lambda b: b.wait(30).read_state("after").open_session("2" * 19).upload().chat(),
        lambda b: b.wait(-5).chat(),
    ],
)
def test_program_with_a_fixed_job_repeats_nothing(
    check: str, repeat: Build, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    """It has no user: neither a pause, nor another session or upload, excuses a repetition."""
    found = verdict(check, repeat(RESENDS[check](builder)), fixed_job=True)
    assert (found.outcome, found.credits) == ("failed", 50)


def test_program_with_a_fixed_job_repeats_no_answered_message(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    """It may not have understood the text, and a user may want the same edit twice."""
    builder.start().chat("brighter").wait(60).chat("brighter")
    assert verdict("client.resend", builder, fixed_job=True).outcome == "failed"
    assert verdict("client.resend", builder).outcome == "not applicable"


@pytest.mark.parametrize("check", RESENDS)
def test_program_says_the_message_again_where_the_session_is_lost(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    RESENDS[check](builder).wait(30).read_state(code=1002).open_session("2" * 19).chat()
    assert verdict(check, builder, fixed_job=True).outcome == "passed"


@pytest.mark.parametrize("check", RESENDS)
def test_program_goes_on_with_another_message(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    RESENDS[check](builder).wait(30).read_state("after").chat("more").chat()
    assert verdict(check, builder, fixed_job=True).outcome == "passed"


def test_end_of_the_journal_is_not_a_state_read(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    assert verdict("client.silent.state-read", silent(builder)).actual == "nothing more"
    assert verdict("client.cut.state-read", cut(JournalBuilder())).actual == "nothing more"


def test_other_calls_are_not_state_reads(builder: JournalBuilder, verdict: VerdictOf) -> None:
    silent(builder).request("claim_token", body={"session_id": "1" * 19}).read_state("after")
    assert verdict("client.silent.state-read", builder).entries == (5, 7)


def test_stream_with_an_unreadable_last_event_is_silent(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.start().chat(text="", reply='data: {"code":\n\n').chat("more")
    assert verdict("client.silent.state-read", builder).outcome == "failed"


def test_temporary_issue_text_counts_as_silent(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.start().chat(text="I encountered a temporary issue").chat("more")
    assert verdict("client.silent.state-read", builder).outcome == "failed"


def test_more_than_five_state_reads_fail(builder: JournalBuilder, verdict: VerdictOf) -> None:
    looks(silent(builder), 0, 30, 60, 60, 60, 60)
    assert verdict("client.state.rhythm", builder).outcome == "warning"
    other = looks(cut(JournalBuilder()), 30, 60, 60, 60, 60, 60)
    assert verdict("client.cut.reads", other).outcome == "failed"


def test_state_read_an_hour_later_is_the_users(builder: JournalBuilder, verdict: VerdictOf) -> None:
    looks(cut(builder), 30, 60, 60, 60, 60, 3600)
    assert verdict("client.cut.reads", builder).outcome == "passed"


def test_changed_draft_ends_the_state_reads(builder: JournalBuilder, verdict: VerdictOf) -> None:
    looks(cut(builder), 30, 60).wait(60).read_state("after")
    assert verdict("client.cut.reads", builder).outcome == "passed"


def test_failed_state_read_shows_nothing(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder = looks(cut(builder), 30).replace_last(code=500)
    assert verdict("client.cut.reads", builder).outcome == "failed"


def test_state_shows_changes_if_the_journal_has_no_drafts(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.open_session().read_state(**HIDDEN).chat(**CUT, **HIDDEN).wait(30).read_state(
        "after", **HIDDEN
    )
    assert verdict("client.cut.reads", builder).outcome == "passed"


@pytest.mark.parametrize(
    "check",
    ["client.cut.reads", "client.cut.rhythm", "client.cut.resend"],
)
def test_change_is_unknown_without_an_earlier_read(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.open_session().chat(**CUT, **HIDDEN).wait(30).read_state(**HIDDEN).wait(60).read_state(
        **HIDDEN
    ).chat()
    assert verdict(check, builder).outcome == "not judgeable"


def test_gap_of_unrecorded_events_is_not_judgeable(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.open_session().chat(text="", **HIDDEN).read_state(**HIDDEN).wait(30).read_state(
        **HIDDEN
    ).chat(**HIDDEN)
    assert verdict("client.state.rhythm", builder).outcome == "not judgeable"
    assert verdict("client.resend", builder).outcome == "not judgeable"


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(check_ids(dropped_streams) - {"client.hang-up.resend"}))
def test_har_without_endings_leaves_cut_checks_inconclusive(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    journal = builder.start().chat().journal(has_endings=False, has_server_state=False)
    assert verdict(check, journal).outcome == "not judgeable"


def test_client_may_stop_after_text(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.chat(ending="cut by client", took=60)
    assert verdict("client.heartbeats.patience", builder).outcome == "not applicable"


def test_stream_without_times_is_inconclusive(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.chat(**GONE, took=60, beats=beats(60)).replace_last(chunks=())
    assert verdict("client.heartbeats.patience", builder).outcome == "not judgeable"


def test_long_stream_is_silent_only_by_the_servers_record(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    reported = TurnEntry(1, 1, "trim", False, "applied", 50)
    builder.start().chat(text="", response_size=100_000, turn=reported).chat("more")
    assert verdict("client.silent.state-read", builder).outcome == "not applicable"
    silent(JournalBuilder()).replace_last(turn=None, response_size=100_000)
    assert verdict("client.silent.state-read", builder).outcome == "not applicable"


@pytest.mark.slow
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
def test_waits_are_compared_by_the_journals_clock(
    speed: float | None,
    pauses: tuple[float, ...],
    outcome: str,
    check: str,
    builder: JournalBuilder,
    verdict: VerdictOf,
) -> None:
    builder.speed = speed
    (silent if "state" in check else cut)(builder)
    for pause in pauses:
        builder.wait(pause).read_state(took=0.0)
    found = verdict(check, builder).outcome
    assert found == outcome or (outcome == "bad" and found in ("failed", "warning"))


@pytest.mark.parametrize("speed", [None, 50.0])
def test_stream_timeouts_hold_for_any_clock(
    speed: float | None, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.speed = speed
    builder.chat(**GONE, took=20, beats=(5.0, 10.0, 15.0, 20.0))
    found = verdict("client.heartbeats.patience", builder).outcome
    assert found == ("passed" if speed else "not judgeable")


def test_speed_may_be_given(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.speed = None
    cut(builder).wait(0.6).read_state("after")
    assert verdict("client.cut.wait", builder).outcome == "not judgeable"
    assert verdict("client.cut.wait", builder, speed=50.0).outcome == "passed"
    assert verdict("client.cut.wait", builder, speed=1.0).outcome == "failed"


@pytest.mark.parametrize(
    ("ending", "then", "fixed_job"),
    [("cut by client", True, False), ("cut by client", False, True)],
)
def test_stream_that_a_user_may_have_left_is_inconclusive(
    ending: Any, then: bool, fixed_job: bool, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    """A user cancels a turn; a program is stopped in the middle of one."""
    builder.chat(ending=ending)
    if then:
        builder.read_state()
    found = verdict("client.stream.to-end", builder, fixed_job=fixed_job)
    assert found.outcome == "not judgeable"


def test_stream_left_after_15_minutes_or_an_error_is_right(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    failure = 'data: {"code": 2001, "message": "no credits", "data": null}\n\n'
    builder.chat(ending="cut by client", took=890).read_state()
    builder.chat(ending="cut by client", reply=failure, chunks=((1.0, len(failure)),)).read_state()
    assert verdict("client.stream.to-end", builder, fixed_job=True).outcome == "passed"


def test_left_stream_on_an_unknown_clock_is_inconclusive(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.speed = None
    builder.chat(ending="cut by client").read_state()
    found = verdict("client.stream.to-end", builder, fixed_job=True)
    assert found.outcome == "not judgeable"


def test_stream_that_is_left_within_its_first_event_is_left_too_early(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.chat(ending="cut by client", took=2, reply="data: {", chunks=((1.0, 7),))
    assert verdict("client.heartbeats.patience", builder).outcome == "failed"
