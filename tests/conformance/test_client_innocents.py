"""What the contract leaves to a client changes no verdict: header case and order, queries, pace."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_contract.journal import Entry
from tests.support.journal_builder import SESSION, Build, JournalBuilder

Change = Callable[[Entry], Entry]
CLAIM = {"task_id": "task", "session_id": SESSION}


def finish(builder: JournalBuilder, render: str = "render_1") -> JournalBuilder:
    """Export, download, and ask for the link."""
    return builder.export(render).download().request("claim_token", body=CLAIM)


JOBS: dict[str, Build] = {
    "plain": lambda b: finish(b.start().chat()),
    "silent": lambda b: finish(b.start().chat(text="").read_state("after")),
    "cut": lambda b: finish(
        b.start().chat(text="", ending="cut by fault").wait(30).read_state("after")
    ),
    "1001": lambda b: finish(
        b.request_token().request("balance", code=1001).request_token(gives=2).request("balance")
    ),
    "1002": lambda b: finish(
        b.request_token().open_session("2" * 19).read_state(session="2" * 19, code=1002)
        .open_session().upload().chat()
    ),
    "429": lambda b: finish(b.start().refuse_chat(429).wait(30).chat()),
    "retry": lambda b: finish(
        b.start().chat().read_state().submit_render("render_1").wait(30)
        .poll_render("failed", "render_1").wait(1), "render_2"
    ),
}  # fmt: skip


def with_headers(change: Callable[[dict[str, str]], dict[str, str]]) -> Change:
    """Change the headers of each request; the journal has their names in lower case."""
    return lambda entry: msgspec.structs.replace(
        entry, request_headers=change(dict(entry.request_headers))
    )


def with_body(change: Callable[[Any], str]) -> Change:
    """Change the JSON of each request that has some."""

    def apply(entry: Entry) -> Entry:
        if not entry.request_body.startswith("{"):
            return entry
        body = change(json.loads(entry.request_body))
        return msgspec.structs.replace(entry, request_body=body)

    return apply


def lower_bearer(headers: dict[str, str]) -> dict[str, str]:
    sent = headers.get("authorization")
    return {**headers, "authorization": sent.replace("Bearer", "bearer")} if sent else headers


def wide_accept(value: str) -> Change:
    """Send another `Accept` where a stream is asked for."""
    return with_headers(
        lambda headers: {**headers, "accept": value} if "accept" in headers else headers
    )


CHANGES: dict[str, Change] = {
    "header order": with_headers(lambda headers: dict(reversed(headers.items()))),
    "further headers": with_headers(lambda headers: {**headers, "x-trace": "1", "dnt": "1"}),
    "keep-alive": with_headers(lambda headers: {**headers, "connection": "keep-alive"}),
    "no user agent": with_headers(
        lambda headers: {name: value for name, value in headers.items() if name != "user-agent"}
    ),
    "scheme in lower case": with_headers(lower_bearer),
    "several media types": wide_accept("text/event-stream;q=0.9, application/json"),
    "media type in capitals": wide_accept("Text/Event-Stream"),
    "spaces around values": with_headers(
        lambda headers: {name: f" {value} " for name, value in headers.items()}
    ),
    "query": lambda entry: msgspec.structs.replace(entry, url=f"{entry.url}?trace=1&lang=en"),
    "further fields": with_body(lambda body: json.dumps({**body, "trace": {"id": 1}})),
    "key order": with_body(lambda body: json.dumps(dict(reversed(body.items())))),
    "indented": with_body(lambda body: json.dumps(body, indent=4)),
}


def outcomes(entries: list[Entry], fixed_job: bool) -> dict[str, str]:
    journal = LoadedJournal(tuple(entries))
    report = evaluate_journal(journal, client_catalogue().values(), fixed_job=fixed_job)
    return {verdict.check: verdict.outcome for verdict in report.verdicts}


@pytest.mark.parametrize("fixed_job", [False, True])
@pytest.mark.parametrize("job", JOBS)
def test_correct_client_passes(job: str, fixed_job: bool, builder: JournalBuilder) -> None:
    found = outcomes(JOBS[job](builder).entries, fixed_job)
    assert {c: o for c, o in found.items() if o not in ("passed", "not applicable")} == {}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("job", JOBS)
def test_innocent_change_changes_no_verdict(job: str, change: str, builder: JournalBuilder) -> None:
    entries = JOBS[job](builder).entries
    changed = [CHANGES[change](entry) for entry in entries]
    assert outcomes(changed, True) == outcomes(entries, True)


@pytest.mark.parametrize(
    ("check", "build"),
    [
        (
            "client.retry",
            lambda b: b.start().submit_render().poll_render("failed")
            .wait(2).read_state().submit_render("render_2").poll_render(render="render_2"),
        ),
        (
            "client.after-1001.renew",
            lambda b: b.request_token().request("balance", code=1001).wait(2)
            .request_token(gives=2).wait(2).request("balance", code=1001),
        ),
    ],
)  # fmt: skip
def test_program_may_be_slow_on_a_fast_clock(
    check: str, build: Build, builder: JournalBuilder
) -> None:
    """Between two requests a process may have to start, whatever the speed of the clock is."""
    builder.speed = 200.0
    assert outcomes(build(builder).entries, True)[check] == "passed"


@pytest.mark.parametrize("job", JOBS)
def test_slower_replies_change_no_verdict(job: str, builder: JournalBuilder) -> None:
    entries = JOBS[job](builder).entries
    slower = [
        msgspec.structs.replace(
            entry, started=entry.started + 0.5 * number, ended=entry.ended + 0.5 * (number + 1)
        )
        for number, entry in enumerate(entries)
    ]
    assert outcomes(slower, True) == outcomes(entries, True)


@pytest.mark.parametrize("job", JOBS)
def test_slower_clock_changes_no_verdict(job: str, builder: JournalBuilder) -> None:
    """A client on a loaded machine waits a tenth longer everywhere."""
    entries = JOBS[job](builder).entries
    begin = entries[0].started
    slower = [
        msgspec.structs.replace(
            entry,
            started=begin + (entry.started - begin) * 1.1,
            ended=begin + (entry.ended - begin) * 1.1,
        )
        for entry in entries
    ]
    assert outcomes(slower, True) == outcomes(entries, True)
