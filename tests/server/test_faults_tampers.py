"""What faults do to bytes and plans, as laws: nothing is lost, nothing comes that was not sent."""

import msgspec
import pytest
from hypothesis import given, strategies as st
from starlette.datastructures import MutableHeaders
from uvicorn.protocols.http.h11_impl import H11Protocol

from nemolocal_agent.intents import Compress
from nemolocal_agent.tool_calls import PlannedToolCall
from nemolocal_contract.draft import Draft
from nemolocal_contract.turn_events import HEARTBEAT_BYTES, Heartbeat, SseParser, Text
from nemolocal_server.faults.catalogue import CATALOGUE, ActiveFault
from nemolocal_server.faults.fault_middleware import _apply_filters
from nemolocal_server.faults.response_faults import (
    BodyFilter,
    CutConnection,
    FilterOutput,
    body_filter_for,
)
from nemolocal_server.faults.turn_faults import NO_TURN_FAULTS, turn_faults_for
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.transport import uvicorn_protocols
from nemolocal_server.turns.silent_turns import EditOutcome
from nemolocal_server.turns.turn_schedule import (
    CLOUD_TURN_TIMES,
    AbortTurn,
    CommitEdits,
    TurnScheduler,
    TurnSeed,
    TurnStep,
    limit_duration,
)

JOBS = (PlannedToolCall((Compress(),), Draft(), Draft()),)
chunks = st.lists(st.binary(max_size=40) | st.text(max_size=20).map(str.encode), max_size=6)
faults = st.sampled_from([name for name, fault in CATALOGUE.items() if "chat" in fault.endpoints])


def tamper(name: str, **args: object) -> BodyFilter:
    active = ActiveFault(name, CATALOGUE[name].parse_args(dict(args)))
    created = body_filter_for(active, "file", b"{}")
    assert created is not None
    return created


def played(created: BodyFilter, body: list[bytes]) -> list[FilterOutput]:
    """What is sent in place of a body, up to the cut."""
    pieces: list[FilterOutput] = []
    for number, chunk in enumerate(body, 1):
        for piece in created.filter_chunk(chunk, number == len(body)):
            pieces.append(piece)
            if isinstance(piece, CutConnection):
                return pieces
    return pieces


def joined(pieces: list[FilterOutput]) -> bytes:
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))


@pytest.mark.slow
@given(st.sampled_from(["split-utf8", "split-frames", "slow-bytes"]), chunks)
def test_what_is_torn_apart_is_whole_when_put_together(name: str, body: list[bytes]) -> None:
    assert joined(played(tamper(name), body)) == b"".join(body)


@pytest.mark.slow
@given(st.text(min_size=1).filter(lambda text: not text.isascii()))
def test_every_character_of_several_bytes_is_torn_apart(text: str) -> None:
    pieces = list(tamper("split-utf8").filter_chunk(text.encode(), False))
    assert all(isinstance(piece, bytes) for piece in pieces)
    assert len(pieces) == 1 + len(text.encode()) - len(text)


@pytest.mark.slow
@given(st.sampled_from(["cut-fin", "cut-reset"]), st.integers(0, 8), chunks.filter(bool))
def test_what_is_cut_is_a_beginning_and_never_whole(
    name: str, after: int, body: list[bytes]
) -> None:
    pieces = played(tamper(name, after=after), body)
    assert isinstance(pieces[-1], CutConnection)
    assert b"".join(body).startswith(joined(pieces))
    assert not body[-1] or len(joined(pieces)) < len(b"".join(body))


