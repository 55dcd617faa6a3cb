"""What people ask for, in their words, seen and heard in the file that comes out."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal_contract.draft import Draft, Metadata
from nemolocal_render.job import RenderResult, render
from nemolocal_render.plan import OutputSpec, Source, plan_render
from nemolocal_render.scenes import make_scene
from nemolocal_server.agent.edits import Material, Media, apply_edits
from nemolocal_server.agent.intents import AddMusic, Edit, Generate, Talk
from nemolocal_server.agent.understanding import understand

RED, BLUE, WHITE, GREEN = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 255, 0)
SAMPLE, CLIPS = ("sample.mp4",), ("red.mp4", "blue.mp4")
Ask = Callable[..., "Outcome"]


class Outcome:
    """A rendered wish: its file, what was reported, and eyes and ears for it."""

    def __init__(self, path: Path, result: RenderResult, draft: Draft, see: Any, hear: Any) -> None:
        self.path, self.result, self.draft = path, result, draft
        self._see, self._hear = see, hear
        self._seen: Any = None

    @property
    def seen(self) -> Any:
        if self._seen is None:
            self._seen = self._see(self.path)
        return self._seen

    @property
    def heard(self) -> Any:
        return self._hear(self.path)

    def counters(self, *frames: int) -> list[int]:
        return [self.seen.counter(frame) for frame in frames]


@pytest.fixture
def ask(tmp_path: Path, source: Callable[[str], Source], pictures: Any, samples: Any) -> Ask:
    """Say things one after another of some uploads, and render what comes of it, small."""

    def run(*messages: str, uploads: tuple[str, ...] = SAMPLE, small: bool = True) -> Outcome:
        material = Material(tuple(_media(name, source) for name in uploads))
        draft = Draft(tracks=(), duration_ms=0)
        for message in messages:
            wishes = understand(message)
            assert not isinstance(wishes, Talk), message
            material = _made(material, wishes, source)
            draft = apply_edits(wishes, draft, material)
        if small:
            metadata = draft.metadata or Metadata()
            draft = msgspec.structs.replace(
                draft, metadata=msgspec.structs.replace(metadata, width=320, height=180)
            )
        names = {s.source for t in draft.tracks or () for s in t.segments or () if s.source}
        plan = plan_render(draft, {name: source(name) for name in names}, OutputSpec("low"))
        path = tmp_path / "out" / "wish.mp4"
        work = render(plan, path, workdir=tmp_path / "work", on_progress=lambda _: None)
        return Outcome(path, asyncio.run(work), draft, pictures, samples)

    return run


def _media(name: str, source: Callable[[str], Source]) -> Media:
    info = source(name).info
    return Media(name, Path(name).name, info.kind, int(info.duration * 1000))


def _made(
    material: Material, wishes: tuple[Edit, ...], source: Callable[[str], Source]
) -> Material:
    """Music that must be composed is the session's own, whatever its mood."""
    needed = {w: "music.m4a" for w in wishes if isinstance(w, AddMusic) and w.name is None}
    generated = (*material.generated, _media("music.m4a", source)) if needed else ()
    return msgspec.structs.replace(
        material,
        generated=generated or material.generated,
        made={**material.made, **needed},
    )


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 40) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


# Cuts, by the counter in the picture


def test_put_on_the_timeline_it_is_there_from_first_to_last_frame(ask: Ask) -> None:
    outcome = ask("put my clip on the timeline")
    assert len(outcome.seen) == 120
    assert outcome.counters(0, 1, 59, 119) == [0, 1, 59, 119]


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("keep 1s to 3s", 30, 89),
        ("trim to the first 2 seconds", 0, 59),
        ("保留最后一秒", 90, 119),
        ("remove the first second", 30, 119),
        ("keep the second half", 60, 119),
    ],
)
def test_a_trim_shows_these_frames(ask: Ask, said: str, first: int, last: int) -> None:
    outcome = ask(said)
    assert outcome.counters(0, len(outcome.seen) - 1) == [first, last]
    assert len(outcome.seen) == last - first + 1


def test_what_is_cut_out_of_the_middle_is_gone(ask: Ask) -> None:
    outcome = ask("cut out 1s to 3s")
    assert outcome.counters(29, 30) == [29, 90]


def test_after_a_split_a_part_can_be_taken_away(ask: Ask) -> None:
    outcome = ask("split it at 1 second", "delete the first clip")
    assert outcome.counters(0) == [30]


