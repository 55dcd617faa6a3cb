"""A part of a copy with holes is that of the whole file, or FFmpeg complains."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_farm import source_ranges
from nemolocal_farm.source_cache import subtract_ranges
from nemolocal_farm.source_ranges import SourceRanges, read_windows
from nemolocal_render.command_runs import run_command
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources, render_command
from nemolocal_render.media import MediaInfo, MediaSource
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.planner import OutputSpec, plan_render
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.media_probe import read_packet_index
from nemolocal_render.probing.packet_index import (
    ByteRange,
    PacketGroup,
    PacketIndex,
    merge_ranges,
)
from nemolocal_render.probing.probe_worker import inspect_media
from nemolocal_render.render_progress import ProgressRange
from tests.support.media import MediaCache, run_ffmpeg

SECONDS = 24
MACHINE = EncodeResources("libx264", 2, is_repeatable=True)


class Kind(NamedTuple):
    """How a source is encoded."""

    name: str
    arguments: tuple[str, ...]


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", "-c:a", "aac")
PHONE = Kind("phone.mov", (*X264, "-g", "30", "-bf", "0", "-timecode", "00:00:00:00"))
REORDERED = Kind("reordered.mp4", (*X264, "-preset", "fast", "-g", "50", "-bf", "5"))
OPEN_GROUPS = Kind(
    "open.mp4",
    ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-g", "48", "-c:a", "aac"),
)
INDEX_FIRST = Kind("first.mp4", (*X264, "-g", "250", "-movflags", "+faststart"))
FRAGMENTED = Kind("fragmented.mp4", (*X264, "-movflags", "frag_keyframe+empty_moov"))
WEBM = Kind("clip.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "100k", "-an"))


def test_ranges_are_merged_and_subtracted() -> None:
    assert merge_ranges([(50, 60), (0, 10), (8, 20), (25, 30)], gap=5) == [(0, 30), (50, 60)]
    assert subtract_ranges([(0, 30), (50, 60)], [(5, 10), (20, 55)]) == [(0, 5), (10, 20), (55, 60)]
    assert subtract_ranges([(0, 30)], [(0, 30)]) == []
    assert subtract_ranges([(5, 9)], []) == [(5, 9)]


@pytest.fixture
def make(media_cache: MediaCache, request: pytest.FixtureRequest) -> MediaSource:
    kind: Kind = request.param
    scene = f"testsrc2=s=320x180:r=25:d={SECONDS}"
    tone = f"sine=f=440:r=48000:d={SECONDS}"
    recipe = ("-f", "lavfi", "-i", scene, "-f", "lavfi", "-i", tone, *kind.arguments)
    path = media_cache.file(kind.name, lambda into: run_ffmpeg(*recipe, into), recipe)
    extension = path.suffix[1:]
    return MediaSource(path, inspect_media(path, extension))


def parts_of(source: MediaSource, *clips: dict[str, object]) -> list[RenderPlan]:
    """A render of the clips in parts of 10 s."""
    segments = [{"src": "clip", **clip} for clip in clips or [{"s": 0, "d": SECONDS * 1000}]]
    draft = draft_from_wire({"t": [{"tt": 0, "sg": segments}], "m": {"width": 320, "height": 180}})
    return split_by_seconds(plan_render(draft, {"clip": source}, OutputSpec("low")), 10.0)


def with_source(plan: RenderPlan, source: MediaSource) -> RenderPlan:
    layers = tuple(
        tuple(
            msgspec.structs.replace(
                picture, clip=msgspec.structs.replace(picture.clip, source=source)
            )
            for picture in layer
        )
        for layer in plan.layers
    )
    return msgspec.structs.replace(plan, layers=layers)


def sparse_copy(path: Path, ranges: Sequence[ByteRange], copy: Path) -> Path:
    whole = path.read_bytes()
    with copy.open("wb") as out:
        out.truncate(len(whole))
        for begin, end in ranges:
            out.seek(begin)
            out.write(whole[begin:end])
    return copy


def rendered(folder: Path, plan: RenderPlan) -> tuple[bytes, str]:
    """The file, and what FFmpeg complains about."""
    folder.mkdir(exist_ok=True)
    stage = ProgressRange(lambda _: None)
    command = render_command(plan, MACHINE, "x.mp4")
    try:
        complaint = asyncio.run(run_command(folder, plan, command, stage, MACHINE))
    except FFmpegFailed as failure:
        return b"", str(failure)
    return (folder / "x.mp4").read_bytes(), complaint


def ranges_of(part: RenderPlan, source: MediaSource) -> list[ByteRange]:
    size = source.path.stat().st_size
    found = asyncio.run(SourceRanges().of_part(part, source, size, "digest"))
    return [(each.begin, each.end) for each in found]


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize("make", [PHONE, REORDERED, OPEN_GROUPS, INDEX_FIRST], indirect=True)
def test_a_part_of_a_copy_with_holes_is_that_of_the_whole_file(
    make: MediaSource, tmp_path: Path
) -> None:
    for number, part in enumerate(parts_of(make)):
        ranges = ranges_of(part, make)
        assert ranges, "all of it is read"
        sparse = sparse_copy(make.path, ranges, tmp_path / f"{number}{make.path.suffix}")
        copied = with_source(part, msgspec.structs.replace(make, path=sparse))
        assert rendered(tmp_path / "copy", copied) == (rendered(tmp_path / "whole", part)[0], "")


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize("make", [PHONE], indirect=True)
def test_clips_from_anywhere_at_any_speed_read_no_hole(make: MediaSource, tmp_path: Path) -> None:
    clips: tuple[dict[str, object], ...] = (
        {"s": 0, "d": 3000, "ss": 15_517},
        {"s": 3000, "d": 4000, "ss": 2_000, "sp": 2.0},
        {"s": 7000, "d": 2000, "ss": 20_000, "fx": [{"type": "freeze"}]},
        {"s": 9000, "d": 1000, "ss": 23_000},
    )
    (whole,) = parts_of(make, *clips)
    part = msgspec.structs.replace(whole, audio_tracks=(), samples=0)
    ranges = ranges_of(part, make)
    assert 0 < sum(b - a for a, b in ranges) < 0.9 * make.path.stat().st_size
    sparse = sparse_copy(make.path, ranges, tmp_path / make.path.name)
    copied = with_source(part, msgspec.structs.replace(make, path=sparse))
    assert rendered(tmp_path / "copy", copied) == (rendered(tmp_path / "whole", part)[0], "")


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize("make", [PHONE, OPEN_GROUPS], indirect=True)
def test_a_packet_that_is_missing_does_not_pass_unnoticed(
    make: MediaSource, tmp_path: Path
) -> None:
    part = parts_of(make)[0]
    index = asyncio.run(read_packet_index(make.path, make.path.suffix[1:]))
    assert index is not None
    lost = index.groups[20]
    ranges = subtract_ranges(ranges_of(part, make), [(lost.begin, lost.end)])
    sparse = sparse_copy(make.path, ranges, tmp_path / make.path.name)
    copied = with_source(part, msgspec.structs.replace(make, path=sparse))
    assert rendered(tmp_path / "copy", copied)[1] != ""


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize("make", [FRAGMENTED, WEBM], indirect=True)
def test_a_file_without_an_index_of_its_packets_is_read_as_a_whole(make: MediaSource) -> None:
    assert ranges_of(parts_of(make)[0], make) == []


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize("make", [PHONE], indirect=True)
def test_what_is_read_backwards_is_read_as_a_whole(make: MediaSource) -> None:
    clip = {"s": 0, "d": 10_000, "fx": [{"type": "reverse"}]}
    (whole,) = parts_of(make, clip)
    part = msgspec.structs.replace(whole, audio_tracks=(), samples=0)
    assert any(picture.clip.reverse for layer in part.layers for picture in layer)
    assert read_windows(part, make) is None


VIDEO = MediaSource(Path("/media/clip.mp4"), MediaInfo("video", "mp4", 60.0, 640, 360, 25.0))
GROUPS = tuple(
    PacketGroup(n * 1_000_000, n * 100_000, (n + 1) * 100_000, is_key=True) for n in range(60)
)
INDEX = PacketIndex(0, 0, 1_000_000, ((0, 100),), GROUPS)


class Indexes:
    """Stands for what reads indexes; notes of which files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        monkeypatch.setattr(source_ranges, "read_packet_index", self._read)

    async def _read(self, path: Path, _: str) -> PacketIndex:
        self.read.append(path.name)
        return INDEX


