"""Sessions, uploads and the state: opened when needed, resumed when saved."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal_client import (
    BadReply,
    Client,
    ConnectionCut,
    FileProblem,
    FileTooLarge,
    Notice,
    SessionNotFound,
    UnsupportedFile,
)
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import Cut, ScriptedBackend

SESSION = "/api/tasks"
UPLOAD = "/api/upload-video"
STATE = "/api/state"
CHAT = "/run_sse"
RENDER = "/api/render/proxy/lambda"
CLAIM = "/api/auth/claim-token"


def test_session_is_opened_in_the_language_of_the_client(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    client = make_client(language="zh")
    assert client.open_session() == client.session_id == "1" * 19
    assert backend.of(SESSION)[0].json == {"task_name": "project", "language": "zh"}


@pytest.mark.slow
def test_session_is_opened_by_whoever_needs_one_first_and_once(
    client: Client, backend: ScriptedBackend, clip: Path
) -> None:
    client.upload(clip)
    client.state()
    assert len(backend.of(SESSION)) == 1


@pytest.mark.slow
def test_each_open_session_is_a_new_one(client: Client, backend: ScriptedBackend) -> None:
    client.open_session()
    client.open_session()
    assert len(backend.of(SESSION)) == 2


@pytest.mark.slow
def test_saved_session_is_resumed_without_opening_a_new_one(
    client: Client, backend: ScriptedBackend
) -> None:
    state = client.resume("42")
    assert state.state.draft == backend.draft
    assert client.session_id == "42"
    assert backend.of(STATE)[0].path == "/api/state/nemo_agent/me/42/latest"
    assert not backend.of(SESSION)


def test_unknown_session_says_to_open_a_new_one(client: Client, backend: ScriptedBackend) -> None:
    backend.arm(STATE, backend.wire.fail(1002, "Session not found: 42"))
    with pytest.raises(SessionNotFound, match="open a new session"):
        client.resume("42")
    assert client.session_id is None


GONE = r"session 42 no longer exists \(it expired, .*\): open a new session and upload again"


@pytest.mark.slow
@pytest.mark.rule("SES-3", "CLI-7")
@pytest.mark.parametrize("dialect", ["envelope", "adk"])
@pytest.mark.parametrize("call", ["state", "say", "upload", "url", "export", "link"])
def test_session_that_goes_while_it_is_held_is_said_to_be_gone(
    client: Client, backend: ScriptedBackend, tmp_path: Path, call: str, dialect: str
) -> None:
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"film")
    client.resume("42")
    fail = backend.wire.fail(1002, "Session not found: 42")
    if dialect == "adk":
        fail = backend.wire.json({"detail": "Session not found: 42"}, 404)
    paths = {"state": STATE, "say": CHAT, "export": RENDER, "link": CLAIM}
    backend.arm(paths.get(call, UPLOAD), fail)
    calls: dict[str, Callable[[], object]] = {
        "state": client.state,
        "say": lambda: client.say("trim"),
        "upload": lambda: client.upload(clip),
        "url": lambda: client.upload("https://films.example/a.mp4"),
        "export": lambda: client.export(tmp_path / "out.mp4"),
        "link": client.claim_link,
    }
    with pytest.raises(SessionNotFound, match=GONE) as gone:
        calls[call]()
    assert gone.value.code == 1002


@pytest.mark.slow
def test_saved_session_that_is_gone_is_told_from_an_id_that_was_never_seen(
    client: Client, backend: ScriptedBackend
) -> None:
    client.resume("42")
    for session, said in (("42", GONE), ("43", "Session not found: 43: open a new session")):
        backend.arm(STATE, backend.wire.fail(1002, f"Session not found: {session}"))
        with pytest.raises(SessionNotFound, match=said):
            client.resume(session)


@pytest.mark.slow
def test_session_id_is_quoted_in_the_path(client: Client, backend: ScriptedBackend) -> None:
    client.resume("../x")
    assert backend.of(STATE)[0].path == "/api/state/nemo_agent/me/..%2Fx/latest"


@pytest.mark.slow
def test_files_go_as_multipart_field_files_in_one_request(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    for name in ("a.mp4", "b.mp3"):
        (tmp_path / name).write_bytes(name.encode() * 10)
    files = client.upload(tmp_path / "a.mp4", str(tmp_path / "b.mp3"))
    (request,) = backend.of(UPLOAD)
    assert request.headers["content-type"].startswith("multipart/form-data")
    assert request.body.count(b'name="files"; filename=') == 2
    assert b"b.mp3" * 10 in request.body
    assert (files[0].file_type, files[0].duration) == ("video", 9)


@pytest.mark.slow
def test_upload_progress_rises_to_the_whole(
    client: Client, clip: Path, notices: list[Notice]
) -> None:
    clip.write_bytes(b"x" * 300_000)
    client.upload(clip)
    shown = [notice.progress or 0.0 for notice in notices if notice.kind == "upload"]
    assert shown == sorted(shown)
    assert 0 < shown[0] < 1
    assert shown[-1] == 1


def test_urls_go_as_json(client: Client, backend: ScriptedBackend, clip: Path) -> None:
    files = client.upload(clip, "https://example.com/b.mp4")
    body = {"urls": ["https://example.com/b.mp4"], "source_type": "url"}
    assert backend.of(UPLOAD)[1].json == body
    assert len(files) == 2
    assert len(client.upload("https://example.com/c.mp4")) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "why"), [("none.mp4", "file not found"), (".", "is a folder")])
def test_file_that_cannot_be_sent_is_said_before_the_upload(
    client: Client, backend: ScriptedBackend, tmp_path: Path, name: str, why: str
) -> None:
    with pytest.raises(FileProblem, match=why):
        client.upload(tmp_path / name)
    assert not backend.of(UPLOAD)


@pytest.mark.slow
def test_refused_file_says_what_is_accepted(
    client: Client, backend: ScriptedBackend, clip: Path
) -> None:
    backend.arm(UPLOAD, backend.wire.fail(4001, "clip.mp4 is text"))
    with pytest.raises(UnsupportedFile, match="is text: use one of mp4"):
        client.upload(clip)


@pytest.mark.slow
def test_upload_is_repeated_whole_with_a_renewed_token(
    client: Client, backend: ScriptedBackend, clip: Path, video: bytes
) -> None:
    backend.arm(UPLOAD, backend.wire.fail(1001))
    client.upload(clip)
    assert all(video in request.body for request in backend.of(UPLOAD))
    assert len(backend.of(UPLOAD)) == 2


def test_connection_cut_over_the_limit_of_the_skill_means_too_large(
    client: Client, backend: ScriptedBackend, clip: Path, cut: type[Cut]
) -> None:
    with clip.open("wb") as file:
        file.truncate(2_000_000_001)
    backend.hasty = (UPLOAD,)
    backend.arm(UPLOAD, [cut(reset=True)])
    with pytest.raises(FileTooLarge, match="compress or trim"):
        client.upload(clip)


@pytest.mark.slow
def test_refusal_before_the_file_is_sent_whole_is_read(
    client: Client, backend: ScriptedBackend, clip: Path
) -> None:
    with clip.open("wb") as file:
        file.truncate(50_000_000)
    backend.hasty = (UPLOAD,)
    backend.arm(UPLOAD, backend.wire.fail(4002, "over 1 MB"))
    with pytest.raises((FileTooLarge, ConnectionCut)):
        client.upload(clip)


@pytest.mark.slow
def test_connection_cut_under_the_limit_stays_what_it_is(
    client: Client, backend: ScriptedBackend, clip: Path, cut: type[Cut]
) -> None:
    backend.arm(UPLOAD, [cut()])
    with pytest.raises(ConnectionCut, match="check the state before you retry"):
        client.upload(clip)
    assert len(backend.of(UPLOAD)) == 1


@pytest.mark.slow
def test_balance_and_timeline_are_read(client: Client) -> None:
    assert client.balance().total == 100
    assert client.timeline() == "Timeline (1 track): 1. Video: beach (0-10s)"


@pytest.mark.slow
def test_html_in_place_of_the_state_is_an_unreadable_reply(
    client: Client, backend: ScriptedBackend
) -> None:
    backend.arm(STATE, backend.wire.html(500))
    with pytest.raises(BadReply, match="HTTP 500 without JSON"):
        client.state()
