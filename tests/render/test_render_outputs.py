"""What file comes out: its shape, its size in bytes, how it was made, and that parts fit."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import ffmpeg_cli
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.job import RenderResult, render
from nemolocal_render.planning.plan_splitting import split_plan
from nemolocal_render.planning.planner import (
    COPY_REASON,
    MediaSource,
    OutputSpec,
    RenderPlan,
    plan_render,
)
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
WHOLE = {"src": "sample.mp4", "s": 0, "d": 4000}
OWN = {"width": None, "height": None}


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"src": "sample.mp4", "s": 0, "d": 1000, **s} for s in segments]}


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 14) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


@pytest.mark.slow
def test_clips_of_another_shape_fill_the_picture_as_asked(make: Make) -> None:
    tall = {"width": 90, "height": 160}

    def seen(fit: str) -> list[tuple[int, int, int]]:
        frames = DecodedVideo(make([video({"src": "quarters.png", "d": 100})], **tall, fit=fit)[0])
        return [frames.rgb(1, x, y) for x, y in ((0.25, 0.1), (0.25, 0.42), (0.75, 0.42))]

    assert [near(a, b) for a, b in zip(seen("pad"), ((0, 0, 0), RED, GREEN), strict=True)] == [
        True
    ] * 3
    assert [near(a, b) for a, b in zip(seen("crop"), (RED, RED, GREEN), strict=True)] == [True] * 3
    above, left, right = seen("blur")
    assert near(left, RED)
    assert near(right, GREEN)
    # The background is the same picture, large and soft.
    assert above[0] > 200


def test_the_size_asked_for_by_the_request_the_draft_the_skill() -> None:
    from nemolocal_render.media import MediaInfo

    large = MediaSource(Path("/m/1.mp4"), MediaInfo("video", "mp4", 9.0, 3840, 2160, 24.0))

    def size(output: OutputSpec, **metadata: Any) -> tuple[int, float]:
        draft = draft_from_wire({"t": [video({"src": "large"})], "m": metadata})
        created = plan_render(draft, {"large": large}, output)
        assert created.warnings == ()
        return created.height, float(created.fps)

    assert size(OutputSpec()) == (1080, 24)
    assert size(OutputSpec(usual_resolution="4k")) == (2160, 24)
    assert size(OutputSpec(usual_resolution="4k"), resolution="720p") == (720, 24)
    assert size(OutputSpec(resolution="1080p"), resolution="720p", fps=30) == (1080, 30)
    assert size(OutputSpec(fps=25.0), fps=30) == (1080, 25)


def test_nothing_is_enlarged_and_that_is_said(source: Callable[[str], MediaSource]) -> None:
    draft = draft_from_wire({"t": [video({})], "m": {"resolution": "4K"}})
    created = plan_render(draft, {"sample.mp4": source("sample.mp4")})
    assert (created.width, created.height) == (320, 180)
    assert created.warnings == ("draft.m.resolution: 320x180 is smaller and is not enlarged",)


def test_an_untouched_clip_is_copied(make: Make, media: Path) -> None:
    path, result = make([video(WHOLE)], OutputSpec(), **OWN)
    assert (result.encoder, result.encoder_reason) == ("copy", COPY_REASON)
    assert (result.frames, result.preset, result.crf) == (120, "", 0.0)
    assert read_samples(path) == read_samples(media / "sample.mp4")
    assert [DecodedVideo(path).counter(n) for n in (0, 119)] == [0, 119]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("segment", "output", "metadata"),
    [
        ({"d": 3900}, OutputSpec(), {}),
        ({"v": 0.9}, OutputSpec(), {}),
        ({"fx": [{"type": "grayscale"}]}, OutputSpec(), {}),
        ({}, OutputSpec("medium"), {}),
        ({}, OutputSpec(fps=25.0), {}),
        ({}, OutputSpec(), {"width": 160, "height": 90}),
        ({}, OutputSpec(), {"compress": {"mode": "rtk"}}),
    ],
)
def test_a_clip_that_is_changed_is_not_copied(
    source: Callable[[str], MediaSource],
    segment: dict[str, Any],
    output: OutputSpec,
    metadata: dict[str, Any],
) -> None:
    draft = draft_from_wire({"t": [video({**WHOLE, **segment})], "m": metadata})
    assert plan_render(draft, {"sample.mp4": source("sample.mp4")}, output).copy_source is None


@pytest.mark.slow
def test_a_copy_that_would_not_be_exact_is_encoded(
    tmp_path: Path, media: Path, source: Callable[[str], MediaSource]
) -> None:
    # The file has half of the frames that its length promised.
    lying = MediaSource(media / "tones.mp4", source("sample.mp4").info)
    wire = {"t": [video({**WHOLE, "src": "lying"})]}
    plan = plan_render(draft_from_wire(wire), {"lying": lying})
    assert plan.copy_source is lying
    work = render(plan, tmp_path / "x.mp4", workdir=tmp_path, on_progress=lambda _: None)
    result = asyncio.run(work)
    assert (result.encoder, result.frames) == ("libx264", 120)


@pytest.mark.slow
@pytest.mark.usefixtures("no_hardware")
def test_a_copy_that_fails_is_encoded(make: Make, fake_ffmpeg: Callable[[str], Path]) -> None:
    fake_ffmpeg("if 'copy' in args: sys.exit('no')")
    _, result = make([video(WHOLE)], OutputSpec(), **OWN)
    assert (result.encoder, result.preset, result.crf) == ("libx264", "veryfast", 17)
    assert result.settings_reason == "quality high"


@pytest.mark.slow
def test_a_quality_asked_for_in_the_draft(make: Make) -> None:
    _, result = make([video({})], OutputSpec(), compress={"mode": "quality", "quality": "low"})
    assert (result.preset, result.crf) == ("veryfast", 28)
    assert result.settings_reason == "compression to quality low"


@pytest.fixture(scope="session")
def bright(media_cache: MediaCache) -> str:
    """A clip of white as bright as paper, as PQ of BT.2020."""
    words = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=error"
    tags = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"]
    scene = "color=0x949494:s=64x36:r=30:d=0.2,format=yuv420p10le"
    encode = ["-c:v", "libx265", "-x265-params", words, *tags]
    command = ["-f", "lavfi", "-i", scene, *encode]
    return str(media_cache.file("bright.mp4", lambda path: run_ffmpeg(*command, path), command))


def test_a_high_dynamic_range_is_narrowed(
    make: Make, bright: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = video({"src": bright, "d": 200})
    path, result = make([lane], width=64, height=36)
    assert result.warnings == ()
    assert 170 < DecodedVideo(path).luma(3, 0.5, 0.5) < 225

    async def lacks(*_: str) -> bool:
        return False

    monkeypatch.setattr(ffmpeg_cli, "has_filters", lacks)
    _, result = make([lane], width=64, height=36)
    assert result.warnings == (
        "draft.t[0].sg[0].src: its high dynamic range is shown without tone mapping",
    )


@pytest.mark.slow
@pytest.mark.parametrize(("size", "luma"), [("1280x720", 100), ("320x180", 91)])
def test_untagged_colours_are_taken_as_players_take_them(
    make: Make, tmp_path: Path, size: str, luma: int
) -> None:
    path = tmp_path / "untagged.mkv"
    scene = f"color=black:s={size}:r=30:d=0.2,format=yuv420p,geq=lum=100:cb=90:cr=180"
    run_ffmpeg("-f", "lavfi", "-i", scene, "-c:v", "libx264", "-qp", "1", str(path))
    seen = DecodedVideo(make([video({"src": str(path), "d": 200})])[0])
    # High definition is in our colours already, small pictures are in those of television.
    assert abs(seen.luma(3, 0.5, 0.5) - luma) <= 2


@pytest.mark.slow
def test_a_binary_that_does_not_run_has_no_filters(fake_ffmpeg: Callable[[str], Path]) -> None:
    assert asyncio.run(ffmpeg_cli.has_filters("scale", "tonemap")) is True
    assert asyncio.run(ffmpeg_cli.has_filters("scale", "nonsense")) is False
    fake_ffmpeg("sys.exit(1)")
    assert asyncio.run(ffmpeg_cli.has_filters("scale")) is False


@pytest.mark.slow
def test_parts_make_the_same_film(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = {"type": "crossfade", "d": 200}
    lane = video(
        {"ss": 1000, "d": 500, "tr": cut},
        {"s": 500, "d": 500, "ss": 2000, "fx": [{"type": "zoom", "end": 1.01}]},
        {"s": 1001, "d": 500, "fi": 200, "fo": 300},
        {"s": 1900, "d": 402, "fx": [{"type": "reverse"}]},
    )
    above = {"src": "logo.png", "s": 300, "d": 1500, "fi": 200, "fx": [{"type": "overlay"}]}
    titles = {"tt": 7, "sg": [{"s": 900, "d": 300, "txt": "HI", "st": {"size": 300}}]}
    tracks = [lane, video(above), titles]
    whole = make(tracks, fps=29.97)[0]
    one, heard = DecodedVideo(whole), read_samples(whole)
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._MEMORY", 1)
    parts = make(tracks, fps=29.97)[0]
    other = DecodedVideo(parts)
    assert len(one) == len(other) == 69
    for n in range(69):
        for x, y in ((0.1, 0.1), (0.5, 0.9), (0.9, 0.1), (0.5, 0.5)):
            assert abs(one.luma(n, x, y) - other.luma(n, x, y)) < 24, (n, x, y)
    assert read_samples(parts) == heard
    assert [other.counter(n) for n in (0, 5, 20)] == [30, 35, 65]


@pytest.mark.slow
def test_parts_keep_their_times(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import av

    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._MEMORY", 1)
    cuts = [{"s": 100.1 * n, "d": 100.1, "ss": 300 * n, "v": 0} for n in range(7)]
    path, _ = make([video(*cuts)], fps=29.97)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        base = container.streams.video[0].time_base or 0
        times = [(frame.pts or 0) * base for frame in frames]
    assert times == [Fraction(1001, 30000) * n for n in range(21)]


def test_parts_are_small_and_whole(source: Callable[[str], MediaSource]) -> None:
    def planned(count: int, **fields: Any) -> RenderPlan:
        cuts = [{"s": 400 * n, "d": 400, "ss": 10 * n, **fields} for n in range(count)]
        return plan_render(
            draft_from_wire({"t": [video(*cuts)]}), {"sample.mp4": source("sample.mp4")}
        )

    few = planned(5)
    assert split_plan(few) == [few]
    parts = split_plan(planned(199, tr={"type": "crossfade", "d": 200}))
    assert max(len(part.layers[0]) for part in parts) <= 48
    assert sum(part.frames for part in parts) == 199 * 12
    assert [part.start_frame for part in parts][1:] == [
        part.start_frame + part.frames for part in parts[:-1]
    ]
    backwards = split_plan(planned(8, fx=[{"type": "reverse"}]))
    assert len(backwards) == 1


def test_cores_are_those_that_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    quota = tmp_path / "cpu.max"
    assert usable_cores(quota) == 8
    quota.write_text("max 100000\n")
    assert usable_cores(quota) == 8
    quota.write_text("150000 100000\n")
    assert usable_cores(quota) == 2
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert usable_cores(tmp_path / "none") == 1


@pytest.mark.slow
def test_texts_at_the_same_time_and_place_are_both_seen(make: Callable[..., Any]) -> None:
    def lines(*texts: str) -> int:
        """How many rows of the picture are bright somewhere."""
        style = {"size": 150, "pos": "bottom-center"}
        tracks = [{"tt": 7, "sg": [{"s": 0, "d": 100, "txt": t, "st": style}]} for t in texts]
        seen = DecodedVideo(make(tracks)[0])
        return sum(max(seen.row(0, y / 180)) > 200 for y in range(180))

    assert lines("HHH", "HHH") >= 1.8 * lines("HHH")