def test_a_loop_plays_it_again(ask: Ask) -> None:
    outcome = ask("trim to the first second", "loop it 3 times")
    assert outcome.counters(0, 29, 30, 59, 60, 89) == [0, 29, 0, 29, 0, 29]


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("remove the second clip", RED, RED),
        ("move the last clip to the front", BLUE, RED),
        ("swap the two clips", BLUE, RED),
        ("reverse the order of the clips", BLUE, RED),
        ("合并所有片段", RED, BLUE),
    ],
)
def test_clips_stand_in_the_order_that_was_asked_for(
    ask: Ask, said: str, first: tuple[int, ...], last: tuple[int, ...]
) -> None:
    before = () if "合并" in said else ("put my clips on the timeline",)
    seen = ask(*before, said, uploads=CLIPS).seen
    assert near(seen.rgb(0, 0.5, 0.5), first)
    assert near(seen.rgb(len(seen) - 1, 0.5, 0.5), last)


def test_twice_as_fast_shows_every_other_frame(ask: Ask) -> None:
    outcome = ask("speed it up 2x")
    assert len(outcome.seen) == 60
    assert outcome.counters(0, 10, 59) == [0, 20, 118]


def test_half_as_fast_shows_each_frame_twice(ask: Ask) -> None:
    outcome = ask("trim to the first second", "slow it down to half speed")
    assert len(outcome.seen) == 60
    assert outcome.counters(0, 1, 20, 21) == [0, 0, 10, 10]


def test_backwards_counts_down(ask: Ask) -> None:
    outcome = ask("trim to the first second", "play it backwards")
    assert outcome.counters(0, 15, 29) == [29, 14, 0]


def test_a_slideshow_shows_each_picture_for_its_time(ask: Ask) -> None:
    outcome = ask(
        "make a slideshow of my photos, 2 seconds each", uploads=("quarters.png", "edge.png")
    )
    seen = outcome.seen
    assert len(seen) == 120
    assert near(seen.rgb(5, 0.25, 0.25), RED)
    assert near(seen.rgb(110, 0.25, 0.5), WHITE)
    assert near(seen.rgb(110, 0.9, 0.5), (0, 0, 0))


# Sound


def test_muted_it_is_silent(ask: Ask, loudness: Any) -> None:
    outcome = ask("mute the video", uploads=("red.mp4",))
    assert not outcome.result.warnings
    import av

    with av.open(str(outcome.path)) as container:
        assert not container.streams.audio or loudness(outcome.heard, 0, 2) < 0.001


def test_half_the_volume_is_half_as_high_a_wave(ask: Ask, strength: Any) -> None:
    outcome = ask("set the volume of the video to 50%", uploads=("red.mp4",))
    assert strength(outcome.heard, 440, 0.5, 1.0) == pytest.approx(0.15, abs=0.02)


def test_music_plays_under_the_clip_until_its_end_and_can_be_taken_away(
    ask: Ask, loudness: Any
) -> None:
    said = ("mute the video", "add lo-fi background music at 50% volume")
    heard = ask(*said, uploads=("red.mp4",)).heard
    assert loudness(heard, 0.5, 1.5) > 0.01
    assert abs(len(heard) - 2 * 48_000) <= 1024
    with_nothing = ask(*said, "remove the music", uploads=("red.mp4",))
    import av

    with av.open(str(with_nothing.path)) as container:
        assert not container.streams.audio or loudness(with_nothing.heard, 0, 2) < 0.001


def test_music_gets_quieter_while_the_clip_speaks(ask: Ask, strength: Any) -> None:
    said = ("put the clip on the timeline", "use small.wav as background music at 100% volume")
    uploads = ("blue.mp4", "small.wav")
    plain = strength(ask(*said, uploads=uploads).heard, 440, 0.4, 0.9)
    ducked = strength(
        ask(*said, "lower the music under the voice", uploads=uploads).heard, 440, 0.4, 0.9
    )
    assert ducked < 0.6 * plain


def test_fades_darken_and_quieten_along_a_straight_line(ask: Ask, loudness: Any) -> None:
    outcome = ask("fade in and out over 1 second", uploads=("red.mp4",))
    seen, heard = outcome.seen, outcome.heard
    full = seen.rgb(30, 0.5, 0.5)[0]
    reds = [seen.rgb(n, 0.5, 0.5)[0] for n in (0, 7, 15, 22, 30)]
    assert reds == sorted(reds)
    assert reds[2] == pytest.approx(full / 2, abs=20)
    assert seen.rgb(59, 0.5, 0.5)[0] < 30
    assert loudness(heard, 0, 0.1) < 0.4 * loudness(heard, 0.9, 1.1)
    assert loudness(heard, 1.9, 2) < 0.4 * loudness(heard, 0.9, 1.1)


# Words


def test_a_title_stands_in_its_place_for_its_time(ask: Ask) -> None:
    seen = ask("add a title 'Hello' at the top for 1 second", uploads=("red.mp4",)).seen
    shown = [seen.brightest(n, 0.2, 0, 0.8, 0.3) > 150 for n in (0, 15, 29, 30, 45)]
    assert shown == [True, True, True, False, False]
    assert seen.brightest(15, 0, 0.5, 1, 1) < 120


