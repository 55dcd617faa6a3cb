"""Previews are made once for each content, and bounded."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaInfo, MediaSource
from nemolocal_server.context import ServerContext
from nemolocal_server.data.sessions import Asset
from nemolocal_server.inspection import preview_service
from nemolocal_server.inspection.preview_service import PreviewService, draw_waveform
from tests.support.http_caller import HttpCaller

CONTROL = "/__nemolocal__"


class Maker:
    """Stands for FFmpeg."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.failure: Exception | None = None

    async def strip(self, source: MediaSource) -> bytes:
        self.paths.append(source.path)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return b"a strip"


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    maker = Maker()
    monkeypatch.setattr(preview_service, "make_film_strip", maker.strip)
    return maker


def strip(caller: HttpCaller, number: int = 0) -> Any:
    asset = caller.get(f"{CONTROL}/sessions/{caller.session}")["assets"][number]["id"]
    return caller.http.get(f"{CONTROL}/assets/{asset}/strip.jpg")


def test_equal_files_have_one_preview(caller: HttpCaller, sample: Path, maker: Maker) -> None:
    caller.upload(sample)
    caller.upload(sample)
    answers = [strip(caller, number) for number in (0, 1, 0)]
    assert [answer.content for answer in answers] == [b"a strip"] * 3
    assert len(maker.paths) == 1
    assert answers[0].headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_a_file_without_a_preview_is_not_tried_again(
    caller: HttpCaller, sample: Path, maker: Maker
) -> None:
    caller.upload(sample)
    maker.failure = FFmpegFailed("FFmpeg ended with status 1: broken")
    assert [strip(caller).status_code for _ in range(2)] == [404, 404]
    assert len(maker.paths) == 1


def test_the_oldest_previews_make_room(
    caller: HttpCaller, sample: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.upload(sample)
    monkeypatch.setattr(preview_service, "MAX_BYTES", 3)
    assert strip(caller).content == strip(caller).content == b"a strip"
    assert len(maker.paths) == 2


def test_sound_has_no_pictures(caller: HttpCaller, song: Path, maker: Maker) -> None:
    caller.upload(song)
    assert strip(caller).status_code == 404
    assert maker.paths == []


def test_a_waveform_is_as_wide_as_it_has_peaks_and_as_high_as_they_are() -> None:
    root = ElementTree.fromstring(draw_waveform([0.0, 1.0, 0.25]))
    assert root.attrib["viewBox"] == "0 0 3 100"
    (path,) = root
    assert path.attrib["d"] == "M0 50.0 L1 0.0 L2 25.0 L2 75.0 L1 100.0 L0 50.0Z"
    assert list(ElementTree.fromstring(draw_waveform([]))) == []


def test_callers_share_a_job_which_ends_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    async def endless(_: MediaSource) -> bytes:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        return b""

    monkeypatch.setattr(preview_service, "make_film_strip", endless)
    clip = MediaInfo("video", "mp4", 1.0, 64, 64, 30.0)
    asset = Asset("1", "session", "upload", "a.mp4", "hash", clip)
    assets = SimpleNamespace(get=lambda _: asset, file_path=lambda _: Path("a.mp4"))
    previews = PreviewService(cast("ServerContext", SimpleNamespace(assets=assets)))

    async def work() -> None:
        readers = [asyncio.create_task(previews.read("strip", "1")) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0)
        await previews.close()
        assert all(
            isinstance(e, asyncio.CancelledError)
            for e in await asyncio.gather(*readers, return_exceptions=True)
        )

    asyncio.run(work())
    assert ended == ["cancelled"]
