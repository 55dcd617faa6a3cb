"""Whatever makes sense is rendered, with exactly its frames and its samples."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.effect_presets import PRESET_COLORS, effect_presets
from nemolocal_contract.effects import EFFECTS, POSITIONS, TRANSITIONS
from nemolocal_contract.text_effects import TEXT_EFFECTS
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources, render_command
from nemolocal_render.job import RenderResult, render
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo
from tests.support.profiles import examples

pytestmark = pytest.mark.ffmpeg

CLIPS = ("red.mp4", "tones.mp4", "small.mov")
STILLS = ("quarters.png", "logo.png", "small.gif", "still.gif")
LENGTHS = {"small.mov": 1000}
LUT = "inverted.cube"

amounts = st.floats(-1, 1).map(lambda value: round(value, 2))
shares = st.floats(0, 1).map(lambda value: round(value, 2))
halves = st.floats(0.05, 0.5).map(lambda value: round(value, 2))
effects = st.one_of(
    st.sampled_from([{"type": name} for name in ("reverse", "grayscale", "sepia", "glow")]),
    st.builds(lambda d: {"type": "rotate", "degrees": d}, st.sampled_from([90, 180, 270])),
    st.builds(lambda a: {"type": "flip", "axis": a}, st.sampled_from(["horizontal", "vertical"])),
    st.builds(
        lambda x, y, w, h: {"type": "crop", "x": x, "y": y, "width": w, "height": h},
        halves, halves, halves, halves,
    ),
    st.builds(
        lambda name, amount: {"type": name, "amount": amount},
        st.sampled_from(["brightness", "contrast", "saturation", "warmth"]), amounts,
    ),
    st.builds(
        lambda name, amount: {"type": name, "amount": amount},
        st.sampled_from(["blur", "sharpen", "vignette", "duck"]), shares,
    ),
    st.builds(
        lambda name: {"type": name},
        # Spectra and loudness take long to compute.
        st.sampled_from(["mono", "echo", "bass", "pitch-up", "muffled", "yodel"]),
    ),
    st.builds(
        lambda one, other: {"type": "sound-fade", "in_ms": one, "out_ms": other},
        st.sampled_from([0, 100]), st.sampled_from([0, 200]),
    ),
    st.builds(
        lambda a, b, x, y: {"type": "zoom", "start": a, "end": b, "x": x, "y": y},
        st.sampled_from([1, 1.5, 3]), st.sampled_from([1, 2, 8]), shares, shares,
    ),
    st.builds(
        lambda place, width, opacity, margin: {
            "type": "overlay", "position": place, "width": width,
            "opacity": opacity, "margin": margin / 2,
        },
        st.sampled_from(POSITIONS), st.sampled_from([0.01, 0.3, 1]), shares, shares,
    ),
    st.builds(
        lambda name, x, y, w, h: {"type": name, "x": x, "y": y, "width": w, "height": h},
        st.sampled_from(["blur-region", "pixelate-region", "remove-logo"]),
        shares, shares, halves, halves,
    ),
    st.builds(
        lambda name, amount: {"type": name, "amount": amount},
        st.sampled_from(["stabilize", *effect_presets()]), shares,
    ),
    st.builds(
        lambda color, back: {"type": "chroma-key", "color": color, "background": back},
        st.sampled_from(["green", "blue"]), st.sampled_from([None, "white"]),
    ),
    st.builds(
        lambda c, r, n: {"type": "cell", "columns": c, "rows": r, "column": n, "row": n},
        st.integers(1, 4), st.integers(1, 4), st.integers(0, 3),
    ),
    st.sampled_from([{"type": "smooth-motion"}, {"type": "freeze"}]),
    st.builds(lambda color: {"type": "solid", "color": color}, st.sampled_from(PRESET_COLORS)),
    st.builds(lambda amount: {"type": "lut", "source": LUT, "amount": amount}, shares),
)  # fmt: skip
transitions = st.none() | st.builds(
    lambda kind, length: {"type": kind, "d": length},
    st.sampled_from([*TRANSITIONS, "sparkle"]),
    st.integers(0, 500),
)


@st.composite
def segments(draw: st.DrawFn, start: int, names: tuple[str, ...]) -> dict[str, Any]:
    name, speed = draw(st.sampled_from(names)), draw(st.sampled_from([0.5, 1, 1, 1.7, 4]))
    longest = 600 if name in STILLS else int(min(600, LENGTHS.get(name, 2000) / speed))
    length = draw(st.integers(20 if start else 50, longest))
    rest = 0 if name in STILLS else int(LENGTHS.get(name, 2000) - length * speed)
    segment: dict[str, Any] = {"src": name, "s": start, "d": length, "sp": speed}
    segment["ss"] = draw(st.integers(0, max(rest, 0)))
    segment["v"] = draw(st.sampled_from([0, 0.5, 1]))
    segment["fi"] = draw(st.sampled_from([0, 0, length // 3]))
    segment["fo"] = draw(st.sampled_from([0, 0, length // 2]))
    segment["fx"] = draw(st.lists(effects, max_size=3))
    return {**segment, "tr": draw(transitions)}


@st.composite
def tracks(draw: st.DrawFn, kind: int) -> dict[str, Any]:
    names = (*CLIPS, *STILLS) if kind == 0 else (*CLIPS, "music.m4a")
    at, created = draw(st.sampled_from([0, 0, 130])), []
    for _ in range(draw(st.integers(1, 4))):
        created.append(draw(segments(at, names)))
        at += created[-1]["d"] + draw(st.sampled_from([0, 0, 0, 210]))
    return {"tt": kind, "sg": created}


titles = st.builds(
    lambda text, start, place, effect: {
        "tt": 7,
        "sg": [
            {
                "s": start,
                "d": 400,
                "txt": text,
                "fi": 100,
                "st": {"pos": place},
                "fx": [{"type": effect}] if effect else [],
            }
        ],
    },
    st.text(max_size=12),
    st.integers(0, 500),
    st.sampled_from(POSITIONS),
    st.none() | st.sampled_from([*TEXT_EFFECTS]),
)
drafts = st.builds(
    lambda lanes, texts, size, fps, fit: {
        "t": [*lanes, *texts],
        "m": {"width": size[0], "height": size[1], "fps": fps, "fit": fit},
    },
    st.lists(tracks(0) | tracks(0) | tracks(1), min_size=1, max_size=4),
    st.lists(titles, max_size=1),
    st.sampled_from([(64, 36), (36, 64), (50, 50)]),
    st.sampled_from([12, 25, 29.97, 30]),
    st.sampled_from(["pad", "crop", "blur"]),
)


def test_the_strategy_knows_every_effect() -> None:
    drawn = {"glow", "rotate", "flip", "crop", "zoom", "overlay", "reverse", "grayscale", "sepia"}
    drawn |= {"brightness", "contrast", "saturation", "warmth"}
    drawn |= {"blur", "sharpen", "vignette", "duck", "sound-fade"}
    drawn |= {"blur-region", "pixelate-region", "remove-logo", "stabilize"}
    drawn |= {"chroma-key", "cell", "smooth-motion", "freeze", "solid", "lut"}
    assert drawn == {*EFFECTS, "glow"}


def made_up(name: str) -> MediaSource:
    """Where a file of this name would be, and what would be in it."""
    path = Path(f"/uploads/{name}")
    kind, _, extension = name.rpartition(".")
    if name in STILLS:
        return MediaSource(path, MediaInfo("image", extension, 0.0, 64, 36, video_codec="png"))
    if name == LUT:
        return MediaSource(path, MediaInfo("lut", extension, lut="3d"))
    if name not in CLIPS:
        return MediaSource(path, MediaInfo("audio", extension, 5.0, audio_codec="aac"))
    length = LENGTHS.get(name, 2000) / 1000
    sound = "" if kind == "red" else "aac"
    return MediaSource(
        path, MediaInfo("video", extension, length, 64, 36, 25.0, "h264", "yuv420p", sound)
    )


@given(wire=drafts, tone_mapping=st.booleans())
@settings(suppress_health_check=list(HealthCheck))
def test_a_command_holds_nothing_that_a_user_wrote_and_its_graphs_are_whole(
    wire: dict[str, Any], tone_mapping: bool
) -> None:
    sources = {LUT: made_up(LUT)}
    for segment in (s for track in wire["t"] for s in track["sg"]):
        if "src" in segment:
            sources[f"§{segment['src']}"] = made_up(segment["src"])
            segment["src"] = f"§{segment['src']}"
        else:
            segment["txt"] = f"§{segment['txt']}"
    plan = plan_render(draft_from_wire(wire), sources, OutputSpec("low"))
    command = render_command(plan, EncodeResources("libx264", tone_mapping=tone_mapping), "x.mp4")
    assert "§" not in " ".join([*command.arguments, *command.graphs.values()])
    for graph in command.graphs.values():
        # What comes out of one filter goes into one other, and the end into the file.
        uses = Counter(re.findall(r"\[(s\d+)\]", graph))
        assert sorted(uses.values()) == [1, *[2] * (len(uses) - 1)]


def rendered(
    wire: dict[str, Any], find: Callable[[str], MediaSource], folder: Path
) -> tuple[RenderPlan, RenderResult]:
    """Render a whole wire draft as `x.mp4`; the next one replaces it."""
    names = {s["src"] for t in wire["t"] for s in t["sg"] if "src" in s}
    table = folder / LUT
    table.write_text("LUT_1D_SIZE 2\n1 1 1\n0 0 0\n", encoding="ascii")
    sources = {n: find(n) for n in names}
    sources[LUT] = MediaSource(table, MediaInfo("lut", "cube", lut="1d"))
    plan = plan_render(draft_from_wire(wire), sources, OutputSpec("low"))
    work = render(plan, folder / "x.mp4", workdir=folder, on_progress=lambda _: None)
    return plan, asyncio.run(work)


@pytest.mark.slow
@given(wire=drafts)
@settings(
    max_examples=examples(4, 40),
    suppress_health_check=list(HealthCheck),
)
def test_any_draft_renders_to_its_exact_length(
    wire: dict[str, Any],
    source: Callable[[str], MediaSource],
    tmp_path: Path,
    check_here: Callable[[], None],
) -> None:
    check_here()
    plan, result = rendered(wire, source, tmp_path)
    path = tmp_path / "x.mp4"
    end = max(s["s"] + s["d"] for track in wire["t"] for s in track["sg"])
    assert result.frames == plan.frames == round(end * plan.fps / 1000) == len(DecodedVideo(path))
    assert plan.samples in (0, end * 48)
    if plan.samples:
        assert 0 <= len(read_samples(path)) - plan.samples < 1024
