"""One message in, replies out: where it goes, what is shown, and when nothing needs to be done."""

import asyncio
import inspect
from pathlib import Path

import pytest

from nemolocal_client import (
    Assistant,
    AsyncAssistant,
    AsyncClient,
    MemoryProfile,
    NothingToExport,
    SessionNotFound,
)
from nemolocal_contract.endpoints import Attribution
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import DraftFactory, ScriptedBackend

CHAT = "/run_sse"
RENDER = "/api/render/proxy/lambda"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.mp4"


@pytest.fixture
def assistant(make_client: ClientFactory, out: Path) -> Assistant:
    """An assistant of either client; the async one has a test of its own."""
    return Assistant(make_client(), out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "route", "line"),
    [
        ("make it brighter", "chat", "Done."),
        ("downloaded clips look dark", "chat", "Done."),
        ("don't export yet", "chat", "Done."),
        ("roll the credits at the end", "chat", "Done."),
        ("credits", "credits", "50 credits, and 50 in use"),
        ("积分", "credits", "50 credits, and 50 in use"),
        ("show tracks", "status", "Timeline (1 track): 1. Video: beach (0-10s)"),
        ("upload", "upload", "Name the files to upload, or their URLs"),
    ],
)
@pytest.mark.rule("CLI-2")
def test_message_goes_where_its_words_send_it(
    assistant: Assistant, backend: ScriptedBackend, message: str, route: str, line: str
) -> None:
    answer = assistant.reply(message)
    assert answer.routes == (route,)
    assert answer.lines == (line,)
    assert len(backend.of(CHAT)) == (route == "chat")


@pytest.mark.slow
def test_file_that_is_named_is_uploaded(assistant: Assistant, clip: Path) -> None:
    answer = assistant.reply(str(clip))
    assert (answer.routes, answer.files[0].filename) == (("upload",), "a.mp4")
    assert answer.lines == ("Uploaded a.mp4 (video, 9 s)",)


def test_file_whose_name_has_spaces_is_uploaded(assistant: Assistant, clip: Path) -> None:
    named = clip.with_name("my clip.mp4")
    clip.rename(named)
    for message in (str(named), f'upload "{named}"', f"upload '{named}' please"):
        assert assistant.reply(message).files, message


@pytest.mark.slow
def test_export_of_nothing_shows_no_timeline(
    make_client: ClientFactory, backend: ScriptedBackend, make_draft: DraftFactory, out: Path
) -> None:
    shown: list[str] = []
    backend.draft = make_draft()
    assistant = Assistant(make_client(), out)
    with pytest.raises(NothingToExport):
        shown.extend(assistant.stream("export"))
    assert shown == []


@pytest.mark.slow
def test_edit_and_export_in_one_message_are_two_parts(
    assistant: Assistant, out: Path, video: bytes
) -> None:
    answer = assistant.reply("trim to 10 seconds and export")
    assert answer.routes == ("chat", "export")
    assert answer.lines[0] == "Done."
    assert answer.lines[-1] == f"{out} (10 s, 10 kB)"
    assert out.read_bytes() == video
    assert answer.turns[0].texts == ("Done.",)


def test_export_is_made_once_until_something_changes(
    assistant: Assistant, backend: ScriptedBackend
) -> None:
    for message in ("export", "download", "brighter", "export"):
        assistant.reply(message)
    assert len([r for r in backend.of(RENDER) if r.path == RENDER]) == 2
    assistant.destination = Path(assistant.destination)
    assert assistant.exported is not None
    assistant.destination = assistant.destination.with_name("other.mp4")
    assert assistant.exported is None
    assert assistant.export().export.path.name == "other.mp4"


@pytest.mark.slow
def test_warnings_of_an_export_are_shown(assistant: Assistant, backend: ScriptedBackend) -> None:
    done = {"id": "render_1", "status": "completed", "output": {"url": "/cdn/x"}}
    backend.arm(f"{RENDER}/", backend.wire.json({**done, "warnings": ["no glyph"]}))
    assert "Warning: no glyph" in assistant.reply("export").lines


def test_warnings_of_an_upload_are_shown_with_the_file_s_name(
    assistant: Assistant, backend: ScriptedBackend, tmp_path: Path
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"bytes")
    file = {"filename": "a.mp4", "file_type": "video", "cdn_url": "/a", "duration": 9}
    reply = {"files": [{**file, "warnings": ["its second sound is left out"]}]}
    backend.arm("/api/upload-video", backend.wire.ok(reply))
    assert assistant.upload(tmp_path / "a.mp4").lines == (
        "Uploaded a.mp4 (video, 9 s)",
        "Warning: a.mp4: its second sound is left out",
    )


@pytest.mark.slow
def test_lines_come_one_by_one(assistant: Assistant, out: Path) -> None:
    lines = iter(assistant.stream("brighter and then export"))
    assert next(lines) == "Done."
    assert not out.exists()
    assert list(lines)[-1].startswith(str(out))


def test_assistant_speaks_the_language_of_its_client(make_client: ClientFactory, out: Path) -> None:
    assistant = Assistant(make_client(language="zh-CN"), out)
    assert assistant.reply("余额").lines == ("可用积分 50，占用 50",)


@pytest.mark.slow
def test_session_that_is_unknown_is_left_for_a_new_one(
    assistant: Assistant, backend: ScriptedBackend
) -> None:
    assistant.reply("brighter")
    backend.arm(CHAT, backend.wire.fail(1002))
    with pytest.raises(SessionNotFound):
        assistant.reply("brighter")
    assistant.reply("brighter")
    assert len(backend.of("/api/tasks")) == 2


@pytest.mark.slow
def test_both_assistants_are_described_alike() -> None:
    for name in ("reply", "stream", "upload", "export"):
        one, other = getattr(Assistant, name), getattr(AsyncAssistant, name)
        assert one.__doc__ == other.__doc__
        assert inspect.signature(one).parameters == inspect.signature(other).parameters


def test_async_assistant_does_the_same(backend: ScriptedBackend, out: Path, clip: Path) -> None:
    async def scene() -> None:
        async with AsyncClient(
            backend.base_url,
            attribution=Attribution("a", "1"),
            profile=MemoryProfile(),
            clock=backend.clock,
            environment={},
        ) as client:
            assistant = AsyncAssistant(client, out)
            assert (await assistant.upload(clip)).files
            assert (await assistant.reply("brighter")).lines == ("Done.",)
            assert [line async for line in assistant.stream("credits")] == [
                "50 credits, and 50 in use"
            ]
            assert (await assistant.export()).export == assistant.exported

    asyncio.run(scene())
    assert out.exists()
