"""Checks of requests, accounts and refusals: a journal that passes each, and one that fails it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from nemolocal_conformance.client_rules import (
    accounts,
    rate_limits,
    refusals,
    renewals,
    requests,
    routes,
    sessions,
)
from nemolocal_conformance.client_rules.rule import ClientCheck

MODULES = (requests, accounts, renewals, refusals, rate_limits, sessions, routes)
LOST = {"code": 1002}
WEEK = 7 * 86_400.0
LONG_ID = "x" * 65


def once_more(tale: Any, pause: float, *codes: int) -> Any:
    """The balance, once for each code."""
    for code in codes:
        tale.ask("balance", code=code).pause(pause)
    return tale


STORIES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "client.attribution": (
        lambda t: t.begun(),
        lambda t: t.token(headers={"X-Skill-Version": " "}),
    ),
    "client.attribution.stable": (
        lambda t: t.begun(),
        lambda t: t.token().ask("balance", headers={"X-Skill-Version": "2"}),
    ),
    "client.attribution.platform": (
        lambda t: t.ask("balance", headers={"X-Skill-Platform": "cursor"}),
        lambda t: t.ask("balance", headers={"X-Skill-Platform": "linux"}),
    ),
    "client.bearer": (
        lambda t: t.begun(),
        lambda t: t.ask("balance", headers={"Authorization": "Basic eA=="}),
    ),
    "client.token-in-url": (
        lambda t: t.ask("claim_page", "/workspace/claim?ct=[token]").begun(),
        lambda t: t.ask("balance", "/api/credits/balance/simple?token=[token]"),
    ),
    "client.token-in-body": (
        lambda t: t.begun(),
        lambda t: t.say("my token is [token]"),
    ),
    "client.chat.accept": (
        lambda t: t.say(),
        lambda t: t.say(headers={"Accept": "application/json"}),
    ),
    "client.client-id": (
        lambda t: t.token("x" * 64),
        lambda t: t.token("", code=400),
    ),
    "client.after-400.client-id": (
        lambda t: t.token(LONG_ID, code=400).token("new", code=400),
        lambda t: t.token(LONG_ID, code=400).token(LONG_ID, code=400),
    ),
    "client.token.once-a-week": (
        lambda t: t.token().pause(WEEK).token(),
        lambda t: t.token().pause(WEEK - 10).token(code=429),
    ),
    "client.client-id.kept": (
        lambda t: t.token().pause(WEEK).token(),
        lambda t: t.token("me").pause(60).token("you", gives=2),
    ),
    "client.manual-token": (
        lambda t: t.ask("balance", user_id="user_1", code=1001).ask("balance", user_id="user_1"),
        lambda t: t.ask("balance", user_id="user_1", code=1001).token(gives=2),
    ),
    "client.after-1001.renew": (
        lambda t: t.token().ask("balance", code=1001).token(gives=2).ask("balance"),
        lambda t: t.token().ask("balance", code=1001).ask("balance"),
    ),
    "client.after-1001.client-id": (
        lambda t: t.token("me").ask("balance", code=1001).token("me", gives=2),
        lambda t: t.token("me").ask("balance", code=1001).token("you", gives=2),
    ),
    "client.after-1001.repeat": (
        lambda t: t.token().ask("balance", code=1001).token(gives=2).ask("balance"),
        lambda t: t.token().ask("balance", code=1001).token(gives=2).session(),
    ),
    "client.after-1001.once": (
        lambda t: once_more(t.token(), 1, 1001, 1001),
        lambda t: once_more(t.token(), 1, 1001, 1001, 1001),
    ),
    "client.after-2001.no-retry": (
        lambda t: t.refuse(2001).ask("balance").pause(600).say(),
        lambda t: t.refuse(2001).say(),
    ),
    "client.after-4001.no-retry": (
        lambda t: t.upload("a.txt", code=4001).upload("a.mp4"),
        lambda t: t.upload("a.txt", code=4001).upload("a.txt", code=4001),
    ),
    "client.after-4002.no-retry": (
        lambda t: t.upload(code=4002).upload("small.mp4"),
        lambda t: t.upload(code=4002).upload(),
    ),
    "client.after-402.no-retry": (
        lambda t: t.submit(code=402, headers={"X-Skill-Source": ""}).submit("render_2"),
        lambda t: t.submit(code=402).submit("render_2"),
    ),
    "client.429.wait": (
        lambda t: once_more(t, 30, 429, 0),
        lambda t: once_more(t, 5, 429, 0),
    ),
    "client.429.once": (
        lambda t: once_more(t, 30, 429, 429).pause(600).ask("balance"),
        lambda t: once_more(t, 30, 429, 429, 0),
    ),
    "client.429.retry": (
        lambda t: once_more(t, 30, 429, 429),
        lambda t: once_more(t, 30, 429).session(),
    ),
    "client.429.client-id": (
        lambda t: t.token("me", code=429).pause(30).token("me", code=429),
        lambda t: t.token("me", code=429).pause(30).token("you"),
    ),
    "client.after-1002.new-session": (
        lambda t: t.state(**LOST).session("2" * 19).state(session="2" * 19),
        lambda t: t.state(**LOST).upload(),
    ),
    "client.upload.again": (
        lambda t: t.upload("a.mp4").upload("b.mp4"),
        lambda t: t.upload("a.mp4").upload("a.mp4"),
    ),
    "client.turns.one-at-a-time": (
        lambda t: t.say().say(),
        lambda t: t.say(took=10).pause(-5).say(took=9),
    ),
    "client.export-in-chat": (
        lambda t: t.say("don't export yet, trim it first"),
        lambda t: t.say("Please export the video now!"),
    ),
    "client.credits-in-chat": (
        lambda t: t.say("roll the credits at the end"),
        lambda t: t.say("how many credits do I have?"),
    ),
    "client.status-in-chat": (
        lambda t: t.say("add a status bar"),
        lambda t: t.say("show me the tracks"),
    ),
    "client.upload-in-chat": (
        lambda t: t.say("put my last upload first"),
        lambda t: t.say("上传"),
    ),
    "client.file-in-chat": (
        lambda t: t.say("trim holiday.mp4"),
        lambda t: t.say('"https://x.test/holiday.mp4?dl=1"'),
    ),
    "client.gui-words": (
        lambda t: t.say("drag the second clip to the front"),
        lambda t: t.say("Click the Export button"),
    ),
}


@pytest.mark.rule("CLI-1", "CLI-2", "CLI-6", "CLI-7", "CLI-9", "AUTH-8", "GEN-5")
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


def test_a_message_without_credits_that_is_sent_again_says_what_it_costs(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    found = verdict("client.after-2001.no-retry", tale.refuse(2001).say(cost=100))
    assert (found.credits, found.entries) == (100, (1, 2))


def test_credits_that_run_out_in_a_stream_are_no_reason_to_try_again_either(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    failure = 'data: {"code": 2001, "message": "no credits", "data": null}\n\n'
    tale.say(text="", reply=failure).say()
    assert verdict("client.after-2001.no-retry", tale).outcome == "failed"


def test_a_pause_cannot_be_judged_by_an_unknown_clock(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.speed = None
    assert verdict("client.429.wait", once_more(tale, 0.6, 429, 0)).outcome == "not judgeable"


def test_another_process_may_have_renewed_the_token(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.token().ask("balance", code=1001).ask("balance", token_id=2)
    assert verdict("client.after-1001.renew", tale).outcome == "passed"


def test_a_request_that_was_refused_unread_is_repeated_by_one_to_the_same_place(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    body = {"task_name": "project"}
    headers = {"Content-Length": "23"}
    tale.token().ask("session", code=1001, headers=headers).token(gives=2)
    assert verdict("client.after-1001.repeat", tale).outcome == "failed"
    tale.ask("session", body=body, headers=headers)
    assert verdict("client.after-1001.repeat", tale).outcome == "passed"


def test_a_refused_token_of_unknown_origin_cannot_be_judged(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    found = verdict("client.after-1001.renew", tale.ask("balance", code=1001))
    assert found.outcome == "not judgeable"


@pytest.mark.parametrize("check", ["client.after-1001.renew", "client.after-1001.once"])
def test_a_manual_token_is_not_renewed(check: str, tale: Any, verdict: Callable[..., Any]) -> None:
    tale.user_id = "user_1"
    assert verdict(check, once_more(tale, 1, 1001, 1001)).outcome == "not applicable"


def test_a_new_client_id_after_400_is_no_new_client(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.token(LONG_ID, code=400).token("me")
    assert verdict("client.client-id.kept", tale).outcome == "not applicable"


def test_a_third_attempt_hours_later_is_the_users(tale: Any, verdict: Callable[..., Any]) -> None:
    once_more(tale.token(), 3600, 1001, 1001, 1001)
    assert verdict("client.after-1001.once", tale).outcome == "not applicable"


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
def test_words_for_other_endpoints_are_known_in_both_languages(
    message: str, to: str, tale: Any, verdict: Callable[..., Any]
) -> None:
    assert verdict(to, tale.say(message)).outcome == "failed"


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
def test_an_edit_is_never_taken_for_something_else(
    message: str, tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.say(message)
    assert all(verdict(check, tale).outcome == "passed" for check in checks_of(routes))
