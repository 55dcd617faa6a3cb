"""Frames that are held, plain colours and texts that move, measured in one rendered file."""

import asyncio
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.text_effects import TEXT_EFFECTS, Timer
from nemolocal_render.ass_subtitles import build_ass_script
from nemolocal_render.fonts import bundled_font
from nemolocal_render.job import render
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.draft_limits import DraftRejected
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render
from nemolocal_render.planning.render_plan import Title
from nemolocal_render.probing.probe_worker import inspect_media
from nemolocal_render.text_animations import TitleFrame, animate
from tests.support.audio import loudness, read_samples
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

WIDTH, HEIGHT, FPS = 320, 180, 25
# Frame n is as bright as 20 + 4n, and there is a tone all along.
_STEPS = (
    *("-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=2,format=gray,geq=20+4*N"),
    *("-f", "lavfi", "-i", "sine=440:d=2", "-c:v", "libx264", "-crf", "4"),
    *("-pix_fmt", "yuv420p", "-color_range", "tv", "-c:a", "aac"),
)
_SOURCE = "steps.mp4"
BLUE, GREEN, RED = (32, 80, 224), (32, 176, 64), (224, 32, 32)

# The clips of the video: name → the segment without its start.
_CLIPS: dict[str, dict[str, Any]] = {
    "held": {"src": _SOURCE, "ss": 1000, "d": 400, "fx": [{"type": "freeze"}]},
    "last": {"src": _SOURCE, "ss": 1999, "d": 400, "fx": [{"type": "freeze"}]},
    "moving": {"src": _SOURCE, "ss": 0, "d": 400},
    "blue": {"d": 400, "fx": [{"type": "solid", "color": "blue"}]},
    "green": {
        "d": 400,
        "fx": [{"type": "solid", "color": "green"}],
        "tr": {"type": "crossfade", "d": 200},
    },
    "texts": {"d": 12_000, "fx": [{"type": "solid"}]},
}
# Texts over black: the text, its style, its effect. Each lasts two seconds.
_TEXTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "typed": ("MMMMMMMM", {"pos": "center", "size": 200}, {"type": "typewriter", "rate": 5}),
    "roll": ("MMM\nMMM", {"pos": "center", "size": 160}, {"type": "credits-roll"}),
    "sung": ("MMMM MMMM", {"pos": "center", "size": 200}, {"type": "karaoke", "color": "red"}),
    "third": ("Ada Lovelace", {"size": 100}, {"type": "lower-third", "color": "green"}),
    "clock": ("", {"pos": "center", "size": 300}, {"type": "timer"}),
    "bar": ("", {"pos": "bottom-center"}, {"type": "progress-bar", "color": "white"}),
}
_TEXT_MS = 2000


def starts() -> dict[str, int]:
    found, at = {}, 0
    for name, clip in _CLIPS.items():
        found[name] = at
        at += clip["d"]
    at = found["texts"]
    return found | {name: at + n * _TEXT_MS for n, name in enumerate(_TEXTS)}


def draft() -> dict[str, Any]:
    start = starts()
    clips = [{"s": start[name], **clip} for name, clip in _CLIPS.items()]
    texts = [
        {"s": start[name], "d": _TEXT_MS, "txt": text, "st": style, "fx": [effect]}
        for name, (text, style, effect) in _TEXTS.items()
    ]
    metadata = {"width": WIDTH, "height": HEIGHT, "fps": FPS}
    return {"m": metadata, "t": [{"tt": 0, "sg": clips}, {"tt": 7, "sg": texts}]}


class Rendered(NamedTuple):
    seen: DecodedVideo
    path: Path
    warnings: tuple[str, ...]

    def frame(self, name: str, ms: int) -> int:
        return (starts()[name] + ms) * FPS // 1000

    def luma(self, name: str, ms: int) -> int:
        return self.seen.luma(self.frame(name, ms), 0.5, 0.5)

    def rgb(self, name: str, ms: int, x: float = 0.5, y: float = 0.5) -> tuple[int, int, int]:
        return self.seen.rgb(self.frame(name, ms), x, y)

    def extent(self, name: str, ms: int) -> tuple[int, int]:
        """The first and the last column with something bright."""
        frame = self.frame(name, ms)
        rows = [self.seen.row(frame, y / HEIGHT) for y in range(0, HEIGHT, 2)]
        lit = [x for x in range(WIDTH) if any(row[x] > 90 for row in rows)]
        return (lit[0], lit[-1]) if lit else (-1, -1)

    def rows(self, name: str, ms: int) -> tuple[int, int]:
        """The first and the last row with something bright."""
        frame = self.frame(name, ms)
        lit = [y for y in range(HEIGHT) if max(self.seen.row(frame, y / HEIGHT)) > 90]
        return (lit[0], lit[-1]) if lit else (-1, -1)

    def reds(self, name: str, ms: int) -> list[int]:
        """The columns that are red in the middle row."""
        points = range(0, WIDTH, 2)
        return [x for x in points if near(self.rgb(name, ms, x / WIDTH), RED, 60)]


