"""A server that is gone: told at once, looked for for a while, and never taken for a silent one."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from nemolocal_client import (
    BadReply,
    CannotConnect,
    Client,
    ConnectionCut,
    NemoError,
    Notice,
    ReconnectPolicy,
    ServerLost,
    TurnFailed,
)
from nemolocal_client.auth import AuthState
from nemolocal_client.httpx_adapter import probe_server, server_address, translate_httpx_errors
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
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import (
    Answer,
    Cut,
    DraftFactory,
    Piece,
    ReceivedRequest,
    ScriptedBackend,
)

CHAT = "/run_sse"
STATE = "/api/state"
UPLOAD = "/api/upload-video"
RENDER = "/api/render/proxy/lambda"
STATUS = f"{RENDER}/"
LOST = r"Lost the server at http://127\.0\.0\.1:\d+, trying again until \d\d:\d\d:\d\d"


def dying(backend: ScriptedBackend, *answer: Piece) -> Answer:
    """An answer in the middle of which the server dies."""

    def respond(_: ReceivedRequest) -> list[Piece]:
        backend.die()
        return list(answer)

    return respond


def lost(notices: list[Notice]) -> list[str]:
    return [notice.text for notice in notices if re.fullmatch(LOST, notice.text)]


@pytest.fixture
def returning(make_client: ClientFactory, backend: ScriptedBackend) -> Callable[..., Client]:
    """A client whose server comes back as soon as somebody was told that it is lost."""

    def make(notices: list[Notice]) -> Client:
        def notify(notice: Notice) -> None:
            notices.append(notice)
            if re.fullmatch(LOST, notice.text):
                backend.rise()

        return make_client(notify=notify)

    return make


@pytest.mark.rule("CLI-4", "SSE-7")
@pytest.mark.parametrize("begun", [True, False], ids=["in the stream", "before the reply"])
def test_server_that_dies_in_a_turn_is_told_and_given_up_in_time(
    client: Client, backend: ScriptedBackend, cut: type[Cut], notices: list[Notice], begun: bool
) -> None:
    stream = backend.wire.stream(backend.wire.tool(), cut()) if begun else [cut()]
    backend.arm(CHAT, dying(backend, *stream))
    client.open_session()
    before = backend.clock.time()
    with pytest.raises(ConnectionCut, match=r"connection refused \(30 s\)") as caught:
        client.say("trim")
    assert backend.clock.time() - before <= 35
    assert len(lost(notices)) == 1
    assert "it is not known whether the message was processed" in caught.value.message
    assert "check the state before you retry" in caught.value.remedy
    assert "nemolocal serve" in caught.value.remedy
    assert len(backend.of(CHAT)) == 1


@pytest.mark.slow
@pytest.mark.rule("CLI-4")
def test_turn_is_told_from_the_state_when_the_server_is_back(
    returning: Callable[..., Client],
    backend: ScriptedBackend,
    cut: type[Cut],
    make_draft: DraftFactory,
) -> None:
    notices: list[Notice] = []

    def respond(request: ReceivedRequest) -> list[Piece]:
        backend.draft = make_draft("city")
        answer = dying(backend, *backend.wire.stream(backend.wire.tool(), cut()))
        return answer(request) if callable(answer) else answer

    backend.arm(CHAT, respond)
    assert returning(notices).say("use the city").changes
    chat, (*_, after) = backend.of(CHAT), backend.of(STATE)
    assert len(chat) == len(lost(notices)) == 1
    assert after.at - chat[0].at >= 30
    assert notices[-1].text == "The server is back"


@pytest.mark.slow
def test_message_that_was_never_sent_is_sent_once_when_the_server_is_back(
    returning: Callable[..., Client], backend: ScriptedBackend
) -> None:
    notices: list[Notice] = []
    client = returning(notices)
    client.open_session()
    backend.die()
    assert client.say("hello").lines
    assert len(backend.of(CHAT)) == len(lost(notices)) == 1


@pytest.mark.slow
def test_call_to_a_server_that_is_gone_says_that_nothing_was_sent(
    client: Client, backend: ScriptedBackend
) -> None:
    client.open_session()
    backend.die()
    with pytest.raises(ServerLost, match=f"lost the server at {backend.base_url}"):
        client.say("trim")
    assert not backend.of(CHAT)


def test_server_that_never_answered_is_not_waited_for(
    client: Client, backend: ScriptedBackend, notices: list[Notice]
) -> None:
    backend.die()
    before = backend.clock.time()
    with pytest.raises(CannotConnect, match="cannot connect to") as caught:
        client.balance()
    assert not isinstance(caught.value, ServerLost)
    assert (backend.clock.time(), notices) == (before, [])


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 5.0, 120.0])
def test_setting_says_how_long_a_server_is_looked_for(
    make_client: ClientFactory, backend: ScriptedBackend, notices: list[Notice], seconds: float
) -> None:
    client = make_client(reconnecting=ReconnectPolicy(seconds))
    client.open_session()
    backend.die()
    before = backend.clock.time()
    with pytest.raises(ServerLost):
        client.balance()
    assert backend.clock.time() - before == seconds
    assert len(lost(notices)) == bool(seconds)


@pytest.mark.rule("CLI-8")
def test_server_that_dies_in_a_render_is_given_up_in_time(
    client: Client, backend: ScriptedBackend, notices: list[Notice], tmp_path: Path
) -> None:
    processing = backend.wire.json({"id": "render_1", "status": "processing", "progress": 10})
    backend.arm(STATUS, dying(backend, *processing))
    with pytest.raises(ServerLost, match=r"connection refused \(30 s\)"):
        client.export(tmp_path / "out.mp4")
    assert len(lost(notices)) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("path", [RENDER, STATUS], ids=["at submit", "at a question"])
def test_render_goes_on_when_the_server_is_back(
    returning: Callable[..., Client],
    backend: ScriptedBackend,
    cut: type[Cut],
    tmp_path: Path,
    path: str,
) -> None:
    notices: list[Notice] = []
    backend.arm(path, dying(backend, cut()))
    assert returning(notices).export(tmp_path / "out.mp4").size
    assert len([request for request in backend.of(RENDER) if request.method == "POST"]) == 1
    assert len(lost(notices)) == 1


def test_server_that_dies_in_an_upload_is_told_at_once_and_nothing_is_sent_again(
    client: Client, backend: ScriptedBackend, cut: type[Cut], clip: Path
) -> None:
    backend.arm(UPLOAD, dying(backend, cut(reset=True)))
    with pytest.raises(ConnectionCut, match="during a call") as caught:
        client.upload(clip)
    assert caught.value.gone
    assert "check the state before you retry" in caught.value.remedy
    assert len(backend.of(UPLOAD)) == 1


def test_large_upload_to_a_server_that_dies_is_no_file_that_is_too_large(
    make_client: ClientFactory, backend: ScriptedBackend, cut: type[Cut], tmp_path: Path
) -> None:
    with (tmp_path / "big.mp4").open("wb") as file:
        file.truncate(2_000_000_001)
    backend.hasty = (UPLOAD,)
    backend.arm(UPLOAD, dying(backend, cut(reset=True)))
    with pytest.raises(ConnectionCut, match="lost the server"):
        make_client().upload(tmp_path / "big.mp4")


def test_upload_that_was_never_begun_is_made_when_the_server_is_back(
    returning: Callable[..., Client], backend: ScriptedBackend, clip: Path
) -> None:
    client = returning([])
    client.open_session()
    backend.die()
    client.upload(clip)
    assert len(backend.of(UPLOAD)) == 1


@pytest.mark.slow
def test_download_is_made_when_the_server_is_back(
    returning: Callable[..., Client], backend: ScriptedBackend, tmp_path: Path, video: bytes
) -> None:
    notices: list[Notice] = []
    backend.arm("/cdn/", dying(backend, *backend.wire.file(video, cut_at=4000)))
    returning(notices).export(tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == video
    assert len(lost(notices)) == 1


@pytest.mark.slow
def test_server_that_dies_in_a_download_leaves_no_part_of_it(
    client: Client, backend: ScriptedBackend, tmp_path: Path, video: bytes
) -> None:
    backend.arm("/cdn/", dying(backend, *backend.wire.file(video, cut_at=4000)))
    with pytest.raises(ServerLost):
        client.export(tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("silent", [True, False])
def test_state_that_cannot_be_read_is_no_state_that_did_not_change(
    client: Client, backend: ScriptedBackend, cut: type[Cut], notices: list[Notice], silent: bool
) -> None:
    end = () if silent else (cut(),)
    backend.arm(CHAT, backend.wire.stream(backend.wire.tool(), *end))
    backend.arm(STATE, backend.state(backend.draft), *[backend.wire.html(502)] * 5)
    with pytest.raises(ConnectionCut, match="the state could not be read afterwards") as caught:
        client.say("trim")
    assert "changed" not in str(caught.value)
    assert len([n for n in notices if "cannot be read yet" in n.text]) == 1


def test_server_that_hangs_is_not_said_to_work_and_given_up_in_time(
    make_client: ClientFactory, backend: ScriptedBackend, cut: type[Cut], notices: list[Notice]
) -> None:
    backend.arm(CHAT, backend.wire.stream(backend.wire.tool(), cut()))
    hung: list[Piece] = [cut()]
    backend.arm(STATE, backend.state(backend.draft), *[hung] * 5)
    client = make_client(notify=notices.append, reconnecting=ReconnectPolicy(10.0))
    before = backend.clock.time()
    with pytest.raises(ConnectionCut, match="the state could not be read afterwards"):
        client.say("trim")
    assert backend.clock.time() - before <= 160
    assert "working" not in {notice.kind for notice in notices}
    (reported,) = [notice.text for notice in notices if "cannot be read yet" in notice.text]
    assert re.search(r", trying again until \d\d:\d\d:\d\d$", reported)


@pytest.mark.slow
def test_gateway_whose_server_is_gone_is_told_in_a_render(
    client: Client, backend: ScriptedBackend, notices: list[Notice], tmp_path: Path
) -> None:
    backend.arm(STATUS, *[backend.wire.html(502)] * 3)
    client.export(tmp_path / "out.mp4")
    reported = [notice.text for notice in notices if notice.kind == "waiting"]
    assert len(reported) == 1
    assert "HTTP 502" in reported[0]
    assert re.search(r", trying again until \d\d:\d\d:\d\d$", reported[0])


def test_gateway_whose_server_stays_away_is_given_up_however_often_it_may_be_asked(
    make_client: ClientFactory, backend: ScriptedBackend, tmp_path: Path
) -> None:
    from nemolocal_client import PollPolicy

    backend.always(STATUS, backend.wire.html(502))
    client = make_client(polling=PollPolicy(1.0, 1200), reconnecting=ReconnectPolicy(2.0))
    before = backend.clock.time()
    with pytest.raises(BadReply, match="HTTP 502"):
        client.export(tmp_path / "out.mp4")
    assert 20 <= backend.clock.time() - before <= 25


@pytest.mark.slow
def test_cut_turn_that_did_nothing_is_to_be_said_once_more(
    client: Client, backend: ScriptedBackend, cut: type[Cut]
) -> None:
    backend.arm(CHAT, backend.wire.stream(backend.wire.tool(), cut()))
    with pytest.raises(TurnFailed, match="send it again"):
        client.say("trim")


def refused(host: str, port: int) -> httpx.ConnectError:
    """What httpx raises where nothing listens."""
    with pytest.raises(httpx.ConnectError) as caught:
        httpx.get(f"http://{host}:{port}", trust_env=False)
    return caught.value


@pytest.fixture
def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_refusal_is_told_from_a_network_that_is_down(host: str, free_port: int) -> None:
    with pytest.raises(CannotConnect) as caught, translate_httpx_errors():
        raise refused(host, free_port)
    assert caught.value.refused
    assert caught.value.origin == f"http://{host}:{free_port}"
    down = httpx.ConnectError("no", request=httpx.Request("GET", "http://user:pw@h:1/x"))
    down.__cause__ = socket.gaierror(-2, "Name or service not known")
    with pytest.raises(CannotConnect) as caught, translate_httpx_errors():
        raise down
    assert (caught.value.refused, caught.value.origin) == (False, "http://h:1")


def test_refusals_of_all_addresses_of_a_name_are_one() -> None:
    both = OSError("All connection attempts failed")
    both.__cause__ = ExceptionGroup("", [ConnectionRefusedError(), TimeoutError()])
    error = httpx.ConnectError("no", request=httpx.Request("GET", "http://h"))
    error.__cause__ = both
    with pytest.raises(CannotConnect) as caught, translate_httpx_errors():
        raise error
    assert caught.value.refused


def test_server_is_looked_for_only_where_it_answered_through_a_socket(
    free_port: int, backend: ScriptedBackend
) -> None:
    assert server_address(httpx.Response(200)) is None
    assert probe_server(None, "http://x") is None
    with httpx.stream("GET", f"{backend.base_url}/x", trust_env=False) as response:
        peer = server_address(response)
    assert probe_server(peer, "http://x") is None
    gone = probe_server(("127.0.0.1", free_port), "http://x")
    assert gone is not None
    assert (gone.refused, gone.origin) == (True, "http://x")
    # A closed socket has no address any more.
    assert server_address(response) in (None, peer)


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
