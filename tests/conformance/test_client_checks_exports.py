"""Checks of exports and downloads: a journal that passes each, and one that fails it."""

import pytest

from nemolocal_conformance.client_checks import downloads, exports, polling
from tests.support.journal_builder import Build, JournalBuilder, VerdictOf, check_ids

MODULES = (exports, polling, downloads)
DUPLICATE = '{"code": 400, "message": "duplicate id", "data": null}'


def failed(builder: JournalBuilder, *renders: str, pause: float = 1.0) -> JournalBuilder:
    """Add exports that fail, one after the other."""
    for render in renders:
        builder.submit_render(render).wait(30).poll_render("failed", render).wait(pause)
    return builder


def polled(builder: JournalBuilder, times: int, pause: float) -> JournalBuilder:
    """Add an export that is polled so often."""
    builder.submit_render()
    for _ in range(times):
        builder.wait(pause).poll_render("processing")
    return builder


# Checks that fail programs alone: a user may have ended what they judge.
FOR_PROGRAMS = ("client.poll.until-end",)
CASES: dict[str, tuple[Build, Build]] = {
    "client.render.state-first": (
        lambda b: b.start().chat().read_state().submit_render(),
        lambda b: b.start().chat().submit_render(),
    ),
    "client.render.not-empty": (
        lambda b: b.submit_render(),
        lambda b: b.submit_render(draft={"t": [{"tt": 0, "sg": []}, "odd"]}, code=400),
    ),
    "client.render.id-shape": (
        lambda b: b.submit_render("render_17"),
        lambda b: b.submit_render("job-17"),
    ),
    "client.retry": (
        lambda b: failed(b, "render_1", "render_2"),
        lambda b: failed(b, "render_1"),
    ),
    "client.retry.once": (
        lambda b: failed(b, "render_1", "render_2"),
        lambda b: failed(b, "render_1", "render_2", "render_3"),
    ),
    "client.retry.new-id": (
        lambda b: failed(b, "render_1", "render_2"),
        lambda b: failed(b, "render_1").submit_render("render_1", code=400),
    ),
    "client.render.one-at-a-time": (
        lambda b: b.submit_render("render_1").cancel_render("render_1").submit_render("render_2"),
        lambda b: b.submit_render("render_1").submit_render("render_2"),
    ),
    "client.claim-link": (
        lambda b: b.export().request("claim_token", body={"session_id": "1" * 19}),
        lambda b: b.export(),
    ),
    "client.poll.rhythm": (
        lambda b: polled(b, 3, 30),
        lambda b: polled(b, 3, 5),
    ),
    "client.poll.slow": (
        lambda b: polled(b, 3, 30),
        lambda b: polled(b, 3, 120),
    ),
    "client.poll.count": (
        lambda b: polled(b, 10, 30),
        lambda b: polled(b, 11, 30),
    ),
    "client.poll.stops": (
        lambda b: b.export(),
        lambda b: b.export().poll_render(),
    ),
    "client.poll.until-end": (
        lambda b: b.export(),
        lambda b: b.submit_render().wait(30).poll_render("processing").request("balance"),
    ),
    "client.download": (
        lambda b: b.export().download(),
        lambda b: b.export(),
    ),
    "client.download.order": (
        lambda b: b.export().download(code=404).download_fallback(),
        lambda b: b.export().download_fallback().download(),
    ),
    "client.download.fallback": (
        lambda b: b.export().download(code=404).download_fallback(),
        lambda b: b.export().download(code=404).download(ending="cut by fault"),
    ),
    "client.download.no-token": (
        lambda b: b.export().download(),
        lambda b: b.export().download(headers={"Authorization": "Bearer [token]"}),
    ),
}


@pytest.mark.rule("CLI-8", "CLI-10", "REN-6", "STA-3")
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


