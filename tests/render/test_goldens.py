"""Each draft in fixtures/goldens is rendered, and what is seen and heard is where it should be."""

import re
import subprocess
import tomllib
from array import array
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import av
import pytest

from fixtures.goldens.expected import WHOLE, Frames, Segment, Timeline, counter_points
from nemolocal_render import ffmpeg_cli
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import OutputSpec
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
Golden = dict[str, Any]
FramesOf = Callable[[Path], Frames]

FIXTURES = Path(__file__).parents[2] / "fixtures"
GOLDENS: dict[str, Golden] = {
    f"{path.stem}: {golden['name']}": golden
    for path in sorted((FIXTURES / "goldens").glob("*.toml"))
    for golden in tomllib.loads(path.read_text(encoding="utf-8"))["golden"]
}
# One of them, on files that are made quickly.
QUICK = {"layers: picture in picture"}
SMALL = {"width": 320, "height": 180, "fps": 30}
SAMPLED = 10
BLACK = 20
TICK_LEVEL, TONE_LEVEL = 0.15, 0.045
MILLISECOND = 48
LEAST_LIKENESS = 0.97


@pytest.fixture(scope="module")
def frames_of() -> FramesOf:
    """When each frame of a file is shown, and its number in the picture; found out once."""
    return cache(_frames_of)


def _frames_of(clip: Path) -> Frames:
    turned = {"rotated-90": 90, "rotated-180": 180}.get(clip.stem, 0)
    points = list(counter_points(WHOLE, turned))
    stamps, numbers = [], []
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            plane = frame.reformat(format="gray").planes[0]
            gray, line = bytes(plane), plane.line_size
            places = (int(y * frame.height) * line + int(x * frame.width) for x, y in points)
            stamps.append(frame.time or 0.0)
            numbers.append(binary(gray[place] for place in places))
    return [stamp - stamps[0] for stamp in stamps], numbers


def binary(levels: Iterable[int]) -> int:
    return int("".join("01"[level > 110] for level in levels), 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in GOLDENS if name in QUICK])
def test_what_a_quick_draft_says_is_what_is_seen_and_heard(
    name: str, make: Make, basic_clips: Path, frames_of: FramesOf
) -> None:
    judge(GOLDENS[name], make, basic_clips, frames_of)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in GOLDENS if name not in QUICK])
def test_what_a_draft_says_is_what_is_seen_and_heard(
    name: str, make: Make, all_clips: Path, frames_of: FramesOf
) -> None:
    judge(GOLDENS[name], make, all_clips, frames_of)


def judge(golden: Golden, make: Make, clips: Path, frames_of: FramesOf) -> None:
    """Render a golden and hold it to the model."""
    path = rendered(golden, golden["t"], make, clips)
    timeline, seen = Timeline(golden), DecodedVideo(path)
    assert len(seen) == golden["frames"]
    require_exact_length(path, golden["frames"], timeline)
    for look in golden.get("looks", [{"track": 0}] if timeline.video else []):
        box = tuple(look.get("box", WHOLE))
        points = list(counter_points(box, look.get("turned", 0)))
        dark = box == WHOLE and "titles" not in golden
        chosen = readable(timeline, look, len(seen), dark)
        files = {s["src"]: clips / s["src"] for s in chosen.values() if s is not None}
        shown = {name: frames_of(file) for name, file in files.items()}
        require_frames(chosen, timeline, seen, points, shown)
    if timeline.heard:
        require_sound(timeline, read_samples(path))
    if "reference" in golden:
        assert likeness(path, golden["reference"], clips) >= LEAST_LIKENESS
    if "titles" in golden:
        bare = [track for track in golden["t"] if track["tt"] != 7]
        require_titles(golden["titles"], seen, DecodedVideo(rendered(golden, bare, make, clips)))


def rendered(golden: Golden, tracks: list[dict[str, Any]], make: Make, clips: Path) -> Path:
    """Tracks in the size of a golden."""
    placed = [
        {**t, "sg": [{**s, "src": str(clips / s["src"])} if "src" in s else s for s in t["sg"]]}
        for t in tracks
    ]
    metadata = golden.get("m", SMALL) or {"width": None, "height": None}
    path, result = make(placed, OutputSpec(), **metadata)
    # That clips of another rate are shown at that of the film is told, and nothing else is.
    assert [said for said in result.warnings if not said.startswith("draft.m.fps: ")] == []
    return path


def require_exact_length(path: Path, frames: int, timeline: Timeline) -> None:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert video.average_rate == timeline.fps
        assert (video.duration or 0) * (video.time_base or 0) == frames / timeline.fps
        assert bool(container.streams.audio) == bool(timeline.heard)