def test_a_title_can_be_changed_and_removed(ask: Ask) -> None:
    added = "add a title 'Hello' for 2 seconds"
    moved = ask(added, "move the title to the bottom", uploads=("red.mp4",)).seen
    assert moved.brightest(15, 0, 0, 1, 0.4) < 120
    assert moved.brightest(15, 0.2, 0.7, 0.8, 1) > 150
    gone = ask(added, "remove the title", uploads=("red.mp4",)).seen
    assert gone.brightest(15, 0, 0, 1, 1) < 120


def test_subtitles_show_at_the_bottom_at_their_times(ask: Ask) -> None:
    srt = "add these subtitles:\n1\n00:00:00,500 --> 00:00:01,000\nHello there\n"
    seen = ask(srt, uploads=("red.mp4",)).seen
    shown = [seen.brightest(n, 0.1, 0.7, 0.9, 1) > 150 for n in (5, 14, 15, 29, 30, 50)]
    assert shown == [False, False, True, True, False, False]
    gone = ask(srt, "remove the subtitles", uploads=("red.mp4",)).seen
    assert gone.brightest(20, 0, 0, 1, 1) < 120


# Shape


def test_vertical_is_vertical_and_filled(ask: Ask) -> None:
    outcome = ask("make it vertical for TikTok", "720p", uploads=("red.mp4",), small=False)
    assert (outcome.result.width, outcome.result.height) == (720, 1280)
    assert near(outcome.seen.rgb(10, 0.5, 0.05), RED)


def test_black_bars_or_a_blurred_picture_fill_the_rest(ask: Ask) -> None:
    bars = ask("make it square with black bars", "720p", uploads=("red.mp4",), small=False).seen
    assert (bars.width, bars.height) == (720, 720)
    assert near(bars.rgb(10, 0.5, 0.02), (0, 0, 0))
    blurred = ask("make it square", "use a blurred background", uploads=("red.mp4",), small=False)
    assert blurred.seen.rgb(10, 0.5, 0.02)[0] > 80


def test_the_frame_rate_is_the_one_asked_for(ask: Ask) -> None:
    outcome = ask("make it 24 fps", uploads=("red.mp4",))
    assert outcome.result.frames == 48


def test_under_a_size_it_is_under_that_size(ask: Ask) -> None:
    outcome = ask("compress it to under 0.2 MB")
    assert outcome.result.size <= 200_000
    assert outcome.counters(0, 60, 119) == [0, 60, 119]


def test_compressed_it_is_smaller_than_its_source(ask: Ask, media: Path) -> None:
    outcome = ask("compress this video using RTK encoding", small=False)
    assert outcome.result.size < (media / "sample.mp4").stat().st_size
    assert len(outcome.seen) == 120


# Looks

LOOKS: list[tuple[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]]] = [
    ("make it black and white", lambda _, after: max(after) - min(after) < 25),
    ("give it a sepia look", lambda _, after: after[0] > after[1] > after[2]),
    ("make it a lot darker", lambda before, after: sum(after) < sum(before) - 60),
    ("make it brighter", lambda before, after: sum(after) > sum(before) + 30),
    ("less saturated please", lambda before, after: _colour(after) < _colour(before)),
    ("make it much warmer", lambda before, after: after[0] - after[2] > before[0] - before[2]),
    ("cooler colours", lambda before, after: after[0] - after[2] < before[0] - before[2]),
]


def _colour(rgb: tuple[int, ...]) -> int:
    return max(rgb) - min(rgb)


@pytest.mark.parametrize(("said", "holds"), LOOKS, ids=lambda value: str(value)[:30])
def test_a_look_changes_the_colours(
    ask: Ask, said: str, holds: Callable[[tuple[int, ...], tuple[int, ...]], bool]
) -> None:
    plain = ask("trim to the first 0.2 seconds").seen.rgb(2, 0.2, 0.55)
    assert holds(plain, ask("trim to the first 0.2 seconds", said).seen.rgb(2, 0.2, 0.55))


def test_more_contrast_spreads_light_and_dark(ask: Ask) -> None:
    trim = "trim to the first 0.2 seconds"
    plain, strong = ask(trim).seen, ask(trim, "a lot more contrast").seen
    spread = [max(seen.row(2, 0.5)) - min(seen.row(2, 0.5)) for seen in (plain, strong)]
    assert spread[1] > spread[0]


