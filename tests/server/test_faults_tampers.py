"""What faults do to bytes and plans, as laws: nothing is lost, nothing comes that was not sent."""

import pytest
from hypothesis import given, strategies as st
from starlette.datastructures import MutableHeaders
from uvicorn.protocols.http.h11_impl import H11Protocol

from nemolocal_contract.draft import Draft
from nemolocal_contract.events import Heartbeat, Text
from nemolocal_contract.sse import HEARTBEAT, FrameParser
from nemolocal_server.agent.intents import Compress
from nemolocal_server.agent.tools import Job
from nemolocal_server.agent.turn_plan import TURN_TIMES, Abandon, Commit, Step, TurnKey, plan_edit
from nemolocal_server.draw import Draw
from nemolocal_server.faults import connections
from nemolocal_server.faults.catalogue import CATALOGUE, Active
from nemolocal_server.faults.disturbance import CALM, disturbance_of
from nemolocal_server.faults.streams import Cut, Piece, Tamper, tamper_of
from nemolocal_server.silence import Outcome

JOBS = (Job((Compress(),), Draft(), Draft()),)
chunks = st.lists(st.binary(max_size=40) | st.text(max_size=20).map(str.encode), max_size=6)
faults = st.sampled_from([name for name, fault in CATALOGUE.items() if "chat" in fault.endpoints])


def tamper(name: str, **args: object) -> Tamper:
    active = Active(name, CATALOGUE[name].read_args(dict(args)))
    made = tamper_of(active, "file", b"{}")
    assert made is not None
    return made


def played(made: Tamper, body: list[bytes]) -> list[Piece]:
    """What is sent in place of a body, up to the cut."""
    pieces: list[Piece] = []
    for number, chunk in enumerate(body, 1):
        for piece in made.body(chunk, number == len(body)):
            pieces.append(piece)
            if isinstance(piece, Cut):
                return pieces
    return pieces


def joined(pieces: list[Piece]) -> bytes:
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))


@pytest.mark.slow
@given(st.sampled_from(["split-utf8", "split-frames", "slow-bytes"]), chunks)
def test_what_is_torn_apart_is_whole_when_put_together(name: str, body: list[bytes]) -> None:
    assert joined(played(tamper(name), body)) == b"".join(body)


@given(st.text(min_size=1).filter(lambda text: not text.isascii()))
def test_every_character_of_several_bytes_is_torn_apart(text: str) -> None:
    pieces = list(tamper("split-utf8").body(text.encode(), False))
    assert all(isinstance(piece, bytes) for piece in pieces)
    assert len(pieces) == 1 + len(text.encode()) - len(text)


@given(st.sampled_from(["cut-fin", "cut-reset"]), st.integers(0, 8), chunks.filter(bool))
def test_what_is_cut_is_a_beginning_and_never_whole(
    name: str, after: int, body: list[bytes]
) -> None:
    pieces = played(tamper(name, after=after), body)
    assert isinstance(pieces[-1], Cut)
    assert b"".join(body).startswith(joined(pieces))
    assert not body[-1] or len(joined(pieces)) < len(b"".join(body))


@given(st.sampled_from(["fin", "reset", "clean"]), chunks)
def test_half_of_a_file_is_half_of_what_its_length_said(how: str, body: list[bytes]) -> None:
    size = len(b"".join(body))
    headers = MutableHeaders({"content-length": str(size)})
    made = tamper("truncated-download", how=how)
    assert made.head(headers) is None
    pieces = played(made, body)
    assert joined(pieces) == b"".join(body)[: size // 2]
    assert headers["content-length"] == str(size // 2 if how == "clean" else size)
    assert (how == "clean") == (not any(isinstance(piece, Cut) for piece in pieces)) or not body


@given(st.lists(st.sampled_from([HEARTBEAT, b"data: {}\n\n", b'data: "x"\n\n'])), st.integers(0, 9))
def test_one_frame_more_is_put_between_the_others(frames: list[bytes], after: int) -> None:
    pieces = played(tamper("bad-json", after=after), [*frames, b""])
    assert len(FrameParser().feed(joined(pieces))) == len(frames) + 1
    doubled = joined(played(tamper("duplicate-event"), [*frames, b""]))
    beats = frames.count(HEARTBEAT)
    assert len(FrameParser().feed(doubled)) == beats + 2 * (len(frames) - beats)


@given(st.lists(faults, max_size=4), st.integers(0, 50))
def test_no_faults_together_make_a_turn_longer_than_it_may_be(names: list[str], seed: int) -> None:
    active = tuple(Active(name, CATALOGUE[name].args()) for name in names)
    key = TurnKey("client", 1, 1, "compress it")
    plan = plan_edit(JOBS, "done", key, Draw(seed), 15)
    steps = disturbance_of(active).disturb(plan, 15)
    assert sum(step.delay for step in steps) <= TURN_TIMES.limit + 1e-9
    ends = [number for number, step in enumerate(steps) if isinstance(step.action, Abandon)]
    assert all(not isinstance(s.action, Commit | Text) for n in ends for s in steps[n:]) or (
        "temporary-issue" in names
    )


def test_a_calm_turn_is_left_as_it_is() -> None:
    steps = [Step(1.0, Heartbeat()), Step(2.0, Text("done"))]
    assert CALM.disturb(steps, 15) == steps
    assert disturbance_of(()) == CALM


def test_of_two_outcomes_the_first_holds_and_the_rest_adds_up() -> None:
    active = tuple(
        Active(name, CATALOGUE[name].args())
        for name in ("silent-late", "silent", "stall", "late-heartbeat", "line-separator")
    )
    disturbance = disturbance_of(active)
    assert disturbance.outcome == Outcome(True, "late", 20.0)
    assert (disturbance.stall, disturbance.quiet, disturbance.separators) == (900.0, 60.0, True)


def test_connections_can_be_cut_whichever_parser_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "AutoHTTPProtocol", H11Protocol)
    assert connections.reachable_protocol() is connections.ReachableH11
