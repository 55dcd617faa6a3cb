"""Checks of requests, tokens and errors: a journal that passes each, and one that fails it."""

from typing import Any

import pytest

from nemolocal_conformance.client_checks import (
    client_identity,
    message_routing,
    permanent_errors,
    rate_limits,
    requests,
    session_use,
    token_renewal,
)
from tests.support.journal_builder import Build, JournalBuilder, VerdictOf, check_ids

MODULES = (
    requests,
    client_identity,
    token_renewal,
    permanent_errors,
    rate_limits,
    session_use,
    message_routing,
)
LOST: dict[str, Any] = {"code": 1002}
WEEK = 7 * 86_400.0


def once_more(builder: JournalBuilder, pause: float, *codes: int) -> JournalBuilder:
    """Add a balance call for each code."""
    for code in codes:
        builder.request("balance", code=code).wait(pause)
    return builder


CASES: dict[str, tuple[Build, Build]] = {
    "client.attribution": (
        lambda b: b.start(),
        lambda b: b.request_token(headers={"X-Skill-Version": " "}),
    ),
    "client.attribution.stable": (
        lambda b: b.start(),
        lambda b: b.request_token().request("balance", headers={"X-Skill-Version": "2"}),
    ),
    "client.attribution.platform": (
        lambda b: b.request("balance", headers={"X-Skill-Platform": "cursor"}),
        lambda b: b.request("balance", headers={"X-Skill-Platform": "linux"}),
    ),
    "client.bearer": (
        lambda b: b.start(),
        lambda b: b.request("balance", headers={"Authorization": "Basic eA=="}),
    ),
    "client.token-in-url": (
        lambda b: b.request("claim_page", "/workspace/claim?ct=[token]").start(),
        lambda b: b.request("balance", "/api/credits/balance/simple?token=[token]"),
    ),
    "client.token-in-body": (
        lambda b: b.start(),
        lambda b: b.chat("my token is [token]"),
    ),
    "client.chat.accept": (
        lambda b: b.chat(),
        lambda b: b.chat(headers={"Accept": "application/json"}),
    ),
    "client.client-id": (
        lambda b: b.request_token("x" * 64),
        lambda b: b.request_token("", code=400),
    ),
    "client.after-400.client-id": (
        lambda b: b.request_token("x" * 65, code=400).request_token("new", code=400),
        lambda b: b.request_token("x" * 65, code=400).request_token("x" * 65, code=400),
    ),
    "client.token.once-a-week": (
        lambda b: b.request_token().wait(WEEK).request_token(),
        lambda b: b.request_token().wait(WEEK - 10).request_token(code=429),
    ),
    "client.client-id.kept": (
        lambda b: b.request_token().wait(WEEK).request_token(),
        lambda b: b.request_token("me").wait(60).request_token("you", gives=2),
    ),
    "client.manual-token": (
        lambda b: b.request("balance", user_id="user_1", code=1001).request(
            "balance", user_id="user_1"
        ),
        lambda b: b.request("balance", user_id="user_1", code=1001).request_token(gives=2),
    ),
    "client.after-1001.renew": (
        lambda b: (
            b.request_token()
            .request("balance", code=1001)
            .request_token(gives=2)
            .request("balance")
        ),
        lambda b: b.request_token().request("balance", code=1001).request("balance"),
    ),
    "client.after-1001.client-id": (
        lambda b: b.request_token("me").request("balance", code=1001).request_token("me", gives=2),
        lambda b: b.request_token("me").request("balance", code=1001).request_token("you", gives=2),
    ),
    "client.after-1001.repeat": (
        lambda b: (
            b.request_token()
            .request("balance", code=1001)
            .request_token(gives=2)
            .request("balance")
        ),
        lambda b: (
            b.request_token().request("balance", code=1001).request_token(gives=2).open_session()
        ),
    ),
    "client.after-1001.once": (
        lambda b: once_more(b.request_token(), 1, 1001, 1001),
        lambda b: once_more(b.request_token(), 1, 1001, 1001, 1001),
    ),
    "client.after-2001.no-retry": (
        lambda b: b.refuse_chat(2001).request("balance").wait(600).chat(),
        lambda b: b.refuse_chat(2001).chat(),
    ),
    "client.after-4001.no-retry": (
        lambda b: b.upload("a.txt", code=4001).upload("a.mp4"),
        lambda b: b.upload("a.txt", code=4001).upload("a.txt", code=4001),
    ),
    "client.after-4002.no-retry": (
        lambda b: b.upload(code=4002).upload("small.mp4"),
        lambda b: b.upload(code=4002).upload(),
    ),
    "client.after-402.no-retry": (
        lambda b: b.submit_render(code=402, headers={"X-Skill-Source": ""}).submit_render(
            "render_2"
        ),
        lambda b: b.submit_render(code=402).submit_render("render_2"),
    ),
    "client.429.wait": (
        lambda b: once_more(b, 30, 429, 0),
        lambda b: once_more(b, 5, 429, 0),
    ),
    "client.429.once": (
        lambda b: once_more(b, 30, 429, 429).wait(600).request("balance"),
        lambda b: once_more(b, 30, 429, 429, 0),
    ),
    "client.429.retry": (
        lambda b: once_more(b, 30, 429, 429),
        lambda b: once_more(b, 30, 429).open_session(),
    ),
    "client.429.client-id": (
        lambda b: b.request_token("me", code=429).wait(30).request_token("me", code=429),
        lambda b: b.request_token("me", code=429).wait(30).request_token("you"),
    ),
    "client.after-1002.new-session": (
        lambda b: b.read_state(**LOST).open_session("2" * 19).read_state(session="2" * 19),
        lambda b: b.read_state(**LOST).upload(),
    ),
    "client.upload.again": (
        lambda b: b.upload("a.mp4").upload("b.mp4"),
        lambda b: b.upload("a.mp4").upload("a.mp4"),
    ),
    "client.turns.one-at-a-time": (
        lambda b: b.chat().chat(),
        lambda b: b.chat(took=10).wait(-5).chat(took=9),
    ),
    "client.export-in-chat": (
        lambda b: b.chat("don't export yet, trim it first"),
        lambda b: b.chat("Please export the video now!"),
    ),
    "client.credits-in-chat": (
        lambda b: b.chat("roll the credits at the end"),
        lambda b: b.chat("how many credits do I have?"),
    ),
    "client.status-in-chat": (
        lambda b: b.chat("add a status bar"),
        lambda b: b.chat("show me the tracks"),
    ),
    "client.upload-in-chat": (
        lambda b: b.chat("put my last upload first"),
        lambda b: b.chat("上传"),
    ),
    "client.file-in-chat": (
        lambda b: b.chat("trim holiday.mp4"),
        lambda b: b.chat('"https://x.test/holiday.mp4?dl=1"'),
    ),
    "client.gui-words": (
        lambda b: b.chat("drag the second clip to the front"),
        lambda b: b.chat("Click the Export button"),
    ),
}


