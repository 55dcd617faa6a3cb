"""The media of fixtures/media are made by their script, and every file of them can be rendered."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.media import ACCEPTED
from nemolocal_render.inspection import inspect_media
from nemolocal_render.job import RenderResult, render
from nemolocal_render.plan import OutputSpec, Source, plan_render

SCRIPT = Path(__file__).parents[2] / "fixtures" / "media" / "make.py"
PIECE_MS = 100
FROM_MS = 500
# Their pictures have no counter that could be read.
UNREADABLE = {"clear.png", "clear.webp", "still.gif", "moving.gif", "broken-tail.jpg"}

Files = dict[str, Source]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the script filled, and the table that it printed."""
    folder = tmp_path_factory.mktemp("fixtures")
    command = [sys.executable, str(SCRIPT), str(folder)]
    return folder, subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def files(made: tuple[Path, str], fixture_script: Callable[[str], Any]) -> Files:
    """Every file as a source, by its name."""
    paths = [made[0] / name for name in fixture_script("media/make.py").NAMES]
    return {path.name: Source(path, inspect_media(path, path.suffix[1:])) for path in paths}


def test_there_is_media_of_every_accepted_kind_and_of_many_codecs(
    made: tuple[Path, str], files: Files
) -> None:
    rows = {line.split()[0]: line.split()[1] for line in made[1].splitlines()[1:]}
    assert rows == {name: source.info.kind for name, source in files.items()}
    infos = [source.info for source in files.values()]
    assert {info.extension for info in infos} == set(ACCEPTED)
    pictures = {info.video_codec for info in infos}
    assert pictures >= {"h264", "hevc", "vp8", "vp9", "av1", "prores", "mpeg4", "mjpeg"}
    sounds = {info.audio_codec.removesuffix("float") for info in infos}
    assert sounds >= {"aac", "mp3", "opus", "vorbis", "flac", "alac", "ac3", "pcm_s16le", ""}
    assert max(info.width for info in infos) == 3840
    assert {info.color_transfer for info in infos} >= {"smpte2084", "arib-std-b67"}


def test_one_draft_over_every_file(
    files: Files, tmp_path: Path, pictures: Any, samples: Any, fixture_script: Callable[[str], Any]
) -> None:
    seen = [name for name, source in files.items() if source.info.kind != "audio"]
    heard = [name for name, source in files.items() if source.info.has_audio]
    path, result = draw(
        [{"tt": 0, "sg": row(seen, files)}, {"tt": 1, "sg": row(heard, files)}], files, tmp_path
    )
    assert result.warnings == ()
    shown = pictures(path)
    assert len(shown) == result.frames == 3 * max(len(seen), len(heard))
    assert abs(len(samples(path)) - 4800 * max(len(seen), len(heard))) <= 1024
    read = counters(shown, seen, fixture_script("goldens/expected.py"))
    moving = {name for name in read if files[name].info.kind == "video"} - {"each-second.avi"}
    wanted = {name: 15 if name in moving else 0 for name in read}
    assert {n: c for n, c in read.items() if abs(c - wanted[n]) > (wanted[n] > 0) * 5} == {}


def row(names: list[str], files: Files) -> list[dict[str, Any]]:
    """A short piece of each file, one behind the other, quiet enough to be many at once."""
    return [
        {"src": name, "s": index * PIECE_MS, "d": PIECE_MS, "v": 0.3}
        | ({"ss": FROM_MS} if files[name].info.kind != "image" else {})
        for index, name in enumerate(names)
    ]


def counters(shown: Any, names: list[str], expected: Any) -> dict[str, int]:
    """What the counter says in the middle of each file's piece."""
    points = list(expected.counter_points(expected.WHOLE, 0))
    return {
        name: int("".join("01"[shown.luma(3 * n + 1, x, y) > 110] for x, y in points), 2)
        for n, name in enumerate(names)
        if name not in UNREADABLE
    }


def draw(tracks: list[Any], files: Files, folder: Path) -> tuple[Path, RenderResult]:
    wire = {"t": tracks, "m": {"width": 320, "height": 180, "fps": 30}}
    plan = plan_render(draft_from_wire(wire), files, OutputSpec("low"))
    destination = folder / "render.mp4"
    work = render(plan, destination, workdir=folder / "work", on_progress=lambda _: None)
    return destination, asyncio.run(work)


def test_texts_of_many_scripts_are_drawn_or_their_font_is_asked_for(
    made: tuple[Path, str], files: Files, tmp_path: Path, pictures: Any, fixture_script: Any
) -> None:
    names = list(fixture_script("media/make.py").TEXTS)
    texts = [(made[0] / f"{name}.txt").read_text(encoding="utf-8") for name in names]
    style = {"pos": "center", "size": 120}
    titles = [{"s": n * 200, "d": 200, "txt": text, "st": style} for n, text in enumerate(texts)]
    path, result = draw([{"tt": 7, "sg": titles}], files, tmp_path)
    lacking = {warning.partition(": ")[0]: warning for warning in result.warnings}
    assert all("no font here can draw" in warning for warning in lacking.values())
    shown = pictures(path)
    for n, name in enumerate(names):
        whole = f"draft.t[0].sg[{n}].txt" not in lacking
        lit = shown.brightest(6 * n + 3, 0, 0.2, 1, 0.8) > 150
        assert lit or not whole, name
    assert {"arabic", "hebrew", "mixed"} <= {
        name for n, name in enumerate(names) if f"draft.t[0].sg[{n}].txt" not in lacking
    }
