"""What the contract leaves to a client changes no verdict: header case and order, queries, pace.

Each change is made by itself, and drawn levels of all of them together: every two meet in some row.
"""

import json
import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pytest

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_contract.journal import Entry
from tests.support.commit_draw import commit_draw
from tests.support.covering_rows import covering_rows
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


JournalChange = Callable[[list[Entry]], list[Entry]]
ODD_HEADERS = {"x-empty": "", "x-long": "x" * 5_000, "cookie": "a=1", "accept-language": "zh"}


def each(change: Change) -> JournalChange:
    return lambda entries: [change(entry) for entry in entries]


def shuffled_headers(headers: dict[str, str]) -> dict[str, str]:
    names = random.Random(len(headers)).sample(sorted(headers), len(headers))
    return {name: headers[name] for name in names}


def chunked(headers: dict[str, str]) -> dict[str, str]:
    """Send a body whose length is not told before."""
    if "content-length" not in headers:
        return headers
    rest = {name: value for name, value in headers.items() if name != "content-length"}
    return {**rest, "transfer-encoding": "chunked"}


def client_id(new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {
        name: new if name == "x-client-id" else value for name, value in headers.items()
    }


def renamed(old: str, new: str) -> JournalChange:
    """Give what the client names another name, wherever it stands."""

    def change(entry: Entry) -> Entry:
        return msgspec.structs.replace(
            entry,
            url=entry.url.replace(old, new),
            request_body=entry.request_body.replace(old, new),
            response_body=entry.response_body.replace(old, new),
        )

    return each(change)


def slowed(by: float) -> JournalChange:
    """Let everything take so many times as long."""

    def change(entries: list[Entry]) -> list[Entry]:
        begin = entries[0].started
        return [
            msgspec.structs.replace(
                entry,
                started=begin + (entry.started - begin) * by,
                ended=begin + (entry.ended - begin) * by,
            )
            for entry in entries
        ]

    return change


def with_further_reads(*endpoints: str) -> JournalChange:
    """Read the credits, or the state too, in every pause that no error has caused."""

    def change(entries: list[Entry]) -> list[Entry]:
        return sorted(_with_reads(entries, endpoints), key=lambda entry: entry.started)

    return change


def _with_reads(entries: list[Entry], endpoints: Iterable[str]) -> Iterator[Entry]:
    for entry, after in zip(entries, [*entries[1:], None], strict=True):
        yield entry
        pause = after.started - entry.ended if after else 0
        if pause < 1 or entry.code or entry.ending != "complete" or "token" in entry.url:
            continue
        for number, endpoint in enumerate(endpoints):
            read = JournalBuilder()
            read.now = entry.ended + 0.3 * (number + 1)
            read.token_id, read.user_id = entry.token_id or 1, entry.user_id or "anon_1"
            if endpoint == "state":
                read.read_state("after")
            else:
                read.request(endpoint)
            yield msgspec.structs.replace(read.entries[0], id=1_000 + entry.id * 10 + number)


FACTORS: dict[str, dict[str, JournalChange]] = {
    "order": {"reversed": each(CHANGES["header order"]),
              "shuffled": each(with_headers(shuffled_headers))},
    "further": {"usual": each(CHANGES["further headers"]),
                "odd": each(with_headers(lambda headers: {**ODD_HEADERS, **headers}))},
    "connection": {"keep-alive": each(CHANGES["keep-alive"]),
                   "close": each(with_headers(lambda headers: {**headers, "connection": "close"}))},
    "agent": {"none": each(CHANGES["no user agent"]),
              "odd": each(with_headers(lambda headers: {**headers, "user-agent": "nmv/1 (ü)"}))},
    "scheme": {"lower": each(CHANGES["scheme in lower case"])},
    "accept": {"several": each(CHANGES["several media types"]),
               "capitals": each(CHANGES["media type in capitals"])},
    "spaces": {"around": each(CHANGES["spaces around values"])},
    "length": {"chunked": each(with_headers(chunked))},
    "query": {"further": each(CHANGES["query"])},
    "fields": {"further": each(CHANGES["further fields"]), "reversed": each(CHANGES["key order"])},
    "spelling": {"indented": each(CHANGES["indented"]),
                 "spaced": each(with_body(lambda body: json.dumps(body, separators=(" ,", ":"))))},
    "client id": {"a letter": each(with_headers(client_id("x"))),
                  "long": each(with_headers(client_id("é" * 64))),
                  "dashed": each(with_headers(client_id(str(uuid.UUID(int=7)))))},
    "render id": {"a number": renamed("render_", "render_1700000000"),
                  "long": renamed("render_", "render_" + "0" * 80)},
    "pace": {"a little slower": slowed(1.05), "slower": slowed(1.15)},
    "reads": {"credits": with_further_reads("balance"),
              "state": with_further_reads("state"),
              "both": with_further_reads("balance", "state", "balance")},
}  # fmt: skip
LEFT = "as it is"
ROWS = covering_rows({name: (LEFT, *levels) for name, levels in FACTORS.items()}, seed=0)


def changed_by(row: dict[str, str], entries: list[Entry]) -> list[Entry]:
    for factor, level in row.items():
        entries = FACTORS[factor][level](entries) if level != LEFT else entries
    return entries


def row_cases() -> Iterator[object]:
    drawn = commit_draw("innocent journals")
    for number in sorted(drawn.sample(range(len(ROWS)), 3)):
        yield pytest.param(ROWS[number], id=f"drawn row {number}")
    for number, row in enumerate(ROWS):
        yield pytest.param(row, id=f"row {number}", marks=pytest.mark.slow)


@pytest.mark.parametrize("row", list(row_cases()))
def test_innocent_changes_together_change_no_verdict(
    row: dict[str, str], subtests: pytest.Subtests
) -> None:
    for job, build in JOBS.items():
        entries = build(JournalBuilder()).entries
        for fixed_job in (False, True):
            with subtests.test(f"{job}, {fixed_job=}"):
                changed = outcomes(changed_by(row, entries), fixed_job)
                assert changed == outcomes(entries, fixed_job)