@pytest.mark.rule("CLI-1", "CLI-2", "CLI-6", "CLI-7", "CLI-9", "AUTH-8", "GEN-5")
@pytest.mark.parametrize("check", CASES)
def test_check_passes_one_journal_and_fails_another(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    good, bad = CASES[check]
    assert verdict(check, good(JournalBuilder())).outcome == "passed"
    found = verdict(check, bad(builder))
    assert found.outcome == ("failed" if found.level == "MUST" else "warning")
    assert found.reason
    assert found.expected
    assert found.actual
    assert set(found.entries) <= {entry.id for entry in builder.entries}


def test_every_check_has_a_passing_and_a_failing_journal() -> None:
    assert set(CASES) == check_ids(*MODULES)


def test_resend_without_credits_reports_its_cost(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    found = verdict("client.after-2001.no-retry", builder.refuse_chat(2001).chat(cost=100))
    assert (found.credits, found.entries) == (100, (1, 2))


def test_no_retry_after_credits_run_out_in_a_stream(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    failure = 'data: {"code": 2001, "message": "no credits", "data": null}\n\n'
    builder.chat(text="", reply=failure).chat()
    assert verdict("client.after-2001.no-retry", builder).outcome == "failed"


def test_pause_with_unknown_clock_is_inconclusive(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.speed = None
    assert verdict("client.429.wait", once_more(builder, 0.6, 429, 0)).outcome == "not judgeable"


def test_token_may_be_renewed_by_another_process(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.request_token().request("balance", code=1001).request("balance", token_id=2)
    assert verdict("client.after-1001.renew", builder).outcome == "passed"


def test_program_that_goes_on_with_the_token_of_before_renews_nothing(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.request_token().request("balance", code=1001, token_id=None).request("balance")
    assert verdict("client.after-1001.renew", builder).outcome == "passed"
    assert verdict("client.after-1001.renew", builder, fixed_job=True).outcome == "failed"


def test_unread_request_is_repeated_by_one_to_the_same_path(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    body, headers = {"task_name": "project"}, {"Content-Length": "23"}
    builder.request_token().request("session", code=1001, headers=headers).request_token(gives=2)
    assert verdict("client.after-1001.repeat", builder).outcome == "failed"
    builder.request("session", body=body, headers=headers)
    assert verdict("client.after-1001.repeat", builder).outcome == "passed"


def test_rejected_token_of_unknown_origin_is_inconclusive(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    found = verdict("client.after-1001.renew", builder.request("balance", code=1001))
    assert found.outcome == "not judgeable"


@pytest.mark.slow
@pytest.mark.parametrize("check", ["client.after-1001.renew", "client.after-1001.once"])
def test_manual_token_is_not_renewed(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.user_id = "user_1"
    assert verdict(check, once_more(builder, 1, 1001, 1001)).outcome == "not applicable"


def test_new_client_id_after_400_is_the_same_client(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.request_token("x" * 65, code=400).request_token("me")
    assert verdict("client.client-id.kept", builder).outcome == "not applicable"


def test_attempt_hours_later_is_the_users(builder: JournalBuilder, verdict: VerdictOf) -> None:
    once_more(builder.request_token(), 3600, 1001, 1001, 1001)
    assert verdict("client.after-1001.once", builder).outcome == "not applicable"


@pytest.mark.parametrize(
    ("message", "to"),
    [
        ("send me the video", "client.export-in-chat"),
        ("导出视频", "client.export-in-chat"),
        ("还有多少积分？", "client.credits-in-chat"),
        ("balance", "client.credits-in-chat"),
        ("状态", "client.status-in-chat"),
    ],
)
def test_messages_for_other_endpoints_match_in_both_languages(
    message: str, to: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    assert verdict(to, builder.chat(message)).outcome == "failed"


@pytest.mark.slow
@pytest.mark.parametrize(
    "message",
    [
        "send more light",
        "add a title 'Export'",
        "balance the audio",
        "x" * 500,
        "导出按钮放大",
        "?",
    ],
)
def test_edit_matches_no_other_route(
    message: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.chat(message)
    assert all(verdict(check, builder).outcome == "passed" for check in check_ids(message_routing))


@pytest.mark.parametrize(
    ("then", "fixed_job", "outcome", "actual"),
    [
        (lambda b: b, True, "failed", "nothing more"),
        (lambda b: b.request("balance"), True, "failed", "4 GET /api/credits/balance/simple"),
        (lambda b: b.open_session("2" * 19), True, "passed", ""),
        (lambda b: b, False, "not judgeable", ""),
        (lambda b: b.request("balance"), False, "not judgeable", ""),
    ],
)
def test_program_that_gives_up_at_1002_fails(
    then: Build,
    fixed_job: bool,
    outcome: str,
    actual: str,
    builder: JournalBuilder,
    verdict: VerdictOf,
) -> None:
    """A user may have ended the conversation; a program with one job must go on."""
    then(builder.request_token().open_session().read_state(**LOST))
    found = verdict("client.after-1002.new-session", builder, fixed_job=fixed_job)
    assert (found.outcome, found.actual) == (outcome, actual)


def test_program_that_goes_on_in_an_older_session_after_1002_fails(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.start().read_state(session="2" * 19, **LOST).read_state().open_session("3" * 19)
    found = verdict("client.after-1002.new-session", builder, fixed_job=True)
    assert (found.outcome, found.expected) == ("failed", "a new session")
    assert verdict("client.after-1002.new-session", builder).outcome == "passed"


@pytest.mark.parametrize("platform", ["claude_code", "terminal"])
def test_platform_of_generation_2_is_no_fault(
    platform: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.request("balance", headers={"X-Skill-Platform": platform})
    assert verdict("client.attribution.platform", builder).outcome == "not judgeable"