def readable(
    timeline: Timeline, look: dict[str, Any], frames: int, dark: bool
) -> dict[int, Segment | None]:
    """The segment of each frame that shows one alone; None for a frame that is black."""
    chosen: dict[int, Segment | None] = {}
    for n in range(frames):
        segment, clean = timeline.at(look["track"], n)
        if segment is None and "else" in look:
            segment, alone = timeline.at(look["else"], n)
            clean &= alone
        if clean and (segment or dark):
            chosen[n] = segment
    return chosen


def require_frames(
    chosen: dict[int, Segment | None],
    timeline: Timeline,
    seen: DecodedVideo,
    points: list[tuple[float, float]],
    shown: dict[str, Frames],
) -> None:
    """At ten frames far from each other the right numbers can be read, or all is black."""
    assert len(chosen) >= min(SAMPLED, len(seen))
    for n in spread(list(chosen)):
        segment = chosen[n]
        if segment is None:
            assert seen.brightest(n, 0, 0, 1, 1) <= BLACK, n
        else:
            number = binary(seen.luma(n, x, y) for x, y in points)
            wanted = timeline.numbers(segment, n, shown[segment["src"]])
            assert number in wanted, (n, number, wanted)


def spread(frames: list[int]) -> list[int]:
    last = len(frames) - 1
    return sorted({frames[round(k * last / (SAMPLED - 1))] for k in range(SAMPLED)})


def require_sound(timeline: Timeline, heard: "array[float]") -> None:
    """Sound begins and ends, and ticks, where the draft says: to the millisecond."""
    found, sounds = bursts(heard, TONE_LEVEL, 80 * MILLISECOND), timeline.sounds()
    assert len(found) == len(sounds), (found, sounds)
    for (first, last), sound in zip(found, sounds, strict=True):
        early, late = first / 48_000 - sound.begin, last / 48_000 - sound.end
        assert -0.001 <= early <= 0.001 + sound.fade_in, sound
        assert -0.001 - sound.fade_out <= late <= 0.001, sound
    loud = [first / 48_000 for first, _ in bursts(heard, TICK_LEVEL, 5 * MILLISECOND)]
    ticks = list(timeline.ticks())
    for tick in ticks:
        assert not tick.certain or any(abs(tick.at - at) <= tick.slack for at in loud), (tick, loud)
    for at in loud:
        assert any(abs(tick.at - at) <= tick.slack for tick in ticks), (at, ticks)


def bursts(heard: "array[float]", level: float, pause: int) -> list[tuple[int, int]]:
    """From which to which sample it is louder than a level, but for shorter pauses."""
    found: list[tuple[int, int]] = []
    for n, value in enumerate(heard):
        if value > level or value < -level:
            if found and n - found[-1][1] < pause:
                found[-1] = (found[-1][0], n)
            else:
                found.append((n, n))
    return found


def likeness(path: Path, reference: dict[str, Any], clips: Path) -> float:
    """SSIM between a render and what the graph of its reference makes."""
    files = [part for name in reference["inputs"] for part in ("-i", str(clips / name))]
    stamps = "settb=1/30,setpts=N,format=yuv420p"
    graph = f"[0:v]{stamps}[x];{reference['graph']},{stamps}[y];[x][y]ssim"
    program = [str(ffmpeg_cli.executable()), "-nostdin", "-i", str(path), *files]
    done = subprocess.run(
        [*program, "-filter_complex", graph, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"All:(\d\.\d+)", done.stderr)
    assert found is not None
    return float(found[1])


def require_titles(titles: list[dict[str, Any]], seen: DecodedVideo, bare: DecodedVideo) -> None:
    """Beside the render without titles: something else in their boxes, nothing elsewhere."""
    edges = {t[side] + by for t in titles for side in ("from", "to") for by in (-1, 0)}
    frames = {n for n in edges if 0 <= n < len(seen)} | set(spread(list(range(len(seen)))))
    for n in sorted(frames):
        changed = changes(seen, bare, n)
        shown = [title for title in titles if title["from"] <= n < title["to"]]
        assert all(any(inside(point, t["box"]) for t in shown) for point in changed), n
        for title in shown:
            soft = title.get("soft", 0)
            if title["from"] + soft <= n < title["to"] - soft:
                assert sum(inside(point, title["box"]) for point in changed) > 100, n


def changes(seen: DecodedVideo, bare: DecodedVideo, n: int) -> list[tuple[float, float]]:
    """The points of a frame that differ by far; beyond its end a render is black."""
    points = []
    for line in range(seen.height):
        y = (line + 0.5) / seen.height
        row = seen.row(n, y)
        other = bare.row(n, y) if n < len(bare) else bytes([16]) * seen.width
        if row != other:
            pairs = enumerate(zip(row, other, strict=True))
            points += [((x + 0.5) / seen.width, y) for x, (a, b) in pairs if abs(a - b) > 50]
    return points


def inside(point: tuple[float, float], box: list[float]) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]