def test_missing_state_read_may_be_a_dropped_entry(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.submit_render()
    assert verdict("client.render.state-first", builder).outcome == "failed"
    assert (
        verdict("client.render.state-first", builder.journal(dropped=3)).outcome == "not judgeable"
    )


def test_export_rejected_unread_is_inconclusive(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.submit_render(code=402, headers={"Content-Length": "300"}).replace_last(request_body="")
    assert verdict("client.render.state-first", builder).outcome == "not judgeable"


def test_truncated_draft_is_inconclusive(builder: JournalBuilder, verdict: VerdictOf) -> None:
    assert (
        verdict("client.render.not-empty", builder.submit_render(body="{half")).outcome
        == "not judgeable"
    )


def test_cancelled_export_has_not_failed(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.submit_render().cancel_render().poll_render("failed")
    assert verdict("client.retry", builder).outcome == "not applicable"


@pytest.mark.rule("REN-6")
def test_duplicate_is_retried_with_a_new_id(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.submit_render(code=400, reply=DUPLICATE).submit_render("render_2")
    assert verdict("client.retry", builder).outcome == "passed"
    assert verdict("client.retry.new-id", builder).outcome == "passed"


def test_much_later_export_is_not_a_retry(builder: JournalBuilder, verdict: VerdictOf) -> None:
    failed(builder, "render_1", "render_2").wait(600).submit_render("render_3")
    assert verdict("client.retry.once", builder).outcome == "passed"


@pytest.mark.parametrize("code", [1001, 429])
def test_rejected_request_is_not_an_export(
    code: int, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.submit_render(code=code).wait(1).submit_render()
    assert verdict("client.retry.new-id", builder).outcome == "passed"
    assert verdict("client.retry.once", builder).outcome == "not applicable"


def test_rejected_poll_does_not_count(builder: JournalBuilder, verdict: VerdictOf) -> None:
    polled(builder, 10, 30).poll_render("processing", code=429).wait(30)
    assert verdict("client.poll.count", builder).outcome == "passed"


def test_both_shapes_of_a_render_reply_are_read(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    data = {"id": "render_1", "status": "completed", "outputUrl": "/cdn/renders/abc.mp4"}
    builder.submit_render().poll_render(reply={"success": True, "data": data}).download()
    assert verdict("client.download.order", builder).outcome == "passed"


@pytest.mark.parametrize(
    ("speed", "pause", "outcome"),
    [(50.0, 0.6, "passed"), (10.0, 0.5, "not judgeable"), (50.0, 0.05, "failed"),
     (None, 0.6, "not judgeable"), (1000.0, 0.027, "not judgeable")],
)  # fmt: skip
def test_polls_of_a_local_server_use_its_clock(
    speed: float | None, pause: float, outcome: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.speed = speed
    builder.submit_render()
    for _ in range(2):
        builder.wait(pause).poll_render("processing", took=0.0)
    assert verdict("client.poll.rhythm", builder).outcome == outcome


@pytest.mark.parametrize("speed", [50.0, None])
def test_real_time_renders_may_be_polled_more_often(
    speed: float | None, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.speed = speed
    assert verdict("client.poll.count", polled(builder, 20, 0.6)).outcome == "not judgeable"


STUCK = ("render-stuck",)


@pytest.mark.parametrize(
    ("speed", "count", "pause", "outcome"),
    [
        (200.0, 10, 0.15, "passed"),
        (200.0, 11, 0.15, "failed"),
        (None, 12, 0.15, "not judgeable"),
        # Twice a second by real time, as a client may poll a local server.
        (200.0, 20, 0.5, "not judgeable"),
    ],
)
def test_polls_of_an_export_that_never_ends_are_counted(
    speed: float | None,
    count: int,
    pause: float,
    outcome: str,
    builder: JournalBuilder,
    verdict: VerdictOf,
) -> None:
    builder.speed = speed
    builder.submit_render(faults=STUCK)
    for _ in range(count):
        builder.wait(pause).poll_render("processing", took=0.0)
    assert verdict("client.poll.count", builder).outcome == outcome


def test_download_from_another_server_is_inconclusive(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.submit_render().poll_render(url="https://cdn.test/a.mp4")
    assert verdict("client.download", builder).outcome == "not judgeable"
    builder.download_fallback()
    assert verdict("client.download.order", builder).outcome == "not judgeable"


def test_url_with_host_and_query_matches_its_path(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.submit_render().poll_render(url="http://127.0.0.1:8787/cdn/a.mp4?x=1").download(
        "/cdn/a.mp4?x=1"
    )
    assert verdict("client.download.order", builder).outcome == "passed"


def test_without_a_url_the_fallback_is_right(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.submit_render().poll_render(url="").download_fallback()
    assert verdict("client.download.order", builder).outcome == "not applicable"
    assert verdict("client.download", builder).outcome == "passed"


@pytest.mark.parametrize(
    ("then", "fixed_job", "outcome"),
    [
        (lambda b: b, True, "not judgeable"),
        (lambda b: b.request("balance"), False, "not judgeable"),
        (lambda b: b.cancel_render().request("balance"), True, "not applicable"),
    ],
)
def test_export_that_is_not_polled_to_its_end_may_be_right(
    then: Build, fixed_job: bool, outcome: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    """A program is stopped, a user leaves or cancels."""
    then(builder.submit_render().wait(30).poll_render("processing"))
    assert verdict("client.poll.until-end", builder, fixed_job=fixed_job).outcome == outcome


def test_ten_polls_are_enough(builder: JournalBuilder, verdict: VerdictOf) -> None:
    polled(builder, 10, 30).request("balance")
    assert verdict("client.poll.until-end", builder, fixed_job=True).outcome == "passed"


@pytest.mark.parametrize("header", [{"Content-Length": "100"}, {"Transfer-Encoding": "chunked"}])
def test_export_with_an_unread_body_has_no_wrong_id(
    header: dict[str, str], builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.submit_render(code=402, body="", headers=header, render_id=None)
    assert verdict("client.render.state-first", builder).outcome == "not judgeable"
    assert verdict("client.render.id-shape", builder).outcome == "not judgeable"


def test_late_first_poll_is_warned_of(builder: JournalBuilder, verdict: VerdictOf) -> None:
    builder.submit_render().wait(90).poll_render()
    assert verdict("client.poll.slow", builder).outcome == "warning"


def test_export_whose_submit_response_was_lost_is_polled_to_its_end(
    builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.submit_render(code=None, ending="cut by server", reply="").wait(30)
    builder.poll_render("processing").request("balance")
    assert verdict("client.poll.until-end", builder, fixed_job=True).outcome == "warning"
