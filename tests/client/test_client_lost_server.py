"""A server that is gone: told at once, looked for for a while, and never taken for a silent one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal_client import (
    BadReply,
    CannotConnect,
    Client,
    ConnectionCut,
    Notice,
    ReconnectPolicy,
    ServerLost,
    TurnFailed,
)
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