def middle_of(source: MediaSource) -> RenderPlan:
    """Seconds 10 to 20 of a source."""
    parts = parts_of(source, {"s": 0, "d": 10_000, "ss": 10_000})
    return msgspec.structs.replace(parts[0], audio_tracks=(), samples=0)


def test_a_part_that_reads_nearly_all_of_a_file_gets_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Indexes(monkeypatch)
    source = msgspec.structs.replace(VIDEO, path=tmp_path / "clip.mp4")
    source.path.write_bytes(bytes(6_000_000))
    part = middle_of(source)

    def ranges(size: int) -> list[tuple[int, int]]:
        found = asyncio.run(SourceRanges().of_part(part, source, size, "digest"))
        return [(each.begin, each.end) for each in found]

    ((_, head), (begin, end)) = ranges(6_000_000)
    assert head == 100
    assert begin <= 1_000_000 < 2_000_000 <= end < 2_500_000
    assert ranges((end - begin + head) * 100 // 89) != []
    assert ranges((end - begin + head) * 100 // 91) == []


def test_a_part_with_sound_or_of_another_kind_of_source_gets_it_whole() -> None:
    part = middle_of(VIDEO)
    assert read_windows(part, VIDEO)
    with_sound = msgspec.structs.replace(part, audio_tracks=((),))
    assert read_windows(with_sound, VIDEO) is None
    assert asyncio.run(SourceRanges().of_part(with_sound, VIDEO, 100, "digest")) == ()
    for change in ({"kind": "image"}, {"picture_place": 1}):
        other = msgspec.structs.replace(VIDEO, info=msgspec.structs.replace(VIDEO.info, **change))
        assert read_windows(part, other) is None


def test_only_the_clips_of_a_source_count() -> None:
    other = msgspec.structs.replace(VIDEO, path=Path("/media/other.mp4"))
    assert read_windows(middle_of(VIDEO), other) == []
    ((picture,),) = middle_of(VIDEO).layers
    solid = msgspec.structs.replace(picture.clip, solid="red")
    coloured = msgspec.structs.replace(picture, clip=solid)
    part = msgspec.structs.replace(middle_of(VIDEO), layers=((coloured, picture),))
    assert read_windows(part, VIDEO) == read_windows(middle_of(VIDEO), VIDEO)


def test_an_index_is_read_once_and_the_least_recently_used_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes = Indexes(monkeypatch)
    monkeypatch.setattr(source_ranges, "_MOST_INDEXES", 2)
    sources = {}
    for name in "abc":
        sources[name] = msgspec.structs.replace(VIDEO, path=tmp_path / name)
        sources[name].path.write_bytes(bytes(6_000_000))

    async def ask(names: str) -> None:
        ranges = SourceRanges()
        for name in names:
            part = middle_of(sources[name])
            assert await ranges.of_part(part, sources[name], 6_000_000, name)

    asyncio.run(ask("aabab" + "cab"))
    # The third drops the one that was used before the last; then each drops the next one.
    assert indexes.read == ["a", "b", "c", "a", "b"]
