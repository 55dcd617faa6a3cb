"""A server that dies under a command: said at once, with the way back, and a setting."""

import io
from collections.abc import Iterator

import pytest

from nemolocal.main import main
from tests.support import scripted_backend
from tests.support.cli import CommandRunner
from tests.support.scripted_backend import Cut, Piece, ReceivedRequest, ScriptedBackend

UPLOAD = "/api/upload-video"
EDIT = ("edit", "clip.mp4", "-m", "trim to the first second", "-o", "a.mp4")


@pytest.fixture
def backend() -> Iterator[ScriptedBackend]:
    with scripted_backend.listening() as backend:
        yield backend


@pytest.fixture
def dying(backend: ScriptedBackend) -> ScriptedBackend:
    """It dies in the middle of the upload."""

    def respond(_: ReceivedRequest) -> list[Piece]:
        backend.die()
        return [Cut(reset=True)]

    backend.arm(UPLOAD, respond)
    return backend


@pytest.mark.slow
@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("keep", [True, False])
def test_edit_says_how_to_go_on(run: CommandRunner, dying: ScriptedBackend, keep: bool) -> None:
    options = () if keep else ("--no-keep-token",)
    outcome = run(*EDIT, "--base-url", dying.base_url, *options)
    assert outcome.status == 1
    assert f"nemolocal: lost the server at {dying.base_url}" in outcome.err
    assert "nemolocal serve" in outcome.err
    # Without its token nobody comes back to a session.
    assert ("continue with --session 1111111111111111111" in outcome.err) == keep


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("words", [("chat", "clip.mp4"), EDIT])
def test_setting_of_zero_ends_at_once(
    run: CommandRunner,
    backend: ScriptedBackend,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def respond(_: ReceivedRequest) -> list[Piece]:
        backend.die()
        return backend.wire.ok({"session_id": "1" * 19, "task_id": "t1", "user_id": "anon_7"})

    backend.arm("/api/tasks", respond)
    outcome = run(*words, "--base-url", backend.base_url, "--reconnect", "0")
    assert "connection refused" in outcome.err
    assert "trying again" not in outcome.err


@pytest.mark.parametrize("seconds", ["-1", "x", "nan", "inf", ""])
def test_setting_is_a_number_of_seconds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*EDIT, f"--reconnect={seconds}"])
    assert ended.value.code == 2
    assert "must be a number of seconds, 0 or more" in capsys.readouterr().err
