"""Three laws of uploads, over containers in which all goes wrong that can.

What is accepted can be exported, whatever the cut. Length, size and rate are those that decoding
finds. What is left out is told.
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.job import render
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.containers import Recipe
from tests.support.decoding import agrees, decode
from tests.support.odd_containers import Odd, odd_containers
from tests.support.profiles import examples

FPS = 30
# Of one render: so many files are cut and put one behind the other.
BATCH = examples(4, 20)
_LEAST = 0.02
CUTS = st.tuples(st.floats(0, 1), st.floats(0.05, 1), st.sampled_from([0.5, 1.0, 2.0]))


def look(odd: Odd, folder: Path, name: str = "x") -> tuple[Path, MediaInfo | str]:
    """The file, and what is found in it or the reason against it."""
    path = odd.write(folder / f"{name}.{odd.recipe.extension}")
    try:
        return path, inspect_media(path, odd.recipe.extension)
    except MediaRejected as reason:
        return path, str(reason)


# A picture that claims to last for four seconds, in a file that claims to last a tenth of one.
LONG_CLAIM = Odd(Recipe("mkv", pictures=(0,), sounds=(0, 20, 40, 60, 80)), claim=(1, 4e9))


@pytest.mark.slow
@given(odd_containers())
@example(LONG_CLAIM)
@settings(max_examples=examples(15, 2000))
def test_the_figures_are_those_of_decoding(odd: Odd) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, info = look(odd, Path(folder))
        if isinstance(info, MediaInfo):
            truth = decode(path, info)
            longest = max(odd.recipe.lasting, default=0) / 1000
            cut = longest if odd.kept < 1 else None
            assert agrees(info, truth, cut), (info, truth)
            assert (info.width, info.height) == truth.size
        else:
            # Only bytes that are missing or changed make a bad file of one that is long enough.
            assert odd.changed or odd.recipe.length < 0.03, info


# Its last frame may last as long as the one before.
LONG_LAST = Odd(Recipe("webm", pictures=(0, 4, 5008), sounds=()))


@pytest.mark.slow
@given(odd_containers())
@example(LONG_LAST)
@settings(max_examples=examples(10, 2000))
def test_what_is_left_out_is_told(odd: Odd) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _, info = look(odd, Path(folder))
    if isinstance(info, str):
        return
    said = " ".join(info.left_out)
    if odd.recipe.sounds and not info.has_audio and odd.kept == 1:
        assert "(audio" in said
        assert "is left out" in said
    if not odd.changed:
        assert info.left_out == ()


@pytest.mark.slow
@pytest.mark.ffmpeg
@given(st.lists(st.tuples(odd_containers(), CUTS), min_size=BATCH, max_size=BATCH))
@settings(
    max_examples=examples(1, 2000 // BATCH),
    suppress_health_check=[*HealthCheck],
)
def test_what_is_accepted_can_be_exported_whatever_the_cut(
    check_here: Callable[[], None], batch: list[tuple[Odd, tuple[float, float, float]]]
) -> None:
    check_here()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources: dict[str, MediaSource] = {}
        seen: list[dict[str, Any]] = []
        heard: list[dict[str, Any]] = []
        at = 0
        for number, (odd, (begin, share, speed)) in enumerate(batch):
            path, info = look(odd, folder, str(number))
            if isinstance(info, str):
                continue
            sources[path.name] = MediaSource(path, info)
            start = begin * info.duration * 0.9
            start = min(start, max(info.duration - _LEAST, 0.0))
            length = min(max(share * (info.duration - start), _LEAST), info.duration, 2.0)
            segment = {
                "s": at,
                "d": length / speed * 1000,
                "src": path.name,
                "ss": start * 1000,
                "sp": speed,
            }
            (heard if info.kind == "audio" else seen).append(segment)
            at += round(length / speed * 1000) + 40
        if at - 40 < 1000 / FPS:
            return  # Nothing was accepted, or less than a frame is asked for.
        tracks = [{"tt": kind, "sg": sg} for kind, sg in ((0, seen), (1, heard)) if sg]
        draft = draft_from_wire({"t": tracks, "m": {"width": 64, "height": 36, "fps": FPS}})
        plan = plan_render(draft, sources, OutputSpec("low"))
        work = render(plan, folder / "out.mp4", workdir=folder, on_progress=lambda _: None)
        assert asyncio.run(work).frames == plan.frames
