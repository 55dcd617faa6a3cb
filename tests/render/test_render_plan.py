"""A draft becomes exact frames and samples, or is refused with the path of the field (REN-9)."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources, render_command
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.output_settings import QUALITY_SETTINGS, RTK_SETTINGS, exact_fps
from nemolocal_render.planning.planner import (
    DraftRejected,
    MediaSource,
    OutputSpec,
    RenderPlan,
    plan_render,
)
from nemolocal_render.planning.render_plan import AudioFade

VIDEO = MediaInfo(
    "video", "mp4", 10.0, 1280, 720, 30.0, "h264", "yuv420p", "aac", 4_000_000, 48_000
)
SOURCES = {
    "clip": MediaSource(Path("/media/1.mp4"), VIDEO),
    "mute": MediaSource(Path("/media/2.mp4"), MediaInfo("video", "mp4", 10.0, 1920, 1080, 24.0)),
    "tall": MediaSource(Path("/media/3.mp4"), MediaInfo("video", "mp4", 10.0, 2160, 3840, 59.94)),
    "music": MediaSource(Path("/media/4.m4a"), MediaInfo("audio", "m4a", 60.0, audio_codec="aac")),
    "photo": MediaSource(Path("/media/5.jpg"), MediaInfo("image", "jpg", 0.0, 4032, 3024)),
    "hdr": MediaSource(
        Path("/media/6.mov"),
        MediaInfo("video", "mov", 9.0, 1920, 1080, 30.0, color_transfer="smpte2084"),
    ),
}


def clip(**fields: Any) -> dict[str, Any]:
    return {"s": 0, "d": 1000, "src": "clip", **fields}


def plan(*tracks: dict[str, Any], resolution: Any = "1080p", **draft: Any) -> RenderPlan:
    wire = draft_from_wire({"t": list(tracks), **draft})
    return plan_render(wire, SOURCES, OutputSpec(usual_resolution=resolution))


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": list(segments)}


def audio(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 1, "sg": list(segments)}


def text(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 7, "sg": list(segments)}


def test_type_of_a_track_may_be_spelled_with_a_fraction_of_zero() -> None:
    whole = plan({"tt": 0, "sg": [clip()]}, {"tt": 7, "sg": [{"s": 0, "d": 500, "txt": "Hi"}]})
    assert whole == plan(
        {"tt": 0.0, "sg": [clip()]}, {"tt": 7.0, "sg": [{"s": 0, "d": 500, "txt": "Hi"}]}
    )
    with pytest.raises(DraftRejected, match=r"draft\.t\[0\]\.tt"):
        plan({"tt": 0.5, "sg": [clip()]})


def test_clips_in_order_of_time_and_the_length_of_everything() -> None:
    created = plan(
        video(clip(s=2000, ss=500), clip(s=0, d=1000)), text(clip(s=3000, d=1000, txt="End"))
    )
    (layer,) = created.layers
    assert [(p.start_frame, p.frames, p.clip.source_start) for p in layer] == [
        (0, 30, 0.0),
        (60, 30, 0.5),
    ]
    assert (created.frames, created.samples, created.duration) == (120, 192_000, 4.0)


def test_a_clip_shorter_than_a_frame_takes_no_place() -> None:
    created = plan(video(clip(), clip(s=1000, d=5), clip(s=1005, d=995)))
    assert [(p.start_frame, p.frames) for p in created.layers[0]] == [(0, 30), (30, 30)]


def test_rounded_neighbours_may_touch() -> None:
    created = plan(video(clip(d=1000.6), clip(s=1000, d=999.4, v=0.5)))
    assert created.frames == 60
    first, second = created.audio_tracks[0]
    assert first.start_sample + first.samples == second.start_sample


def test_a_clip_swallowed_by_rounding_has_neither_picture_nor_sound() -> None:
    created = plan(video(clip(d=1000.9), clip(s=1000, d=0.5)))
    assert len(created.layers[0]) == 1
    assert len(created.audio_tracks[0]) == 1


def test_sounds_keep_their_place_their_volume_and_their_fades() -> None:
    created = plan(
        video(clip(v=0), clip(s=1000, src="mute")),
        audio(clip(s=500, d=1500, src="music", ss=3000, v=0.35, fo=500)),
    )
    ((sound,),) = created.audio_tracks
    assert (sound.start_sample, sound.samples, sound.source_start) == (24_000, 72_000, 3.0)
    assert (sound.volume, sound.fades) == (0.35, (AudioFade("out", 48_000, 24_000),))
    assert [source.path.name for source in created.sources] == ["1.mp4", "2.mp4", "4.m4a"]


def test_pictures_and_sound_have_a_graph_each() -> None:
    created = plan(video(clip(), clip(s=1000)), audio(clip(src="music")))
    command = render_command(created, EncodeResources("libx264"), "out.mp4")
    pictures, sound = (set(re.findall(r"\[[^]]+\]", graph)) for graph in command.graphs.values())
    assert not pictures & sound
    assert {name for name in pictures if ":" in name} == {"[0:V:0]", "[1:V:0]"}
    assert {name for name in sound if ":" in name} == {"[2:a:0]", "[3:a:0]", "[4:a:0]"}
    given = zip(command.arguments, command.arguments[1:], strict=False)
    assert [value for name, value in given if name == "-/filter_complex"] == list(command.graphs)


def test_without_sound_the_plan_is_silent() -> None:
    created = plan(video(clip(src="mute")))
    assert (created.samples, created.audio_tracks) == (0, ())


def test_speed_reads_more_of_the_source() -> None:
    created = plan(video(clip(d=5000, sp=2)))
    assert created.layers[0][0].clip.speed == 2.0
    with pytest.raises(DraftRejected, match=r"sg\[0\]\.d: reaches 12\.000 s"):
        plan(video(clip(d=6000, sp=2)))


@pytest.mark.slow
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
    created = plan(video(clip(src=source)), resolution=resolution)
    assert (created.width, created.height) == size


def test_the_drafts_own_canvas_wins_and_may_enlarge() -> None:
    created = plan(video(clip()), m={"width": 1081, "height": 1921, "fps": 29.97})
    assert (created.width, created.height, created.fps) == (1080, 1920, Fraction(30000, 1001))
    assert created.warnings == ("draft.m.width: 1081x1921 is rendered as 1080x1920",)


def test_a_draft_without_pictures_is_black_full_hd() -> None:
    created = plan(audio(clip(src="music")))
    assert (created.width, created.height, created.fps) == (1920, 1080, Fraction(30))
    assert created.layers == ((),)


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
    created = plan(video(clip()), m={"fps": 120})
    assert created.fps == 60
    assert created.warnings == ("draft.m.fps: 120 is rendered as 60",)


def test_compression_caps_the_rate_at_four_fifths_of_the_sources() -> None:
    created = plan(video(clip(), clip(s=1000, src="mute")), m={"compress": {"mode": "rtk"}})
    assert created.encoding.crf == 23
    assert created.encoding.max_bit_rate + created.encoding.audio_bit_rate == 3_200_000


def test_compression_of_unknown_rates_has_no_cap() -> None:
    assert plan(video(clip(src="mute")), m={"compress": {"mode": "rtk"}}).encoding == RTK_SETTINGS


def test_compression_of_a_lean_source_spares_the_picture() -> None:
    lean = MediaSource(
        Path("/media/7.mp4"), MediaInfo("video", "mp4", 9.0, 640, 360, 30.0, bit_rate=90_000)
    )
    draft = draft_from_wire({"t": [video(clip())], "m": {"compress": {"mode": "rtk"}}})
    created = plan_render(draft, {"clip": lean})
    assert (created.encoding.audio_bit_rate, created.encoding.max_bit_rate) == (64_000, 48_000)


def test_quality_is_taken_from_the_table() -> None:
    draft = draft_from_wire({"t": [video(clip())]})
    assert plan_render(draft, SOURCES, OutputSpec("low")).encoding == QUALITY_SETTINGS["low"]
    assert plan_render(draft, SOURCES).encoding == QUALITY_SETTINGS["high"]


def test_what_is_not_rendered_is_said() -> None:
    created = plan(
        video(
            clip(tr={"type": "dis\nsolve"}, fx=[{"type": "glow"}, {}], txt="no"),
            clip(s=1000, tr={"type": "circle"}, fx=[{"type": "overlay"}, {"type": "duck"}]),
        ),
        audio(clip(src="mute", fx=[{"type": "sepia"}, {"type": "reverse"}])),
        text(
            clip(txt="hi", st={"color": "octarine", "pos": "behind"}, fx=[{"type": "blur"}], tr={})
        ),
        {"tt": 9, "sg": [clip()]},
        {"tt": 9},
        d=9000,
    )
    assert created.warnings == (
        "draft.t[2].sg[0].st.color: not known, the default is used",
        "draft.t[2].sg[0].st.pos: not known, the default is used",
        "draft.t[0].sg[0].tr: the transition 'dis\\nsolve' is not known, it is a hard cut",
        "draft.t[0].sg[1].tr: nothing follows at once, so there is no transition",
        "draft.d: the segments end at 2000 ms, which is used",
        "draft.t[0].sg[0].fx[0]: the effect 'glow' is not known, it is left out",
        "draft.t[0].sg[0].fx[1]: the effect 'unnamed' is not known, it is left out",
        "draft.t[0].sg[0].txt: texts are shown on text tracks only",
        "draft.t[0].sg[1].fx[0]: the first video track is not laid over anything",
        "draft.t[0].sg[1].fx[1]: only audio tracks are ducked",
        "draft.t[1].sg[0].fx[0]: sound has no picture to change",
        "draft.t[2].sg[0].fx[0]: texts do not have this effect",
        "draft.t[2].sg[0].tr: texts have no transitions",
        "draft.t[3].tt: tracks of type 9 are not rendered",
        "draft.t[1].sg[0].src: has no sound",
    )


def test_null_and_unknown_fields_are_no_nonsense() -> None:
    created = plan(video(clip(fi=None, mood="blue")), d=1000, m={"theme": 1})
    assert created.warnings == ()


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
    created = plan(video(clip()), text(clip(txt="Hi", st=style, fi=100)))
    (title,) = created.titles
    assert (title.color, title.alignment, title.size) == (color, alignment, size)
    assert (title.text, title.fade_in_ms, created.warnings) == ("Hi", 100.0, ())
