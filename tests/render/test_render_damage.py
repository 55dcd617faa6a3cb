"""What breaks a render is left out and said, or brought into one form; the rest is rendered."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import child_process, ffmpeg_cli
from nemolocal_render.job import RenderJobFailed, RenderResult, render
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.audio import loudness, read_samples, tone_strength
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = pytest.mark.ffmpeg

# The same on two channels; FFmpeg's own way makes it quieter.
BOTH = "-af pan=stereo|c0=c0|c1=c0"
SIZE = {"width": 64, "height": 36}
Rendering = Callable[..., tuple[Path, RenderResult]]


@pytest.fixture
def rendered(tmp_path: Path) -> Rendering:
    """Render tracks of these sources."""

    def run(sources: dict[str, MediaSource], *tracks: dict[str, Any]) -> tuple[Path, RenderResult]:
        draft = draft_from_wire({"t": list(tracks), "m": SIZE})
        plan = plan_render(draft, sources, OutputSpec("low"))
        path, work = tmp_path / "out.mp4", tmp_path / "work"
        return path, asyncio.run(render(plan, path, workdir=work, on_progress=lambda _: None))

    return run


def slides(count: int, bad: int) -> dict[str, Any]:
    cut = {"type": "crossfade", "d": 100}
    segments = [
        {"src": "bad" if number == bad else "good", "s": number * 200, "d": 200, "tr": cut}
        for number in range(count)
    ]
    return {"tt": 0, "sg": segments}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kept", "place"),
    [
        pytest.param("small.png", 0.5, 1, id="a picture cut off"),
        pytest.param("small.jpg", 0, 0, id="the first picture empty", marks=pytest.mark.slow),
        pytest.param("small.webp", None, 2, id="the last picture gone", marks=pytest.mark.slow),
        pytest.param("small.gif", 0.01, 1, id="an animation", marks=pytest.mark.slow),
        pytest.param("silent.mp4", 0.3, 1, id="a video", marks=pytest.mark.slow),
    ],
)
def test_one_damaged_picture_does_not_cost_the_film(
    rendered: Rendering,
    media: Path,
    source: Callable[[str], MediaSource],
    tmp_path: Path,
    name: str,
    kept: float | None,
    place: int,
) -> None:
    bad = tmp_path / name
    content = (media / name).read_bytes()
    if kept is not None:
        bad.write_bytes(content[: int(len(content) * kept)])
    sources = {"good": source("red.mp4"), "bad": MediaSource(bad, source(name).info)}
    path, result = rendered(sources, slides(3, place))
    said = f"draft.t[0].sg[{place}].src: cannot be read, it is left out"
    assert [warning for warning in result.warnings if "src" in warning] == [said]
    seen = DecodedVideo(path)
    assert len(seen) == result.frames == 18
    shown = [sum(seen.rgb(number, 0.5, 0.5)) > 150 for number in (3, 9, 15)]
    assert shown == [number != place for number in range(3)]


def joined(cache: MediaCache, name: str, *kinds: str) -> Path:
    """A raw sound of several parts of a second each, each at its own rate and channels."""

    def make(path: Path) -> None:
        for number, kind in enumerate(kinds):
            part = path.with_name(f"{number}{path.suffix}")
            sine = f"aevalsrc='0.3*sin(2*PI*{440 * (number + 1)}*t)':s=48000:d=1"
            run_ffmpeg("-f", "lavfi", "-i", sine, *kind.split(), part)
            with path.open("ab") as file:
                file.write(part.read_bytes())
            part.unlink()

    return cache.file(name, make, kinds)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("rate.aac", ("-ar 22050 -ac 1", f"-ar 48000 {BOTH}")),
        pytest.param("down.aac", (f"-ar 48000 {BOTH}", "-ar 22050 -ac 1"), marks=pytest.mark.slow),
        pytest.param("channels.aac", ("-ac 1", f"{BOTH}"), marks=pytest.mark.slow),
        pytest.param("rate.mp3", (f"-ar 44100 {BOTH}", "-ar 48000 -ac 1"), marks=pytest.mark.slow),
    ],
)
def test_sound_that_changes_its_form_is_brought_into_one(
    rendered: Rendering, media_cache: MediaCache, name: str, kinds: tuple[str, ...]
) -> None:
    path = joined(media_cache, name, *kinds)
    # An upload of it is refused, where it is seen; its beginning is like any other.
    beginning = joined(media_cache, f"begins-{name}", kinds[0])
    info = inspect_media(beginning, path.suffix[1:])
    sources = {"x": MediaSource(path, msgspec.structs.replace(info, duration=2.0))}
    out, result = rendered(sources, {"tt": 1, "sg": [{"src": "x", "s": 0, "d": 1400}]})
    assert result.warnings == ()
    heard = read_samples(out)
    # The encoder's delay stands before each part.
    low, high = (
        [tone_strength(heard, hertz, at, at + 0.2) for at in (0.3, 1.2)] for hertz in (440, 880)
    )
    assert low == pytest.approx([0.3, 0], abs=0.04)
    assert high == pytest.approx([0, 0.3], abs=0.04)


@pytest.mark.slow
def test_sound_that_cannot_be_read_is_left_out(
    rendered: Rendering, source: Callable[[str], MediaSource], tmp_path: Path
) -> None:
    bad = tmp_path / "gone.m4a"
    sources = {"good": source("red.mp4"), "bad": MediaSource(bad, source("music.m4a").info)}
    music = {"tt": 1, "sg": [{"src": "bad", "s": 0, "d": 200}]}
    path, result = rendered(sources, slides(1, -1), music)
    said = "draft.t[1].sg[0].src: its sound cannot be read, it is left out"
    assert said in result.warnings
    assert len(read_samples(path)) >= 9600


WORDS = [
    (1, "[out#0] x: No space left on device", "the disk is full"),
    (1, "av_interleaved_write_frame(): File too large", "the file became too large"),
    (1, "Cannot allocate memory", "there is too little memory"),
    (-24, "", "it exceeded the limit of CPU time or memory for its length"),
    (-9, "", "it exceeded the limit of CPU time or memory for its length"),
    (234, "[graph 0] Changing audio frame properties on the fly", "FFmpeg failed"),
    (69, "Decode error rate 1 exceeds maximum 0.666667", "FFmpeg failed"),
    (183, "moov atom not found", "FFmpeg failed"),
]


@pytest.mark.parametrize(("status", "complaint", "said"), WORDS)
def test_what_ffmpeg_says_is_for_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int, complaint: str, said: str
) -> None:
    async def fail(*_: Any, **__: Any) -> child_process.ChildProcessResult:
        return child_process.ChildProcessResult(status, complaint)

    monkeypatch.setattr(child_process, "run", fail)
    with pytest.raises(ffmpeg_cli.FFmpegFailed) as failure:
        asyncio.run(ffmpeg_cli.run([], folder=tmp_path, timeout=1))
    assert failure.value.user_message.startswith(said)
    words = complaint.rpartition("] ")[2]
    assert words in str(failure.value)
    assert not words or words not in failure.value.user_message


@pytest.mark.usefixtures("no_hardware")
def test_a_failed_render_says_nothing_of_ffmpeg(
    rendered: Rendering,
    source: Callable[[str], MediaSource],
    fake_ffmpeg: Callable[[str], Path],
) -> None:
    fake_ffmpeg("sys.stderr.write('[x @ 0x1] Option whatever not found'); sys.exit(8)")
    with pytest.raises(RenderJobFailed) as failure:
        rendered({"good": source("red.mp4")}, slides(2, -1))
    assert "whatever" not in str(failure.value)


@pytest.mark.parametrize("parts", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_a_film_may_cost_is_bounded_by_its_length(
    rendered: Rendering,
    source: Callable[[str], MediaSource],
    monkeypatch: pytest.MonkeyPatch,
    parts: bool,
) -> None:
    monkeypatch.setattr("nemolocal_render.command_runs._TIME_LIMIT", (0.0, 0.0))
    monkeypatch.setattr("nemolocal_render.planning.plan_splitting._MOST_INPUTS", 1 if parts else 48)
    with pytest.raises(RenderJobFailed, match="the limit for a video of this length"):
        rendered({"good": source("red.mp4")}, slides(3, -1))


@pytest.mark.slow
def test_a_sound_is_heard_again_without_a_pause(
    rendered: Rendering, media_cache: MediaCache
) -> None:
    tone = "aevalsrc='0.3*sin(2*PI*440*t)':s=44100:d=1"
    arguments = ["-f", "lavfi", "-i", tone]
    path = media_cache.file("again.mp3", lambda out: run_ffmpeg(*arguments, out), arguments)
    again = [{"src": "x", "s": n * 1000, "d": 1000} for n in range(3)]
    info = MediaInfo("audio", "mp3", 1.0, audio_codec="mp3", sample_rate=44_100, channels=1)
    heard = read_samples(rendered({"x": MediaSource(path, info)}, {"tt": 1, "sg": again})[0])
    assert min(loudness(heard, n / 100, n / 100 + 0.01) for n in range(10, 290)) > 0.15
