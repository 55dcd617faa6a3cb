"""Each draft in fixtures/goldens is rendered, and what is seen and heard is where it should be."""

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render import ffmpeg
from nemolocal_render.plan import OutputSpec

FIXTURES = Path(__file__).parents[2] / "fixtures"
GOLDENS: dict[str, dict[str, Any]] = {
    f"{path.stem}: {golden['name']}": golden
    for path in sorted((FIXTURES / "goldens").glob("*.toml"))
    for golden in tomllib.loads(path.read_text(encoding="utf-8"))["golden"]
}
SMALL = {"width": 320, "height": 180, "fps": 30}
SAMPLED = 10
BLACK = 20
TICK_LEVEL, TONE_LEVEL = 0.15, 0.045
MILLISECOND = 48
LEAST_LIKENESS = 0.97


def sources_of(golden: dict[str, Any]) -> set[str]:
    return {s["src"] for t in golden["t"] for s in t["sg"] if "src" in s}


@pytest.fixture(scope="module")
def expected(fixture_script: Any) -> Any:
    """The model that the renders are held to."""
    return fixture_script("goldens/expected.py")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, fixture_script: Any) -> Path:
    """The media that the goldens are made of."""
    folder = tmp_path_factory.mktemp("clips")
    names = sorted(set().union(*map(sources_of, GOLDENS.values())))
    fixture_script("media/make.py").make_media(folder, names)
    return folder


@pytest.fixture(scope="module")
def filmed(clips: Path, expected: Any) -> Callable[[str], Any]:
    """When each frame of a source is shown, and its number in the picture."""
    known: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in known:
            import av

            turned = {"rotated-90": 90, "rotated-180": 180}.get(name.partition(".")[0], 0)
            points = list(expected.counter_points(expected.WHOLE, turned))
            stamps, numbers = [], []
            with av.open(str(clips / name)) as container:
                for frame in container.decode(video=0):
                    plane = frame.reformat(format="gray").planes[0]
                    gray, line = bytes(plane), plane.line_size
                    places = (
                        int(y * frame.height) * line + int(x * frame.width) for x, y in points
                    )
                    stamps.append(frame.time or 0.0)
                    numbers.append(binary(gray[place] for place in places))
            known[name] = ([stamp - stamps[0] for stamp in stamps], numbers)
        return known[name]

    return get


def binary(levels: Any) -> int:
    return int("".join("01"[level > 110] for level in levels), 2)


@pytest.fixture
def rendered(make: Any, clips: Path) -> Callable[..., Path]:
    """Renders tracks in the size of a golden."""

    def run(golden: dict[str, Any], tracks: list[dict[str, Any]]) -> Path:
        placed = [
            {**t, "sg": [{**s, "src": str(clips / s["src"])} if "src" in s else s for s in t["sg"]]}
            for t in tracks
        ]
        metadata = golden.get("m", SMALL) or {"width": None, "height": None}
        path, result = make(placed, OutputSpec(), **metadata)
        assert result.warnings == ()
        return Path(path)

    return run


@pytest.mark.parametrize("name", GOLDENS)
def test_what_a_draft_says_is_what_is_seen_and_heard(
    name: str,
    rendered: Any,
    clips: Path,
    expected: Any,
    filmed: Any,
    pictures: Any,
    samples: Any,
) -> None:
    golden = GOLDENS[name]
    path = rendered(golden, golden["t"])
    timeline, seen = expected.Timeline(golden), pictures(path)
    assert len(seen) == golden["frames"]
    require_exact_length(path, golden["frames"], timeline)
    for look in golden.get("looks", [{"track": 0}] if timeline.video else []):
        box = tuple(look.get("box", expected.WHOLE))
        points = list(expected.counter_points(box, look.get("turned", 0)))
        dark = box == expected.WHOLE and "titles" not in golden
        chosen = readable(timeline, look, len(seen), dark)
        require_frames(chosen, timeline, seen, points, filmed)
    if timeline.heard:
        require_sound(timeline, samples(path))
    if "reference" in golden:
        assert likeness(path, golden["reference"], clips) >= LEAST_LIKENESS
    if "titles" in golden:
        bare = [track for track in golden["t"] if track["tt"] != 7]
        require_titles(golden["titles"], seen, pictures(rendered(golden, bare)))


def require_exact_length(path: Path, frames: int, timeline: Any) -> None:
    import av

    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert video.average_rate == timeline.fps
        assert (video.duration or 0) * (video.time_base or 0) == frames / timeline.fps
        assert bool(container.streams.audio) == bool(timeline.heard)


def readable(timeline: Any, look: dict[str, Any], frames: int, dark: bool) -> dict[int, Any]:
    """The segment of each frame that shows one alone; None for a frame that is black."""
    chosen = {}
    for n in range(frames):
        segment, clean = timeline.at(look["track"], n)
        if segment is None and "else" in look:
            segment, alone = timeline.at(look["else"], n)
            clean &= alone
        if clean and (segment or dark):
            chosen[n] = segment
    return chosen


def require_frames(
    chosen: dict[int, Any], timeline: Any, seen: Any, points: list[Any], filmed: Any
) -> None:
    """At ten frames far from each other the right numbers can be read, or all is black."""
    assert len(chosen) >= min(SAMPLED, len(seen))
    for n in spread(list(chosen)):
        segment = chosen[n]
        if segment is None:
            assert seen.brightest(n, 0, 0, 1, 1) <= BLACK, n
        else:
            number = binary(seen.luma(n, x, y) for x, y in points)
            wanted = timeline.numbers(segment, n, filmed(segment["src"]))
            assert number in wanted, (n, number, wanted)


def spread(frames: list[int]) -> list[int]:
    last = len(frames) - 1
    return sorted({frames[round(k * last / (SAMPLED - 1))] for k in range(SAMPLED)})


def require_sound(timeline: Any, heard: Any) -> None:
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


def bursts(heard: Any, level: float, pause: int) -> list[tuple[int, int]]:
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
    program = [str(ffmpeg.executable()), "-nostdin", "-i", str(path), *files]
    done = subprocess.run(
        [*program, "-filter_complex", graph, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"All:(\d\.\d+)", done.stderr)
    assert found is not None
    return float(found[1])


def require_titles(titles: list[dict[str, Any]], seen: Any, bare: Any) -> None:
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


def changes(seen: Any, bare: Any, n: int) -> list[tuple[float, float]]:
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
