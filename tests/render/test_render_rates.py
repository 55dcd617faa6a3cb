"""Films move as smoothly as the smoothest of their clips, and say where clips differ."""

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.job import render
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg
from tests.support.profiles import examples

NTSC = Fraction(30000, 1001)


def planned(rates: list[float], output: OutputSpec | None = None, **metadata: Any) -> RenderPlan:
    """The plan of a clip of each rate, 0 for a still; every second one lies above the others."""
    sources = {
        str(n): MediaSource(
            Path(f"/media/{n}"),
            MediaInfo("video" if fps else "image", "mp4", 9.0, 640, 360, fps),
        )
        for n, fps in enumerate(rates)
    }
    tracks = [
        {"tt": 0, "sg": [{"src": str(n), "s": n * 1000, "d": 1000}]} for n in range(len(rates))
    ]
    draft = draft_from_wire({"t": tracks, "m": metadata})
    return plan_render(draft, sources, output or OutputSpec())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rates", "fps", "named"),
    [
        ([30.0], 30, ""),
        ([29.97], NTSC, ""),
        ([15.0], 15, ""),
        ([1.0], 1, ""),
        ([0.0], 30, ""),
        ([0.0, 25.0], 25, ""),
        ([1.0, 30.0], 30, "1"),
        ([30.0, 1.0], 30, "1"),
        ([24.0, 29.97, 25.0], NTSC, "24, 25"),
        ([30.0, 60.0], 60, "30"),
        ([240.0], 60, "240"),
        ([30.0, 119.88], 60, "119.9, 30"),
        # Means of what comes at any time: recordings of screens, and of telephones in the dark.
        ([7.31], 30, "7.31"),
        ([5.4545], 30, "5.455"),
        ([0.00055], 30, "0.00055"),
        ([23.2], 30, "23.2"),
        ([24.61], 30, "24.61"),
        ([45.3], Fraction(48000, 1001), "45.3"),
        ([7.31, 24.0], 30, "24, 7.31"),
    ],
)
def test_the_smoothest_clip_rules_the_film(rates: list[float], fps: Any, named: str) -> None:
    plan = planned(rates)
    assert plan.fps == fps
    said = f"draft.m.fps: clips of {named} frames a second are shown at {float(fps):.4g}"
    assert plan.warnings == ((said,) if named else ())


@pytest.mark.slow
@settings(max_examples=examples(30, 500))
@given(st.lists(st.floats(0.1, 1000) | st.just(0.0), min_size=1, max_size=4))
def test_no_clip_loses_pictures_that_a_screen_shows(rates: list[float]) -> None:
    plan = planned(rates)
    assert plan.fps <= 60
    for rate in rates:
        assert plan.fps >= min(rate, 60) * 0.995


def test_what_is_asked_for_comes_first() -> None:
    assert planned([24.0, 60.0], fps=25).fps == 25
    assert planned([24.0, 60.0], OutputSpec(fps=24), fps=25).fps == 24


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("speed", "shown"), [(1, 12), pytest.param(0.25, 3, marks=pytest.mark.slow)]
)
def test_slow_motion_is_shown_at_the_rate_of_the_film(
    tmp_path: Path, media_cache: MediaCache, speed: float, shown: int
) -> None:
    """A clip of 240 pictures a second, in which every 40th of a second has its own brightness."""
    scene = "color=black:s=64x36:r=240:d=1,geq=lum='16+200*floor(T*40)/40':cb=128:cr=128"
    how = "-c:v libx264 -preset ultrafast -crf 1".split()
    arguments = ["-f", "lavfi", "-i", scene, *how]
    path = media_cache.file("fast.mov", lambda out: run_ffmpeg(*arguments, out), arguments)
    fast = MediaSource(path, MediaInfo("video", "mov", 1.0, 64, 36, 240.0, "h264", "yuv420p"))
    wire = {"t": [{"tt": 0, "sg": [{"src": "x", "s": 0, "d": 300, "sp": speed}]}]}
    plan = plan_render(draft_from_wire(wire), {"x": fast})
    out = tmp_path / "out.mp4"
    asyncio.run(render(plan, out, workdir=tmp_path / "work", on_progress=lambda _: None))
    seen = DecodedVideo(out)
    assert len(seen) == 18
    levels = [round((seen.luma(n, 0.5, 0.5) - 16) / 5) for n in range(18)]
    assert levels == sorted(levels)
    assert len(set(levels)) == shown
