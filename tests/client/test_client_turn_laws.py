"""A turn in a world that fails by chance: it is sent once, and tells only what it learned."""

from typing import Any

from hypothesis import given, strategies as st

from nemolocal_client import CannotConnect, ConnectionCut, NemoError, Notice, TurnFailed
from nemolocal_client.auth import AuthState
from nemolocal_client.operations import (
    CheckServer,
    Flow,
    GetTime,
    HttpCall,
    HttpResponse,
    OpenStream,
    Operation,
    ReadStream,
    SavedToken,
    Secret,
    Sleep,
    StreamChunk,
    StreamCut,
    StreamEnd,
    StreamOpened,
)
from nemolocal_client.sessions import ClientSession
from nemolocal_client.turns import run_turn
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.responses import encode_json

# What a read of the state, and a look for the server, may come to; None: it changed.
_FATES = st.sampled_from(["same", "changed", "refused", "unreachable", "cut", "502"])
_LOOKS = st.sampled_from([None, None, "refused", "unreachable"])


class World:
    """Answers a turn's effects by chance, on a clock of its own, and keeps what really happened."""

    def __init__(self, data: st.DataObject, end: StreamEnd | StreamCut) -> None:
        self._data = data
        self._end = end
        self._reads = 0
        self.clock = ManualClock(autojump=True)
        self.sent = 0
        self.learned = ""
        self.reported: list[str] = []

    def answer(self, effect: Operation) -> Any:
        match effect:
            case GetTime():
                return self.clock.time()
            case Sleep(seconds):
                self.clock.wait(seconds)
            case OpenStream():
                return self._open()
            case ReadStream():
                self._reads += 1
                return StreamChunk(b"data:\n\n") if self._reads == 1 else self._end
            case CheckServer():
                result = self._data.draw(_LOOKS)
                return None if result is None else self._gone(result)
            case HttpCall():
                return self._state()
            case Notice():
                self.reported.append(effect.text)
        return None

    def _open(self) -> StreamOpened:
        result = self._data.draw(st.sampled_from(["open", "open", "refused", "unreachable", "cut"]))
        if result in ("refused", "unreachable"):
            raise self._gone(result)
        self.sent += 1
        if result == "cut":
            raise ConnectionCut
        return StreamOpened()

    def _state(self) -> HttpResponse:
        result = self._data.draw(_FATES) if self.sent else "same"
        self.learned = result
        if result in ("refused", "unreachable"):
            raise self._gone(result)
        if result == "cut":
            raise ConnectionCut
        if result == "502":
            return HttpResponse("GET /", 502, b"<html>")
        segments = [{"s": 0, "d": 9}] * (2 if result == "changed" else 1)
        state = {"draft": {"t": [{"tt": 0, "sg": segments}]}, "video_infos": []}
        data = {"session_id": "1", "task_id": "1", "state": state}
        return HttpResponse("GET /", 200, encode_json({"code": 0, "data": data}))

    def _gone(self, result: str) -> CannotConnect:
        return CannotConnect("gone", origin="http://h", refused=result == "refused")


def play(flow: Flow[Any], world: World) -> Any:
    effect = next(flow)
    try:
        while True:
            try:
                reply = world.answer(effect)
            except NemoError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(reply)
    except StopIteration as end:
        return end.value


@given(data=st.data(), end=st.sampled_from([StreamEnd(), StreamCut()]))
def test_turn_is_sent_once_and_tells_only_what_it_learned(
    data: st.DataObject, end: StreamEnd | StreamCut
) -> None:
    world = World(data, end)
    account = AuthState()
    account.use_token(SavedToken(Secret("t"), 9e9))
    problem: Exception | None = None
    try:
        play(run_turn(ClientSession(account, "1"), "trim"), world)
    except NemoError as error:
        problem = error
    assert world.sent <= 1
    assert ("nothing on the timeline changed" in str(problem)) == isinstance(problem, TurnFailed)
    match problem:
        case None:
            assert world.learned == "changed"
        case TurnFailed():
            assert world.learned == "same"
        case CannotConnect():
            assert world.sent == 0
        case _:
            assert isinstance(problem, ConnectionCut)
            assert world.learned != "changed"