@pytest.mark.slow
@given(st.sampled_from(["fin", "reset", "clean"]), chunks)
def test_half_of_a_file_is_half_of_what_its_length_said(how: str, body: list[bytes]) -> None:
    size = len(b"".join(body))
    headers = MutableHeaders({"content-length": str(size)})
    created = tamper("truncated-download", how=how)
    assert created.filter_headers(headers) is None
    pieces = played(created, body)
    assert joined(pieces) == b"".join(body)[: size // 2]
    assert headers["content-length"] == str(size // 2 if how == "clean" else size)
    assert (how == "clean") == (
        not any(isinstance(piece, CutConnection) for piece in pieces)
    ) or not body


@pytest.mark.slow
@given(
    st.lists(st.sampled_from([HEARTBEAT_BYTES, b"data: {}\n\n", b'data: "x"\n\n'])),
    st.integers(0, 9),
)
def test_one_frame_more_is_put_between_the_others(frames: list[bytes], after: int) -> None:
    pieces = played(tamper("bad-json", after=after), [*frames, b""])
    assert len(SseParser().feed(joined(pieces))) == len(frames) + 1
    doubled = joined(played(tamper("duplicate-event"), [*frames, b""]))
    beats = frames.count(HEARTBEAT_BYTES)
    assert len(SseParser().feed(doubled)) == beats + 2 * (len(frames) - beats)


@pytest.mark.slow
@given(st.lists(faults, max_size=4), st.integers(0, 50))
def test_no_faults_together_make_a_turn_longer_than_it_may_be(names: list[str], seed: int) -> None:
    active = tuple(ActiveFault(name, CATALOGUE[name].args()) for name in names)
    key = TurnSeed("client", 1, 1, "compress it")
    plan = TurnScheduler(key, SeededRandom(seed), 15).edit(JOBS, "done")
    steps = limit_duration(turn_faults_for(active).apply(plan, 15))
    assert sum(step.delay for step in steps) <= CLOUD_TURN_TIMES.limit + 1e-9
    ends = [number for number, step in enumerate(steps) if isinstance(step.action, AbortTurn)]
    assert all(not isinstance(s.action, CommitEdits | Text) for n in ends for s in steps[n:]) or (
        "temporary-issue" in names
    )


def test_a_calm_turn_is_left_as_it_is() -> None:
    steps = [TurnStep(1.0, Heartbeat()), TurnStep(2.0, Text("done"))]
    assert NO_TURN_FAULTS.apply(steps, 15) == steps
    assert turn_faults_for(()) == NO_TURN_FAULTS
    # There is nothing that could be aborted.
    aborted = msgspec.structs.replace(NO_TURN_FAULTS, aborted=True)
    assert aborted.apply(steps[:1], 15) == steps[:1]
    assert aborted.apply(steps, 15) == [steps[0], TurnStep(2.0, AbortTurn())]


def test_a_filter_changes_nothing_of_itself() -> None:
    headers = MutableHeaders({"content-length": "6"})
    assert BodyFilter().filter_headers(headers) is None
    assert played(BodyFilter(), [b"one", b"two"]) == [b"one", b"two"]


def test_what_one_filter_sends_goes_through_the_next_and_its_cut_ends_both() -> None:
    cut, whole = tamper("cut-fin"), BodyFilter()
    chunk = b"data: a whole event\n\n"
    alone = played(tamper("cut-fin"), [chunk])
    assert isinstance(alone[-1], CutConnection)
    assert list(_apply_filters([cut, whole], chunk, True)) == alone
    assert list(_apply_filters([], chunk, True)) == [chunk]


def test_of_two_outcomes_the_first_holds_and_the_rest_adds_up() -> None:
    active = tuple(
        ActiveFault(name, CATALOGUE[name].args())
        for name in ("silent-late", "silent", "stall", "late-heartbeat", "line-separator")
    )
    faults = turn_faults_for(active)
    assert faults.outcome == EditOutcome(True, "late", 20.0)
    assert (faults.stall, faults.first_event_delay, faults.separators) == (
        900.0,
        60.0,
        True,
    )


def test_connections_can_be_cut_whichever_parser_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uvicorn_protocols, "AutoHTTPProtocol", H11Protocol)
    assert uvicorn_protocols.select_http_protocol() is uvicorn_protocols.CuttableH11Protocol