def test_a_blur_softens_an_edge_and_can_be_taken_off_again(ask: Ask) -> None:
    def steepest(*said: str) -> int:
        row = ask("put the picture on the timeline", *said, uploads=("edge.png",)).seen.row(5, 0.5)
        return max(abs(a - b) for a, b in zip(row, row[1:], strict=False))

    sharp, soft = steepest(), steepest("blur it a lot")
    assert soft < sharp / 3
    assert steepest("blur it a lot", "remove the blur") == sharp


def test_turned_and_mirrored_the_corners_change_places(ask: Ask) -> None:
    def corners(*said: str) -> tuple[tuple[int, ...], ...]:
        put = "put the picture on the timeline"
        seen = ask(put, *said, uploads=("quarters.png",)).seen
        return tuple(seen.rgb(3, x, y) for x, y in ((0.45, 0.3), (0.55, 0.3)))

    assert near(corners()[0], RED)
    assert near(corners()[1], GREEN)
    assert near(corners("turn it upside down")[0], WHITE)
    assert near(corners("rotate it 90 degrees clockwise")[0], BLUE)
    assert near(corners("mirror it")[0], GREEN)


def test_a_zoom_grows_the_picture(ask: Ask) -> None:
    put = "put the picture on the timeline"
    seen = ask(put, "slowly zoom in", uploads=("edge.png",)).seen
    # The edge stands right of the middle and moves away from it.
    edges = [_edge(seen.row(n, 0.5)) for n in (0, len(seen) // 2, len(seen) - 1)]
    assert edges == sorted(edges)
    assert edges[-1] > edges[0] + 5


def _edge(row: bytes) -> int:
    return next(n for n, value in enumerate(row) if value < 128)


def test_a_crossfade_mixes_both_pictures_and_can_be_taken_away(ask: Ask) -> None:
    said = ("put my clips on the timeline", "add a 1 second crossfade between the clips")
    seen = ask(*said, uploads=CLIPS).seen
    assert len(seen) == 120
    red, _, blue = seen.rgb(60, 0.5, 0.5)
    assert 70 < red < 190
    assert 70 < blue < 190
    hard = ask(*said, "remove the transitions", uploads=CLIPS).seen
    assert near(hard.rgb(59, 0.5, 0.5), RED)
    assert near(hard.rgb(60, 0.5, 0.5), BLUE)


def test_a_wipe_shows_one_picture_on_each_side(ask: Ask) -> None:
    said = ("put my clips on the timeline", "add a wipe between the clips")
    seen = ask(*said, uploads=CLIPS).seen
    sides = [near(seen.rgb(60, x, 0.5), RED) for x in (0.1, 0.9)]
    assert sorted(sides) == [False, True]


# Layers


def test_picture_in_picture_stands_in_its_corner(ask: Ask) -> None:
    said = ("put red.mp4 on the timeline", "show blue.mp4 as picture in picture at the top left")
    outcome = ask(*said, uploads=CLIPS)
    seen = outcome.seen
    assert near(seen.rgb(10, 0.1, 0.12), BLUE)
    assert near(seen.rgb(10, 0.8, 0.8), RED)
    alone = ask(*said, "remove the picture in picture", uploads=CLIPS).seen
    assert near(alone.rgb(10, 0.1, 0.12), RED)


def test_a_watermark_lets_shine_through_what_is_behind_it(ask: Ask) -> None:
    said = ("put blue.mp4 on the timeline", "add logo.png as a watermark in the bottom right")
    outcome = ask(*said, uploads=("blue.mp4", "logo.png"))
    marked = [
        (x, y)
        for x in range(0, 320, 4)
        for y in range(0, 180, 4)
        if outcome.seen.rgb(30, x / 320, y / 180)[0] > 100
    ]
    assert marked
    assert min(x for x, _ in marked) > 160
    assert min(y for _, y in marked) > 90
    # Its opacity is not full: some of the blue is still there.
    x, y = marked[len(marked) // 2]
    assert outcome.seen.rgb(30, x / 320, y / 180)[2] > 20


def test_a_generated_clip_is_a_film_of_what_was_asked_for(
    tmp_path: Path, source: Callable[[str | Path], Source], pictures: Any
) -> None:
    wishes = understand("generate a 2-second sunset timelapse")
    assert isinstance(wishes, tuple)
    (wish,) = wishes
    assert isinstance(wish, Generate)
    clip = tmp_path / "sunset.mp4"
    info = asyncio.run(make_scene(wish.scene, wish.seconds, 7, clip))
    media = Media(str(clip), "sunset.mp4", "video", int(info.duration * 1000))
    draft = apply_edits(
        wishes, Draft(tracks=(), duration_ms=0), Material((), (media,), {wish: str(clip)})
    )
    assert draft.duration_ms == 2000
    seen = pictures(clip)
    red, _, blue = seen.rgb(30, 0.5, 0.6)
    assert red > blue
