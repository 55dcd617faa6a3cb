"""A draft becomes exact frames and samples, or is refused with the path of the field (REN-9)."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.canvas import exact_fps
from nemolocal_render.media import MediaInfo
from nemolocal_render.plan import DraftRejected, OutputSpec, RenderPlan, Source, plan_render
from nemolocal_render.quality import QUALITIES, RTK

VIDEO = MediaInfo(
    "video", "mp4", 10.0, 1280, 720, 30.0, "h264", "yuv420p", "aac", 4_000_000, 48_000
)
SOURCES = {
    "clip": Source(Path("/media/1.mp4"), VIDEO),
    "mute": Source(Path("/media/2.mp4"), MediaInfo("video", "mp4", 10.0, 1920, 1080, 24.0)),
    "tall": Source(Path("/media/3.mp4"), MediaInfo("video", "mp4", 10.0, 2160, 3840, 59.94)),
    "music": Source(Path("/media/4.m4a"), MediaInfo("audio", "m4a", 60.0, audio_codec="aac")),
    "photo": Source(Path("/media/5.jpg"), MediaInfo("image", "jpg", 0.0, 4032, 3024)),
    "hdr": Source(
        Path("/media/6.mov"),
        MediaInfo("video", "mov", 9.0, 1920, 1080, 30.0, color_transfer="smpte2084"),
    ),
}


def clip(**fields: Any) -> dict[str, Any]:
    return {"s": 0, "d": 1000, "src": "clip", **fields}


def plan(*tracks: dict[str, Any], resolution: Any = "1080p", **draft: Any) -> RenderPlan:
    wire = draft_from_wire({"t": list(tracks), **draft})
    return plan_render(wire, SOURCES, OutputSpec(resolution=resolution))


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": list(segments)}


def audio(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 1, "sg": list(segments)}


def text(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 7, "sg": list(segments)}


REFUSED: list[tuple[str, list[dict[str, Any]], dict[str, Any], str]] = [
    ("no tracks", [], {}, "draft.t"),
    ("no segments", [{"tt": 0, "sg": []}], {}, "draft.t"),
    ("only unknown tracks", [{"tt": 5, "sg": [clip()]}], {}, "draft.t"),
    ("no track type", [{"sg": [clip()]}], {}, "draft.t[0].tt"),
    ("wrong track type", [{"tt": "0", "sg": [clip()]}], {}, "draft.t[0].tt"),
    ("unknown media", [video(clip(), clip(s=1000, src="x"))], {}, "draft.t[0].sg[1].src"),
    ("no media", [video({"s": 0, "d": 5})], {}, "draft.t[0].sg[0].src"),
    ("sound as picture", [video(clip(src="music"))], {}, "draft.t[0].sg[0].src"),
    ("picture as sound", [audio(clip(src="photo"))], {}, "draft.t[0].sg[0].src"),
    ("negative start", [video(clip(s=-1))], {}, "draft.t[0].sg[0].s"),
    ("nan start", [video(clip(s=math.nan))], {}, "draft.t[0].sg[0].s"),
    ("endless", [video(clip(d=math.inf))], {}, "draft.t[0].sg[0].d"),
    ("nan", [video(clip(d=math.nan))], {}, "draft.t[0].sg[0].d"),
    ("huge", [video(clip(d=10**400))], {}, "draft.t[0].sg[0].d"),
    ("zero", [video(clip(d=0))], {}, "draft.t[0].sg[0].d"),
    ("no duration", [video({"s": 0, "src": "clip"})], {}, "draft.t[0].sg[0].d"),
    ("too late", [text(clip(s=7_000_000, d=700_000, txt="x"))], {}, "draft.t[0].sg[0].d"),
    ("past the end", [video(clip(ss=9500))], {}, "draft.t[0].sg[0].d"),
    ("starts past the end", [video(clip(ss=11000))], {}, "draft.t[0].sg[0].ss"),
    ("too fast", [video(clip(sp=9))], {}, "draft.t[0].sg[0].sp"),
    ("too loud", [video(clip(v=5))], {}, "draft.t[0].sg[0].v"),
    ("text as number", [video(clip(d="1000"))], {}, "draft.t[0].sg[0].d"),
    ("boolean as number", [video(clip(v=True))], {}, "draft.t[0].sg[0].v"),
    ("number as text", [text(clip(txt=3))], {}, "draft.t[0].sg[0].txt"),
    ("wrong style", [text(clip(txt="a", st={"size": []}))], {}, "draft.t[0].sg[0].st.size"),
    ("wrong style size", [text(clip(txt="a", st={"size": -2}))], {}, "draft.t[0].sg[0].st.size"),
    ("no text", [text(clip())], {}, "draft.t[0].sg[0].txt"),
    ("long text", [text(clip(txt="a" * 2001))], {}, "draft.t[0].sg[0].txt"),
    ("fades in too long", [video(clip(fi=1001))], {}, "draft.t[0].sg[0].fi"),
    ("fades out too long", [video(clip(fi=600, fo=600))], {}, "draft.t[0].sg[0].fo"),
    ("overlap", [video(clip(), clip(s=500))], {}, "draft.t[0].sg[1].s"),
    ("two video tracks", [video(clip()), video(clip())], {}, "draft.t[1].sg"),
    ("shorter than a frame", [video(clip(d=10))], {}, "draft.t"),
    ("wrong canvas", [video(clip())], {"m": {"width": "wide"}}, "draft.m.width"),
    ("tiny canvas", [video(clip())], {"m": {"width": 2, "height": 2}}, "draft.m.width"),
    ("nan canvas", [video(clip())], {"m": {"width": math.nan, "height": 9}}, "draft.m.width"),
    ("half a canvas", [video(clip())], {"m": {"width": 640}}, "draft.m.height"),
    ("other half", [video(clip())], {"m": {"height": 640}}, "draft.m.width"),
    ("rate", [video(clip())], {"m": {"fps": 0}}, "draft.m.fps"),
    ("compression", [video(clip())], {"m": {"compress": {"mode": "zip"}}}, "draft.m.compress.mode"),
    ("absurd length", [video(clip())], {"d": 10**400}, "draft.d"),
    ("many clips", [video(*[clip(s=n * 1000) for n in range(201)])], {}, "draft.t[0].sg"),
    ("many segments", [text(*[clip(txt="a") for _ in range(1001)])], {}, "draft.t"),
]


@pytest.mark.parametrize(
    ("tracks", "rest", "path"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_nonsense_is_refused_with_its_path(
    tracks: list[dict[str, Any]], rest: dict[str, Any], path: str
) -> None:
    with pytest.raises(DraftRejected) as refusal:
        plan(*tracks, **rest)
    assert refusal.value.path == path
    assert str(refusal.value) == f"{path}: {refusal.value.reason}"


def test_the_reason_is_said_in_words() -> None:
    with pytest.raises(DraftRejected, match=r"^draft\.t\[0\]\.sg\[0\]\.src: unknown media$"):
        plan(video(clip(src="nope")))


def test_clips_in_order_of_time_with_black_between_and_behind() -> None:
    made = plan(
        video(clip(s=2000, ss=500), clip(s=0, d=1000)), text(clip(s=3000, d=1000, txt="End"))
    )
    shown = [(p.frames, p.source is not None, p.start) for p in made.pictures]
    assert shown == [(30, True, 0.0), (30, False, 0.0), (30, True, 0.5), (30, False, 0.0)]
    assert (made.frames, made.samples, made.duration) == (120, 192_000, 4.0)


def test_a_clip_shorter_than_a_frame_takes_no_place() -> None:
    made = plan(video(clip(), clip(s=1000, d=5), clip(s=1005, d=995)))
    assert [p.frames for p in made.pictures] == [30, 30]


def test_rounded_neighbours_may_touch() -> None:
    made = plan(video(clip(d=1000.6), clip(s=1000, d=999.4, v=0.5)))
    assert made.frames == 60
    first, second = made.lanes[0]
    assert first.at + first.samples == second.at


def test_a_clip_swallowed_by_rounding_has_neither_picture_nor_sound() -> None:
    made = plan(video(clip(d=1000.9), clip(s=1000, d=0.5)))
    assert len(made.pictures) == 1
    assert len(made.lanes[0]) == 1


def test_sounds_keep_their_place_their_volume_and_their_fades() -> None:
    made = plan(
        video(clip(v=0), clip(s=1000, src="mute")),
        audio(clip(s=500, d=1500, src="music", ss=3000, v=0.35, fo=500)),
    )
    ((sound,),) = made.lanes
    assert (sound.at, sound.samples, sound.start) == (24_000, 72_000, 3.0)
    assert (sound.volume, sound.fade_in, sound.fade_out) == (0.35, 0, 24_000)
    assert [source.path.name for source in made.sources] == ["1.mp4", "2.mp4", "4.m4a"]


def test_without_sound_the_plan_is_silent() -> None:
    made = plan(video(clip(src="mute")))
    assert (made.samples, made.lanes) == (0, ())


def test_speed_reads_more_of_the_source() -> None:
    made = plan(video(clip(d=5000, sp=2)))
    assert made.pictures[0].speed == 2.0
    with pytest.raises(DraftRejected, match=r"sg\[0\]\.d: reaches 12\.000 s"):
        plan(video(clip(d=6000, sp=2)))


@pytest.mark.parametrize(
    ("source", "resolution", "size"),
    [
        ("clip", "1080p", (1280, 720)),
        ("clip", "720p", (1280, 720)),
        ("tall", "1080p", (1080, 1920)),
        ("tall", "4k", (2160, 3840)),
        ("photo", "1080p", (1440, 1080)),
        ("photo", "720p", (960, 720)),
    ],
)
def test_the_canvas_is_the_first_clip_within_the_resolution(
    source: str, resolution: str, size: tuple[int, int]
) -> None:
    made = plan(video(clip(src=source)), resolution=resolution)
    assert (made.width, made.height) == size


def test_the_drafts_own_canvas_wins_and_may_enlarge() -> None:
    made = plan(video(clip()), m={"width": 1081, "height": 1921, "fps": 29.97})
    assert (made.width, made.height, made.fps) == (1080, 1920, Fraction(30000, 1001))
    assert made.warnings == ("draft.m.width: 1081x1921 is rendered as 1080x1920",)


def test_a_draft_without_pictures_is_black_full_hd() -> None:
    made = plan(audio(clip(src="music")))
    assert (made.width, made.height, made.fps) == (1920, 1080, Fraction(30))
    assert len(made.pictures) == 1


@pytest.mark.parametrize(
    ("fps", "exact"),
    [
        (29.97, Fraction(30000, 1001)),
        (23.976023976, Fraction(24000, 1001)),
        (29.95, Fraction(30000, 1001)),
        (30.05, 30),
        (120.0, 60),
        (0.1, 1),
        (18.5, Fraction(37, 2)),
    ],
)
def test_rates_are_exact(fps: float, exact: Fraction) -> None:
    assert exact_fps(fps) == exact


def test_too_high_a_rate_is_lowered_and_said() -> None:
    made = plan(video(clip()), m={"fps": 120})
    assert made.fps == 60
    assert made.warnings == ("draft.m.fps: 120 is rendered as 60",)


def test_compression_caps_the_rate_at_four_fifths_of_the_sources() -> None:
    made = plan(video(clip(), clip(s=1000, src="mute")), m={"compress": {"mode": "rtk"}})
    assert made.encoding.crf == 23
    assert made.encoding.max_rate + made.encoding.audio_rate == 3_200_000


def test_compression_of_unknown_rates_has_no_cap() -> None:
    assert plan(video(clip(src="mute")), m={"compress": {"mode": "rtk"}}).encoding == RTK


def test_compression_of_a_lean_source_spares_the_picture() -> None:
    lean = Source(
        Path("/media/7.mp4"), MediaInfo("video", "mp4", 9.0, 640, 360, 30.0, bit_rate=90_000)
    )
    draft = draft_from_wire({"t": [video(clip())], "m": {"compress": {"mode": "rtk"}}})
    made = plan_render(draft, {"clip": lean})
    assert (made.encoding.audio_rate, made.encoding.max_rate) == (64_000, 48_000)


def test_quality_is_taken_from_the_table() -> None:
    draft = draft_from_wire({"t": [video(clip())]})
    assert plan_render(draft, SOURCES, OutputSpec("low")).encoding == QUALITIES["low"]
    assert plan_render(draft, SOURCES).encoding == QUALITIES["high"]


def test_what_is_not_rendered_is_said() -> None:
    made = plan(
        video(
            clip(tr={"type": "dis\nsolve"}, fx=[{"type": "blur"}, {}], txt="no"),
            clip(s=1000, src="hdr", tr={}),
        ),
        audio(clip(src="mute")),
        text(clip(txt="hi", st={"color": "octarine", "pos": "behind", "font": "Papyrus"})),
        {"tt": 9, "sg": [clip()]},
        {"tt": 9},
        d=9000,
    )
    assert made.warnings == (
        "draft.t[2].sg[0].st.color: not known, the usual is used",
        "draft.t[2].sg[0].st.pos: not known, the usual is used",
        "draft.t[2].sg[0].st.font: not known, the usual is used",
        "draft.d: the segments end at 2000 ms, which counts",
        "draft.t[0].sg[0].tr: the transition 'dis\\nsolve' is not rendered yet, it is a hard cut",
        "draft.t[0].sg[0].fx[0]: the effect 'blur' is not rendered yet",
        "draft.t[0].sg[0].fx[1]: the effect 'unnamed' is not rendered yet",
        "draft.t[0].sg[0].txt: texts are shown on text tracks only",
        "draft.t[0].sg[1].tr: the transition 'unnamed' is not rendered yet, it is a hard cut",
        "draft.t[3].tt: tracks of type 9 are not rendered",
        "draft.t[0].sg[1].src: its high dynamic range is shown without tone mapping",
        "draft.t[1].sg[0].src: has no sound",
    )


def test_null_and_unknown_fields_are_no_nonsense() -> None:
    made = plan(video(clip(fi=None, mood="blue")), d=1000, m={"theme": 1})
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("style", "color", "alignment", "size"),
    [
        ({}, "ffffff", 2, 43),
        ({"color": " Gold ", "pos": "top-left", "size": 108}, "ffd700", 7, 72),
        ({"color": "#F80", "pos": "bottom_right"}, "ff8800", 3, 43),
        ({"color": "#12ab34", "pos": "Center"}, "12ab34", 5, 43),
        ({"pos": "top center", "font": "DejaVu Sans"}, "ffffff", 8, 43),
        ({"pos": "middle left", "size": 0.5 + 0.6}, "ffffff", 4, 1),
    ],
)
def test_styles_by_name(style: dict[str, Any], color: str, alignment: int, size: int) -> None:
    made = plan(video(clip()), text(clip(txt="Hi", st=style, fi=100)))
    (title,) = made.titles
    assert (title.color, title.alignment, title.size) == (color, alignment, size)
    assert (title.text, title.fade_in_ms, made.warnings) == ("Hi", 100.0, ())