@pytest.fixture(scope="module")
def rendered(media_cache: MediaCache, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    folder = media_cache.folder(
        "structure", lambda at: run_ffmpeg(*_STEPS, at / _SOURCE), list(_STEPS)
    )
    source = MediaSource(folder / _SOURCE, inspect_media(folder / _SOURCE, "mp4"))
    work = tmp_path_factory.mktemp("structure")
    plan = plan_render(draft_from_wire(draft()), {_SOURCE: source}, OutputSpec("high"))
    done = render(plan, work / "out.mp4", workdir=work, on_progress=lambda _: None)
    warnings = asyncio.run(done).warnings
    return Rendered(DecodedVideo(work / "out.mp4"), work / "out.mp4", warnings)


def brightness(frame: int) -> float:
    """The brightness of a frame of the source, as videos have it: 16 is black, 235 is white."""
    return 16 + (20 + 4 * frame) * 219 / 255


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 25) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_held_frames_and_colours_show_in_the_pixels(
    rendered: Rendered, subtests: pytest.Subtests
) -> None:
    assert rendered.warnings == ()
    heard = read_samples(rendered.path)
    with subtests.test("the frame at 1 s is held"):
        held = [rendered.luma("held", ms) for ms in range(0, 400, 40)]
        assert max(held) - min(held) <= 1
        assert abs(held[0] - brightness(25)) <= 3
    with subtests.test("the last frame is held"):
        last = [rendered.luma("last", ms) for ms in range(0, 400, 40)]
        assert max(last) - min(last) <= 1
        assert abs(last[0] - brightness(49)) <= 3
    with subtests.test("a clip that is not held moves"):
        assert rendered.luma("moving", 360) - rendered.luma("moving", 0) > 25
    with subtests.test("a frame that is held is silent"):
        assert loudness(heard, 0.05, 0.75) < 0.001 < loudness(heard, 0.85, 1.15)
    with subtests.test("plain colours fill the picture"):
        for x, y in ((0.02, 0.02), (0.5, 0.5), (0.98, 0.98)):
            assert near(rendered.rgb("blue", 200, x, y), BLUE)
            assert near(rendered.rgb("green", 200, x, y), GREEN)


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_texts_that_move_show_in_the_pixels(rendered: Rendered, subtests: pytest.Subtests) -> None:
    with subtests.test("a typewriter writes character after character"):
        ends = [rendered.extent("typed", ms)[1] for ms in (40, 600, 1200, 1800)]
        assert ends == sorted(set(ends))
        assert rendered.extent("typed", 40)[0] == rendered.extent("typed", 1800)[0]
    with subtests.test("credits come from below and leave at the top"):
        tops = [rendered.rows("roll", ms)[0] for ms in (400, 800, 1200)]
        assert tops == sorted(tops, reverse=True)
        assert rendered.rows("roll", 0) == (-1, -1)
        assert rendered.rows("roll", 1960)[1] < HEIGHT / 4
    with subtests.test("words are coloured one after another"):
        left, right = rendered.extent("sung", 40)
        sung = [rendered.reds("sung", ms) for ms in (40, 1000, 1920)]
        assert max(sung[0], default=0) < left + 20
        assert abs(max(sung[1]) - (left + right) / 2) < 20
        assert max(sung[2]) > right - 20
    with subtests.test("a lower third slides in on its bar"):
        first, last = rendered.extent("third", 80), rendered.extent("third", 1000)
        assert first[1] < last[1]
        assert last[0] < WIDTH / 4
        assert rendered.rows("third", 1000)[0] > HEIGHT / 2
        assert near(rendered.rgb("third", 1000, (last[0] + 2) / WIDTH, 0.86), GREEN, 60)
    with subtests.test("a clock changes once a second"):
        frames = [rendered.seen.row(rendered.frame("clock", ms), 0.5) for ms in (40, 960, 1040)]
        moved = [sum(abs(a - b) for a, b in zip(frames[0], row, strict=True)) for row in frames]
        assert moved[1] < WIDTH < moved[2]
    with subtests.test("a bar grows evenly along the bottom edge"):
        ends = [rendered.extent("bar", ms)[1] for ms in (480, 1000, 1480)]
        assert all(abs(end - WIDTH * at / 4) < 12 for at, end in enumerate(ends, 1))
        assert rendered.rows("bar", 1000)[0] > HEIGHT * 0.95


INFO = MediaInfo("video", "mp4", 2.0, width=640, height=360, fps=25.0, video_codec="h264")


