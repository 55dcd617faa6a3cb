"""The moments of a report: chosen by scores and motion; their pictures within a bound."""

import asyncio
from pathlib import Path

import pytest

from nemolocal_bench.frame_pictures import SOURCE, take_pictures
from nemolocal_bench.moments import Moment, choose_moments
from nemolocal_bench.sampling import SampleSpan
from nemolocal_bench.variants import VariantResult
from nemolocal_bench.video_files import VideoFile, open_source
from tests.support.media import run_ffmpeg


def scored(
    name: str, *vmaf: float, every: int = 1, motion: tuple[float, ...] = ()
) -> VariantResult:
    return VariantResult(name=name, curve=name, vmaf_frames=vmaf, motion_frames=motion, every=every)


FRAMES = [90.0 + n % 10 for n in range(100)]


def test_each_moment_is_the_frame_that_it_names() -> None:
    lead = list(FRAMES)
    lead[40], lead[41] = 10.0, 11.0
    other = list(lead)
    other[70] = 30.0
    motion = tuple(50.0 if n == 88 else 1.0 for n in range(100))
    chosen = choose_moments(
        scored("a", *lead, motion=motion), [scored("a", *lead), scored("b", *other)], (), 25.0
    )
    found = {moment.kind: moment for moment in chosen}
    assert [moment.kind for moment in chosen] == [
        "worst frame",
        "5th percentile",
        "median",
        "biggest difference between encodes",
        "most motion",
    ]
    assert found["worst frame"].frame == 40
    assert found["5th percentile"].vmaf["a"] == sorted(lead)[5]
    assert found["median"].vmaf["a"] == sorted(lead)[50]
    assert found["biggest difference between encodes"].frame == 70
    assert found["biggest difference between encodes"].vmaf["b"] == 30.0
    assert found["most motion"].frame == 88
    assert found["most motion"].seconds == 88 / 25


def test_moments_are_different_frames() -> None:
    # The worst frame is also the one with most motion and the biggest difference.
    lead = [90.0] * 100
    lead[50] = 20.0
    motion = tuple(9.0 if n == 50 else float(n % 3) for n in range(100))
    both = [scored("a", *lead, motion=motion), scored("b", *[90.0] * 100)]
    chosen = choose_moments(both[0], both, (), 25.0)
    assert chosen[0].frame == 50
    assert len({moment.frame for moment in chosen}) == 5
    # No more than there are.
    few = scored("a", 90.0, 91.0, 92.0)
    assert sorted(moment.frame for moment in choose_moments(few, [few], (), 25.0)) == [0, 1, 2]


def test_moments_of_samples_are_named_by_the_frame_of_the_clip() -> None:
    spans = (SampleSpan(100, 10), SampleSpan(500, 10))
    lead = scored("a", *[90.0, 91.0, 92.0, 50.0], every=5, motion=(9.0, 1.0, 9.0, 2.0))
    chosen = choose_moments(lead, [lead], spans, 10.0)
    worst = chosen[0]
    assert (worst.kind, worst.number, worst.frame, worst.seconds) == ("worst frame", 15, 505, 50.5)
    # Where a sample begins, nothing has moved: what remains is frame 105.
    last = next(m for m in choose_moments(lead, [lead], spans, 10.0, 5) if m.kind == "median")
    assert last.frame in (100, 105, 500)


def test_more_moments_are_evenly_spread() -> None:
    lead = scored("a", *FRAMES, motion=tuple(float(n) for n in range(100)))
    chosen = choose_moments(lead, [lead], (), 25.0, 9)
    spread = [moment.frame for moment in chosen if moment.kind == "evenly spread"]
    assert len(spread) == 4
    aims = (12.5, 37.5, 62.5, 87.5)
    assert all(abs(frame - aim) <= 5 for frame, aim in zip(spread, aims, strict=True))
    assert len(choose_moments(lead, [lead], (), 25.0, 1)) == 1


def opened(media: Path, name: str, folder: Path) -> VideoFile:
    return asyncio.run(open_source(media / name, folder))


def pictured(media: Path, folder: Path, most: int) -> tuple[Moment, ...]:
    """Two moments of fast.mp4 and its worse copy."""
    source, worse = opened(media, "fast.mp4", folder), opened(media, "worse-fast.mkv", folder)
    moments = [Moment("worst frame", n, n, n / 30, {}) for n in (20, 4)]
    videos = {SOURCE: (source, False), "worse": (worse, True)}
    return asyncio.run(take_pictures(moments, videos, source, folder, most))


def decoded(content: bytes, folder: Path) -> bytes:
    """The luma of a picture."""
    (folder / "p.webp").write_bytes(content)
    run_ffmpeg("-i", "p.webp", "-f", "rawvideo", "-pix_fmt", "gray", "p.gray", folder=folder)
    return (folder / "p.gray").read_bytes()


def frame(path: Path, number: int, crop: str, folder: Path) -> bytes:
    picked = f"select=eq(n\\,{number}),crop={crop}:exact=1"
    run_ffmpeg(
        *("-i", path, "-vf", picked, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray"),
        folder / "f.gray",
    )
    return (folder / "f.gray").read_bytes()


def error(first: bytes, second: bytes) -> float:
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.usefixtures("probed_here")
@pytest.mark.parametrize("most", [1_000_000, 8_000])
def test_pictures_are_the_frames_and_within_the_bound(
    most: int, media: Path, tmp_path: Path
) -> None:
    moments = pictured(media, tmp_path, most)
    assert sum(len(p.content) for m in moments for p in m.pictures) <= most
    for moment in moments:
        assert [picture.name for picture in moment.pictures] == [SOURCE, "worse"]
        whole = (moment.width, moment.height) == (192, 108)
        assert whole == (most == 1_000_000)
        assert moment.left + moment.width <= 192
        assert moment.top + moment.height <= 108
        crop = f"{moment.width}:{moment.height}:{moment.left}:{moment.top}"
        files = (media / "fast.mp4", media / "worse-fast.mkv")
        own = [frame(path, moment.frame, crop, tmp_path) for path in files]
        seen = [decoded(picture.content, tmp_path) for picture in moment.pictures]
        # WebP changes less than the encoder did, and each picture is its own frame.
        for n in range(2):
            assert error(seen[n], own[n]) < error(seen[n], own[1 - n])
        away = frame(files[0], moment.frame + 2, crop, tmp_path)
        assert error(seen[0], own[0]) < error(seen[0], away) / 2


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.usefixtures("probed_here")
def test_part_of_a_large_frame_is_where_the_encode_differs(media: Path, tmp_path: Path) -> None:
    # A copy with a wrong patch at the lower right.
    patch = "drawbox=x=150:y=80:w=30:h=20:color=red:t=fill"
    lossless = ("-c:v", "libx264", "-qp", "0")
    run_ffmpeg("-i", media / "fast.mp4", "-vf", patch, *lossless, tmp_path / "patched.mp4")
    source, worse = opened(media, "fast.mp4", tmp_path), opened(tmp_path, "patched.mp4", tmp_path)
    videos = {SOURCE: (source, True), "patched": (worse, True)}
    moments = [Moment("median", 7, 7, 7 / 30, {})]
    (made,) = asyncio.run(take_pictures(moments, videos, source, tmp_path, 3_000))
    assert made.pictures
    assert made.width < 192
    assert made.left <= 165 <= made.left + made.width
    assert made.top <= 90 <= made.top + made.height
