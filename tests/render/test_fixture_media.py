"""The media of fixtures/media are made by their script, and every file of them can be rendered."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fixtures.goldens.expected import WHOLE, counter_points
from fixtures.media.make import NAMES, TEXTS, describe
from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.media import ACCEPTED_EXTENSIONS
from nemolocal_render.job import RenderResult, render
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
from nemolocal_render.probing.probe_worker import inspect_media
from tests.support.audio import read_samples
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

PIECE_MS = 100
FROM_MS = 500
# Their pictures have no counter that could be read.
UNREADABLE = {"clear.png", "clear.webp", "still.gif", "moving.gif", "broken-tail.jpg"}
TABLE = "table.txt"

Files = dict[str, MediaSource]


def files_in(folder: Path) -> Files:
    """Every media file of a folder as a source, by its name."""
    paths = [folder / name for name in NAMES if (folder / name).exists()]
    return {path.name: MediaSource(path, inspect_media(path, path.suffix[1:])) for path in paths}


@pytest.mark.slow
def test_there_is_media_of_every_accepted_kind_and_of_many_codecs(all_clips: Path) -> None:
    files = files_in(all_clips)
    assert set(files) == set(NAMES)
    table = (all_clips / TABLE).read_text(encoding="utf-8").splitlines()
    rows = {line.split()[0]: line.split()[1] for line in table[1:]}
    assert rows == {name: source.info.kind for name, source in files.items()}
    infos = [source.info for source in files.values()]
    assert {info.extension for info in infos} == set(ACCEPTED_EXTENSIONS)
    pictures = {info.video_codec for info in infos}
    assert pictures >= {"h264", "hevc", "vp8", "vp9", "av1", "prores", "mpeg4", "mjpeg"}
    sounds = {info.audio_codec.removesuffix("float") for info in infos}
    assert sounds >= {"aac", "mp3", "opus", "vorbis", "flac", "alac", "ac3", "pcm_s16le", ""}
    assert max(info.width for info in infos) == 3840
    assert {info.color_transfer for info in infos} >= {"smpte2084", "arib-std-b67"}


@pytest.mark.slow
def test_a_table_of_media_tells_what_probing_finds(basic_clips: Path) -> None:
    files = files_in(basic_clips)
    head, *rows = describe(basic_clips, files).splitlines()
    assert head.split() == ["file", "what", "size", "rate", "seconds", "codecs", "bytes"]
    assert {row.split()[0]: row.split()[1] for row in rows} == {
        name: source.info.kind for name, source in files.items()
    }


@pytest.mark.slow
def test_one_draft_over_the_files_that_are_made_quickly(basic_clips: Path, tmp_path: Path) -> None:
    require_all_in_one_draft(files_in(basic_clips), tmp_path)


@pytest.mark.slow
def test_one_draft_over_every_file(all_clips: Path, tmp_path: Path) -> None:
    require_all_in_one_draft(files_in(all_clips), tmp_path)


def require_all_in_one_draft(files: Files, folder: Path) -> None:
    seen = [name for name, source in files.items() if source.info.kind != "audio"]
    heard = [name for name, source in files.items() if source.info.has_audio]
    path, result = draw(
        [{"tt": 0, "sg": row(seen, files)}, {"tt": 1, "sg": row(heard, files)}], files, folder
    )
    assert result.warnings == ()
    shown = DecodedVideo(path)
    assert len(shown) == result.frames == 3 * max(len(seen), len(heard))
    assert abs(len(read_samples(path)) - 4800 * max(len(seen), len(heard))) <= 1024
    read = counters(shown, seen)
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


def counters(shown: DecodedVideo, names: list[str]) -> dict[str, int]:
    """What the counter says in the middle of each file's piece."""
    points = list(counter_points(WHOLE, 0))
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


@pytest.mark.slow
def test_texts_of_many_scripts_are_drawn_or_their_font_is_asked_for(tmp_path: Path) -> None:
    names, texts = list(TEXTS), list(TEXTS.values())
    style = {"pos": "center", "size": 120}
    titles = [{"s": n * 200, "d": 200, "txt": text, "st": style} for n, text in enumerate(texts)]
    path, result = draw([{"tt": 7, "sg": titles}], {}, tmp_path)
    lacking = {warning.partition(": ")[0]: warning for warning in result.warnings}
    assert all("no font can draw" in warning for warning in lacking.values())
    shown = DecodedVideo(path)
    for n, name in enumerate(names):
        whole = f"draft.t[0].sg[{n}].txt" not in lacking
        lit = shown.brightest(6 * n + 3, 0, 0.2, 1, 0.8) > 150
        assert lit or not whole, name
    assert {"arabic", "hebrew", "mixed"} <= {
        name for n, name in enumerate(names) if f"draft.t[0].sg[{n}].txt" not in lacking
    }