def plan_of(*tracks: tuple[int, list[dict[str, Any]]]) -> RenderPlan:
    wire = {"t": [{"tt": kind, "sg": segments} for kind, segments in tracks]}
    return plan_render(draft_from_wire(wire), {"a": MediaSource(Path("/a.mp4"), INFO)})


@pytest.mark.parametrize(
    ("down", "minutes", "first", "last"),
    [
        (False, 2, "0:00", "1:59"),
        (True, 2, "2:00", "0:01"),
        (False, 61, "0:00:00", "1:00:59"),
        (True, 61, "1:01:00", "0:00:01"),
    ],
)
def test_timer_shows_hours_if_it_reaches_one(
    down: bool, minutes: int, first: str, last: str
) -> None:
    timer = Title("t[0]", "", 0, minutes * 60_000, 40, effect=Timer(down))
    lines = animate(timer, "", TitleFrame(WIDTH, HEIGHT, 10), lambda _: "")
    assert (lines[0].text, lines[-1].text, len(lines)) == (first, last, minutes * 60)


def test_frame_is_held_for_longer_than_its_source() -> None:
    held = {"src": "a", "s": 0, "d": 60_000, "ss": 1500, "fx": [{"type": "freeze"}]}
    plan = plan_of((0, [held]))
    assert plan.frames == 60 * 25
    with pytest.raises(DraftRejected, match=r"sg\[0\]\.ss: reaches 3.000 s"):
        plan_of((0, [{**held, "ss": 3000}]))


def test_plain_colour_needs_no_file_and_decides_no_size() -> None:
    solid = {"s": 0, "d": 1000, "fx": [{"type": "solid"}]}
    clip = {"src": "a", "s": 1000, "d": 1000}
    plan = plan_of((0, [solid, clip]))
    assert (plan.width, plan.height) == (640, 360)
    assert [source.path for source in plan.sources] == [Path("/a.mp4")]
    alone = plan_of((0, [solid]))
    assert (alone.width, alone.height, alone.sources) == (1920, 1080, ())
    with pytest.raises(DraftRejected, match=r"fx\[0\]\.color: Invalid enum value"):
        plan_of((0, [{**solid, "fx": [{"type": "solid", "color": "mauve"}]}]))
    with pytest.raises(DraftRejected, match=r"src: is missing"):
        plan_of((1, [solid]))


@pytest.mark.parametrize(
    ("effect", "complaint"),
    [
        ({"type": "typewriter", "rate": 0}, r"fx\[0\]\.rate"),
        ({"type": "typewriter", "rate": float("nan")}, r"fx\[0\]\.rate: must be a finite"),
        ({"type": "karaoke", "color": 3}, r"fx\[0\]\.color"),
        ({"type": "timer", "down": "yes"}, r"fx\[0\]\.down"),
    ],
)
def test_bad_value_of_a_text_effect_is_refused(effect: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DraftRejected, match=complaint):
        plan_of((7, [{"s": 0, "d": 1000, "txt": "a", "fx": [effect]}]))


def test_effect_of_another_kind_of_track_is_left_out_with_a_warning() -> None:
    clip = {"src": "a", "s": 0, "d": 1000, "fx": [{"type": "typewriter"}]}
    text = {"s": 0, "d": 1000, "txt": "a", "fx": [{"type": "blur"}]}
    assert plan_of((0, [clip]), (7, [text])).warnings == (
        "draft.t[0].sg[0].fx[0]: only texts have this effect",
        "draft.t[1].sg[0].fx[0]: texts do not have this effect",
    )


@pytest.mark.parametrize("effect", [*TEXT_EFFECTS])
def test_text_of_an_effect_cannot_add_tags_or_lines(effect: str) -> None:
    hostile = "{\\pos(0,0)}\\N\\h{\\p1}m 0 0\r\nDialogue: 0,a\u0301"
    segment = {"s": 0, "d": 1000, "txt": hostile, "fx": [{"type": effect}]}
    script = build_ass_script(plan_of((7, [segment])), [bundled_font()]).text
    lines = script.split("[Events]")[1].strip().splitlines()
    assert all(line.startswith(("Format: ", "Dialogue: ")) for line in lines)
    for line in lines[1:]:
        text = line.split(",,", 2)[-1]
        tags = re.findall(r"(?<!\\)\{([^}]*)\}", text)
        assert not any("\\pos(0,0)" in tag for tag in tags)
        outside = re.sub(r"(?<!\\)\{[^}]*\}", "", text)
        assert "\\pos" not in outside
        assert "\\p1" not in outside


def test_timers_are_bounded() -> None:
    timer = {"s": 0, "d": 7_000_000, "txt": "", "fx": [{"type": "timer"}]}
    plan_of((7, [timer]), (7, [timer]))
    with pytest.raises(DraftRejected, match="timers of more than 4 hours"):
        plan_of((7, [timer]), (7, [timer]), (7, [timer]))
