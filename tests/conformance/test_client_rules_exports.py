"""Checks of exports and downloads: a journal that passes each, and one that fails it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from nemolocal_conformance.client_rules import downloads, exports, polling
from nemolocal_conformance.client_rules.rule import ClientCheck

MODULES = (exports, polling, downloads)
DUPLICATE = '{"code": 400, "message": "duplicate id", "data": null}'


def failed(tale: Any, *renders: str, pause: float = 1.0) -> Any:
    """Exports that fail, one after the other."""
    for render in renders:
        tale.submit(render).pause(30).poll("failed", render).pause(pause)
    return tale


def polled(tale: Any, times: int, pause: float) -> Any:
    """An export that is asked about so often."""
    tale.submit()
    for _ in range(times):
        tale.pause(pause).poll("processing")
    return tale


STORIES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "client.render.state-first": (
        lambda t: t.begun().say().state().submit(),
        lambda t: t.begun().say().submit(),
    ),
    "client.render.not-empty": (
        lambda t: t.submit(),
        lambda t: t.submit(draft={"t": [{"tt": 0, "sg": []}, "odd"]}, code=400),
    ),
    "client.render.id-shape": (
        lambda t: t.submit("render_17"),
        lambda t: t.submit("job-17"),
    ),
    "client.retry": (
        lambda t: failed(t, "render_1", "render_2"),
        lambda t: failed(t, "render_1"),
    ),
    "client.retry.once": (
        lambda t: failed(t, "render_1", "render_2"),
        lambda t: failed(t, "render_1", "render_2", "render_3"),
    ),
    "client.retry.new-id": (
        lambda t: failed(t, "render_1", "render_2"),
        lambda t: failed(t, "render_1").submit("render_1", code=400),
    ),
    "client.render.one-at-a-time": (
        lambda t: t.submit("render_1").cancel("render_1").submit("render_2"),
        lambda t: t.submit("render_1").submit("render_2"),
    ),
    "client.claim-link": (
        lambda t: t.exported().ask("claim_token", body={"session_id": "1" * 19}),
        lambda t: t.exported(),
    ),
    "client.poll.rhythm": (
        lambda t: polled(t, 3, 30),
        lambda t: polled(t, 3, 5),
    ),
    "client.poll.slow": (
        lambda t: polled(t, 3, 30),
        lambda t: polled(t, 3, 120),
    ),
    "client.poll.count": (
        lambda t: polled(t, 10, 30),
        lambda t: polled(t, 11, 30),
    ),
    "client.poll.stops": (
        lambda t: t.exported(),
        lambda t: t.exported().poll(),
    ),
    "client.download": (
        lambda t: t.exported().file(),
        lambda t: t.exported(),
    ),
    "client.download.order": (
        lambda t: t.exported().file(code=404).fallback(),
        lambda t: t.exported().fallback().file(),
    ),
    "client.download.fallback": (
        lambda t: t.exported().file(code=404).fallback(),
        lambda t: t.exported().file(code=404).file(ending="cut by fault"),
    ),
    "client.download.no-token": (
        lambda t: t.exported().file(),
        lambda t: t.exported().file(headers={"Authorization": "Bearer [token]"}),
    ),
}


@pytest.mark.rule("CLI-8", "CLI-10", "REN-6", "STA-3")
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


def test_a_missing_look_may_have_been_among_entries_that_are_gone(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.submit()
    assert verdict("client.render.state-first", tale).outcome == "failed"
    assert verdict("client.render.state-first", tale.journal(dropped=3)).outcome == "not judgeable"


def test_an_export_that_was_refused_unread_cannot_be_judged(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.submit(code=402, headers={"Content-Length": "300"}).changed(request_body="")
    assert verdict("client.render.state-first", tale).outcome == "not judgeable"


def test_a_draft_that_the_journal_has_cut_off_cannot_be_judged(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    assert verdict("client.render.not-empty", tale.submit(body="{half")).outcome == "not judgeable"


def test_a_cancelled_export_has_not_failed(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.submit().cancel().poll("failed")
    assert verdict("client.retry", tale).outcome == "not applicable"


@pytest.mark.rule("REN-6")
def test_a_duplicate_is_tried_again_under_a_new_id(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.submit(code=400, reply=DUPLICATE).submit("render_2")
    assert verdict("client.retry", tale).outcome == "passed"
    assert verdict("client.retry.new-id", tale).outcome == "passed"


def test_an_export_much_later_is_another_one(tale: Any, verdict: Callable[..., Any]) -> None:
    failed(tale, "render_1", "render_2").pause(600).submit("render_3")
    assert verdict("client.retry.once", tale).outcome == "passed"


@pytest.mark.parametrize("code", [1001, 429])
def test_a_refused_request_is_no_export(code: int, tale: Any, verdict: Callable[..., Any]) -> None:
    tale.submit(code=code).pause(1).submit()
    assert verdict("client.retry.new-id", tale).outcome == "passed"
    assert verdict("client.retry.once", tale).outcome == "not applicable"


def test_a_refused_poll_counts_for_nothing(tale: Any, verdict: Callable[..., Any]) -> None:
    polled(tale, 10, 30).poll("processing", code=429).pause(30)
    assert verdict("client.poll.count", tale).outcome == "passed"


def test_both_shapes_of_a_render_reply_are_read(tale: Any, verdict: Callable[..., Any]) -> None:
    data = {"id": "render_1", "status": "completed", "outputUrl": "/cdn/renders/abc.mp4"}
    tale.submit().poll(reply={"success": True, "data": data}).file()
    assert verdict("client.download.order", tale).outcome == "passed"


@pytest.mark.parametrize(
    ("speed", "pause", "outcome"),
    [(50.0, 0.6, "passed"), (10.0, 0.5, "not judgeable"), (50.0, 0.05, "failed"),
     (None, 0.6, "not judgeable"), (1000.0, 0.027, "not judgeable")],
)  # fmt: skip
def test_polls_of_a_local_server_are_judged_by_its_clock(
    speed: float | None, pause: float, outcome: str, tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.speed = speed
    tale.submit()
    for _ in range(2):
        tale.pause(pause).poll("processing", took=0.0)
    assert verdict("client.poll.rhythm", tale).outcome == outcome


@pytest.mark.parametrize("speed", [50.0, None])
def test_renders_that_take_real_time_may_be_asked_about_more_often(
    speed: float | None, tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.speed = speed
    assert verdict("client.poll.count", polled(tale, 20, 0.6)).outcome == "not judgeable"


def test_a_file_at_another_server_may_have_been_fetched(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.submit().poll(url="https://cdn.test/a.mp4")
    assert verdict("client.download", tale).outcome == "not judgeable"
    tale.fallback()
    assert verdict("client.download.order", tale).outcome == "not judgeable"


def test_a_url_with_host_and_query_is_the_path_that_was_fetched(
    tale: Any, verdict: Callable[..., Any]
) -> None:
    tale.submit().poll(url="http://127.0.0.1:8787/cdn/a.mp4?x=1").file("/cdn/a.mp4?x=1")
    assert verdict("client.download.order", tale).outcome == "passed"


def test_without_a_url_the_fallback_is_the_way(tale: Any, verdict: Callable[..., Any]) -> None:
    tale.submit().poll(url="").fallback()
    assert verdict("client.download.order", tale).outcome == "not applicable"
    assert verdict("client.download", tale).outcome == "passed"
