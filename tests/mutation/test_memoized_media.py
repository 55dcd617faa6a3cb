"""Memoized media: FFmpeg runs once, later servers get its results."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo, MediaRejected, MediaSource
from nemolocal_render.planning.planner import RenderPlan, plan_render
from tests.mutation import memoized_media
from tests.mutation.memoized_media import MemoizedMedia

CLIP = MediaInfo("video", "mp4", 2.0, 1280, 720, 30.0, "h264", "yuv420p", "")


class CountedFFmpeg:
    """Replaces FFmpeg and counts its calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        monkeypatch.setattr(memoized_media, "probe", self.probe)
        monkeypatch.setattr("nemolocal_render.synthetic.scene_clips.make_scene", self.make_scene)
        monkeypatch.setattr(memoized_media, "LocalExecutor", lambda _work: self.render)

    async def probe(self, path: Path, extension: str) -> MediaInfo:
        self.asked.append(f"probe {extension}")
        if path.read_bytes() == b"no clip":
            raise MediaRejected("it is no clip")
        return CLIP

    async def make_scene(self, name: str, _seconds: float, _seed: int, path: Path) -> MediaInfo:
        self.asked.append(f"scene {name}")
        path.write_bytes(b"a scene")
        return CLIP

    async def render(
        self, _plan: RenderPlan, destination: Path, _on_progress: Callable[[int], None]
    ) -> RenderResult:
        self.asked.append("render")
        destination.write_bytes(b"a render")
        return RenderResult(2.0, 8, 60, 1280, 720, "none", "stood in for")


@pytest.fixture
def ffmpeg(monkeypatch: pytest.MonkeyPatch) -> CountedFFmpeg:
    return CountedFFmpeg(monkeypatch)


@pytest.fixture
def media(tmp_path: Path) -> MemoizedMedia:
    folder = tmp_path / "memoized"
    folder.mkdir()
    return MemoizedMedia(folder)


def plan_of(source: Path) -> RenderPlan:
    segment = {"id": "x", "s": 0, "d": 2000, "src": "a"}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [segment]}], "d": 2000})
    return plan_render(draft, {"a": MediaSource(source, CLIP)})


def used(name: str) -> Any:
    """Return what a server uses under this name."""
    return resolve_name(f"nemolocal_server.{name}")


def twice(media: MemoizedMedia, ask: Callable[[], Awaitable[object]]) -> list[object]:
    """Return the results of two servers that start one after the other."""
    reported: list[object] = []
    for _ in range(2):
        with media.patch_servers():
            reported.append(asyncio.run(_awaited(ask)))
    return reported


async def _awaited(ask: Callable[[], Awaitable[object]]) -> object:
    return await ask()


def test_the_same_bytes_are_probed_once(
    ffmpeg: CountedFFmpeg, media: MemoizedMedia, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a clip")
    assert twice(media, lambda: used("api.upload_endpoints.probe")(clip, "mp4")) == [CLIP, CLIP]
    assert ffmpeg.asked == ["probe mp4"]
    twice(media, lambda: used("api.upload_endpoints.probe")(clip, "mov"))
    assert ffmpeg.asked == ["probe mp4", "probe mov"]


def test_rejection_is_memoized(ffmpeg: CountedFFmpeg, media: MemoizedMedia, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no clip")
    for _ in range(2):
        with media.patch_servers(), pytest.raises(MediaRejected, match="it is no clip"):
            asyncio.run(_awaited(lambda: used("api.upload_endpoints.probe")(clip, "mp4")))
    assert ffmpeg.asked == ["probe mp4"]


def test_the_same_scene_is_made_once(
    ffmpeg: CountedFFmpeg, media: MemoizedMedia, tmp_path: Path
) -> None:
    created = tmp_path / "scene.mp4"

    async def make() -> tuple[MediaInfo, bytes]:
        info = await used("turns.media_generator.make_scene")("sunset", 2.0, 5, created)
        content = created.read_bytes()
        created.unlink()
        return info, content

    assert twice(media, make) == [(CLIP, b"a scene")] * 2
    assert ffmpeg.asked == ["scene sunset"]


def test_scene_of_any_seed_is_made_once_for_each_length(
    ffmpeg: CountedFFmpeg, media: MemoizedMedia, tmp_path: Path
) -> None:
    """A check asks for clips that no one has had before: only their pictures differ."""
    created = tmp_path / "scene.mp4"

    async def make(seconds: float, seed: int) -> MediaInfo:
        made: MediaInfo = await used("turns.media_generator.make_scene")(
            "sunset", seconds, seed, created
        )
        return made

    for recipe in ((2.0, 5), (2.0, 6), (3.0, 6)):
        assert twice(media, partial(make, *recipe)) == [CLIP, CLIP]
    assert ffmpeg.asked == ["scene sunset"] * 2


@pytest.mark.slow
def test_the_same_plan_of_the_same_sources_is_rendered_once(
    ffmpeg: CountedFFmpeg, media: MemoizedMedia, tmp_path: Path
) -> None:
    progress: list[int] = []
    names = iter(range(9))

    async def render(content: bytes) -> bytes:
        # Each server has its own name for an upload.
        source = tmp_path / f"{next(names)}.mp4"
        source.write_bytes(content)
        destination = tmp_path / "out.mp4"
        execute = used("services.LocalExecutor")(tmp_path)
        await execute(plan_of(source), destination, progress.append)
        return destination.read_bytes()

    assert twice(media, lambda: render(b"a clip")) == [b"a render"] * 2
    assert ffmpeg.asked == ["render"]
    assert progress == [99, 99]
    twice(media, lambda: render(b"another clip"))
    assert ffmpeg.asked == ["render", "render"]
