"""Grouping of calls by client, and properties that hold for every journal."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from nemolocal_conformance import client_checks
from nemolocal_conformance.client_checks import client_catalogue, requests
from nemolocal_conformance.client_checks.client_check import client_check, failed, passed
from nemolocal_conformance.client_checks.evaluation import evaluate_client_check, evaluate_journal
from nemolocal_conformance.traffic.client_grouping import group_by_client
from nemolocal_conformance.traffic.client_log import ClientLog
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_conformance.traffic.recorded_call import RecordedCall
from nemolocal_contract import endpoints as wire
from nemolocal_contract.journal import Credits, Entry, TurnEntry
from tests.support.journal_builder import JournalBuilder, VerdictOf

CHECKS = tuple(client_catalogue().values())
# A journal is a large example: a quarter of the usual number is enough.
FEWER = settings().max_examples // 4
NAMES = sorted(wire.endpoints())


def ids(log: ClientLog) -> list[int]:
    return [act.id for act in log.all_calls]


def groups(builder: JournalBuilder, **options: Any) -> list[list[int]]:
    return [ids(record) for record in group_by_client(builder.journal(), **options)]


def other(builder: JournalBuilder, token: int) -> JournalBuilder:
    """Continue as the owner of another token."""
    builder.token_id, builder.user_id = token, f"anon_{token}"
    return builder


def test_checks_have_ids_of_one_shape() -> None:
    assert all(check.id.startswith("client.") and check.level in ("MUST", "SHOULD")
               for check in CHECKS)  # fmt: skip


def test_overlapping_clients_are_separate(builder: JournalBuilder) -> None:
    builder.request("balance")
    other(builder, 2).request("balance")
    other(builder, 1).request("balance")
    assert groups(builder) == [[1, 3], [2]]


def test_sequential_runs_are_one_client(builder: JournalBuilder) -> None:
    builder.request("balance")
    other(builder, 2).request("balance")
    assert groups(builder) == [[1, 2]]
    assert groups(builder, token=2) == [[2]]
    assert groups(builder, user="anon_1") == [[1]]
    assert groups(builder, token=7) == []


def test_other_headers_are_another_client(builder: JournalBuilder) -> None:
    builder.request("balance")
    other(builder, 2).request("balance", headers={"User-Agent": "curl"})
    assert groups(builder) == [[1], [2]]


def test_a_client_id_and_a_session_link_tokens(builder: JournalBuilder) -> None:
    builder.request_token("me").open_session().request_token("me", gives=2)
    other(builder, 3).read_state(code=1002, headers={"User-Agent": "curl"})
    assert groups(builder) == [[1, 2, 3, 4]]


def test_linked_clients_are_merged(builder: JournalBuilder) -> None:
    builder.request_token("me").open_session()
    other(builder, 2).request("balance", headers={"User-Agent": "curl"})
    other(builder, 2).read_state(code=1002, headers={"User-Agent": "curl"})
    assert groups(builder) == [[1, 2, 3, 4]]


def test_session_rejected_for_other_reasons_links_nobody(builder: JournalBuilder) -> None:
    builder.request_token("me").open_session()
    other(builder, 2).read_state(code=429, headers={"User-Agent": "curl"})
    assert groups(builder) == [[1, 2], [3]]


def test_unknown_token_is_the_only_client_with_its_headers(
    builder: JournalBuilder,
) -> None:
    builder.request("balance").request("balance", code=1001, token_id=None, user_id=None)
    assert groups(builder) == [[1, 2]]


def test_unlinked_call_among_many_alike_is_separate(builder: JournalBuilder) -> None:
    builder.request("balance")
    other(builder, 2).request("balance")
    other(builder, 1).request("balance").request("balance", code=1001, token_id=None, user_id=None)
    assert groups(builder) == [[1, 3], [2], [4]]


def test_file_belongs_to_the_client_given_its_url(builder: JournalBuilder) -> None:
    builder.submit_render().poll_render()
    other(builder, 2).request("balance", headers={"User-Agent": "curl"})
    builder.download(headers={"User-Agent": "wget"})
    assert groups(builder)[0] == [1, 2, 4]


def test_harness_error_is_reported_as_error(builder: JournalBuilder) -> None:
    @client_check("client.defect", "CLI-1")
    def defect(log: ClientLog) -> Any:
        """A check MUST work."""
        raise ZeroDivisionError(log.all_calls)

    found = evaluate_client_check(defect, group_by_client(builder.start().journal()))
    assert (found.outcome, found.reason[:17]) == ("error", "ZeroDivisionError")


@pytest.mark.parametrize(("about", "sentence"), [((), "It MUST be."), (("CLI-1",), "It is.")])
def test_a_check_needs_rules_and_a_sentence(about: tuple[str, ...], sentence: str) -> None:
    def seek(log: ClientLog) -> Any:
        return iter(log.all_calls and ())

    seek.__doc__ = sentence
    with pytest.raises(ValueError, match=r"says what|no such rule"):
        client_check("client.odd", *about)(seek)


def test_duplicate_check_id_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_checks, "_modules", lambda: (requests, requests))
    with pytest.raises(ValueError, match=r"two checks are called client\.attribution"):
        client_catalogue.__wrapped__()


def test_findings_of_all_clients_are_one_verdict(builder: JournalBuilder) -> None:
    @client_check("client.even", "CLI-1")
    def even(log: ClientLog) -> Any:
        """An id MUST be even."""
        for act in log.all_calls:
            yield failed("id", "even", act.id, act, credits=1) if act.id % 2 else passed(act)

    builder.request("balance")
    other(builder, 2).request("balance")
    other(builder, 1).request("balance")
    found = evaluate_client_check(even, group_by_client(builder.journal()))
    assert (found.outcome, found.entries, found.credits) == ("failed", (1, 3), 2)


TEXTS = st.sampled_from(
    ["", "me", "1" * 19, "render_1", "{", "[]", "data: x\n\n", "nmv_usr_abcdefg"]
)
BODIES = TEXTS | st.sampled_from(
    [
        '{"session_id": "1111111111111111111", "new_message": {"parts": [{"text": "export"}]}}',
        '{"id": "render_1", "sessionId": "1", "draft": {"t": 5}}',
        '{"data": {"status": "failed", "state": {}, "session_id": 4, "output": []}}',
        '{"status": "completed", "output": {"url": "/cdn/a"}}',
        '{"new_message": 3, "data": []}',
        'data: {"code": 2001}\n\ndata:\n\ndata: {"code": "x"}\n\n',
        'data: {"code":\n\n',
        "\ud7ff",
    ]
)
MOMENTS = st.floats(min_value=-1e9, max_value=1e12) | st.sampled_from([0.0, 1.0, 30.0])
HEADERS = st.dictionaries(
    st.sampled_from(["authorization", "x-client-id", "x-skill-source", "host", "content-type"]),
    st.sampled_from(["", "Bearer [token]", "me", "text/event-stream"]),
)
TURNS = st.none() | st.builds(
    TurnEntry, st.integers(0, 3), st.integers(0, 3), TEXTS, st.booleans(), cost=st.integers(0, 100)
)
SMALL = st.none() | st.integers(0, 3)
ENTRIES = st.builds(
    Entry,
    id=st.integers(-1, 20),
    started=MOMENTS,
    ended=MOMENTS,
    ending=st.sampled_from(["complete", "cut by client", "cut by fault", "cut by server"]),
    method=st.sampled_from(["GET", "POST"]),
    url=st.sampled_from(["/", "/cdn/a", "/run_sse", wire.STATE.path(user="me", session="1")]),
    endpoint=st.none() | st.sampled_from(NAMES) | st.just("odd"),
    status=st.sampled_from([0, 200, 404]),
    code=st.none() | st.sampled_from([0, 400, 402, 429, 1001, 1002, 2001, 4001, 4002]),
    rules=st.just(()),
    faults=st.just(()),
    token_id=SMALL,
    user_id=st.none() | st.sampled_from(["anon_1", "user_1"]),
    session_id=st.none() | TEXTS,
    render_id=st.none() | TEXTS,
    turn=TURNS,
    credits_before=st.none() | st.just(Credits(1, 0)),
    credits_after=st.none(),
    draft_before=st.none() | TEXTS,
    draft_after=st.none() | TEXTS,
    request_headers=HEADERS,
    request_body=BODIES,
    request_size=st.integers(0, 10),
    response_headers=HEADERS,
    response_body=BODIES,
    response_size=st.integers(0, 100_000),
    chunks=st.lists(st.tuples(MOMENTS, st.integers(0, 40)), max_size=4).map(tuple),
    speed=st.none() | st.sampled_from([1.0, 50.0]),
)


@pytest.mark.slow
@given(st.lists(ENTRIES, max_size=12), st.booleans())
@settings(max_examples=FEWER, suppress_health_check=[HealthCheck.too_slow])
def test_no_journal_crashes_a_check(entries: list[Entry], truth: bool) -> None:
    report = evaluate_journal(
        LoadedJournal(tuple(entries), has_endings=truth, has_server_state=truth), CHECKS
    )
    assert [v.reason for v in report.verdicts if v.outcome == "error"] == []
    known = {entry.id for entry in entries}
    assert all(set(verdict.entries) <= known for verdict in report.verdicts)


@pytest.mark.slow
@given(st.data(), st.lists(ENTRIES, max_size=8))
@settings(max_examples=FEWER, suppress_health_check=[HealthCheck.too_slow])
def test_the_order_of_entries_in_a_file_does_not_matter(
    data: st.DataObject, entries: list[Entry]
) -> None:
    reported = [msgspec.structs.replace(entry, id=n) for n, entry in enumerate(entries)]
    mixed = data.draw(st.permutations(reported))
    assert evaluate_journal(LoadedJournal(tuple(reported)), CHECKS) == evaluate_journal(
        LoadedJournal(tuple(mixed)), CHECKS
    )


@pytest.mark.slow
@given(st.lists(ENTRIES, max_size=8))
@settings(max_examples=FEWER, suppress_health_check=[HealthCheck.too_slow])
def test_token_numbers_do_not_matter(entries: list[Entry]) -> None:
    renamed = [
        msgspec.structs.replace(e, token_id=None if e.token_id is None else 90 - e.token_id)
        for e in entries
    ]
    before = evaluate_journal(LoadedJournal(tuple(entries)), CHECKS)
    assert before == evaluate_journal(LoadedJournal(tuple(renamed)), CHECKS)


def test_recorded_call_has_a_short_repr(builder: JournalBuilder) -> None:
    assert repr(RecordedCall(builder.request("balance").entries[0])).startswith(
        "RecordedCall(1 GET /api/credits"
    )


@pytest.mark.slow
def test_thousands_of_errors_are_evaluated(builder: JournalBuilder, verdict: VerdictOf) -> None:
    for _ in range(2_000):
        builder.request("balance", code=429)
    assert verdict("client.429.once", builder).outcome == "failed"
