"""Which bytes of an MP4 a part of it needs: those of a few packets, or all where that is unsafe."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from nemolocal_render.probing.packet_index import (
    PacketGroup,
    PacketIndex,
    index_packets,
    merge_ranges,
)
from nemolocal_render.probing.probe_worker import ProbeWorkerOutput, inspect_packets, main
from tests.support.media import MediaCache, run_ffmpeg

SIZE = 4_000_000


def box(kind: bytes, content: bytes = b"", length: int | None = None) -> bytes:
    size = 8 + len(content) if length is None else length
    return size.to_bytes(4) + kind + content


FILE = box(b"ftyp", b"isom") + box(b"moov", b"m" * 40) + box(b"mdat", b"p" * 1000)


def entry(ticks: int, pos: int, size: int = 10, *, key: bool = False) -> SimpleNamespace:
    return SimpleNamespace(timestamp=ticks, pos=pos, size=size, is_keyframe=key)


def stream(entries: list[SimpleNamespace], codec: str = "h264", delay: int = 0) -> SimpleNamespace:
    context = SimpleNamespace(name=codec, has_b_frames=delay)
    return SimpleNamespace(index_entries=entries, time_base=Fraction(1, 10), codec_context=context)


class _Streams(list[SimpleNamespace]):
    video: list[SimpleNamespace]


def container(*videos: SimpleNamespace, chapters: int = 0, start: int = 0) -> Any:
    streams = _Streams(videos)
    streams.video = [*videos]
    return SimpleNamespace(streams=streams, chapters=lambda: [{}] * chapters, start_time=start)


def packets(count: int = 40, *, every: int = 20, begin: int = 76) -> list[SimpleNamespace]:
    """Ten packets of 20 bytes in a second, with a key frame in each `every`."""
    return [entry(n, begin + 20 * n, 20, key=n % every == 0) for n in range(count)]


def index_of(tmp_path: Path, found: Any, content: bytes = FILE) -> PacketIndex | None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    return index_packets(found, path)


def test_packets_are_grouped_by_key_frames_and_quarters_of_a_second(tmp_path: Path) -> None:
    index = index_of(tmp_path, container(stream(packets()), start=500_000))
    assert index is not None
    assert (index.start, index.early, index.read_ahead) == (500_000, 0, 2_925_000)
    assert index.head == (((0, 76 + 10 * 20),))
    groups = index.groups
    assert groups[0] == PacketGroup(0, 76, 76 + 60, True)
    assert groups[1] == PacketGroup(300_000, 76 + 60, 76 + 120, False)
    assert [group.time for group in groups if group.is_key] == [0, 2_000_000]
    # They are all of the packets, each once.
    assert groups[-1].end == 76 + 40 * 20
    assert all(a.end == b.begin for a, b in pairwise(groups))


@pytest.mark.parametrize(
    ("codec", "delay", "early", "first"),
    [("h264", 2, 0, 10), ("h264", 3, 0, 24), ("hevc", 2, 195_000, 10)],
)
def test_reordered_frames_are_sought_earlier_and_read_further(
    tmp_path: Path, codec: str, delay: int, early: int, first: int
) -> None:
    index = index_of(tmp_path, container(stream(packets(), codec, delay)))
    assert index is not None
    assert (index.early, index.head) == (early, ((0, 76 + first * 20),))


SPREAD = [entry(n, n % 2 * (SIZE - 100), 20, key=n == 0) for n in range(8)]
MANY = [entry(n * 3, 76, 1, key=True) for n in range(40_002)]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(container(), id="no video"),
        pytest.param(container(stream(packets()), stream(packets())), id="two videos"),
        pytest.param(container(SimpleNamespace()), id="a PyAV without an index"),
        pytest.param(container(stream(packets()), chapters=1), id="chapters"),
        pytest.param(container(stream(packets(), "vp9")), id="another codec"),
        pytest.param(container(stream(packets(1))), id="one packet"),
        pytest.param(container(stream(packets()[1:])), id="begins without a key frame"),
        pytest.param(container(stream(packets()[::-20])), id="backwards"),
        pytest.param(container(stream([entry(0, 0, key=True)] * 3)), id="no time passes"),
        pytest.param(container(stream(packets(begin=SIZE))), id="beyond the end"),
        pytest.param(container(stream([*packets(), entry(50, 90, 0)])), id="an empty packet"),
        pytest.param(container(stream(SPREAD)), id="packets all over the file"),
        pytest.param(container(stream(MANY)), id="too many key frames"),
    ],
)
def test_a_file_is_read_as_a_whole_where_its_packets_do_not_say_enough(
    tmp_path: Path, found: Any
) -> None:
    padded = FILE + box(b"free", b"\0" * (SIZE - len(FILE) - 8))
    assert index_of(tmp_path, found, padded) is None
    assert index_of(tmp_path, container(stream(packets())), padded) is not None


FTYP, MOOV, MDAT = FILE[:12], FILE[12:60], FILE[60:]
LONG = (1).to_bytes(4) + b"mdat" + (16 + 992).to_bytes(8) + b"p" * 992


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (FILE, 77),
        # The index behind the packets is read too, after a box with a long length.
        (FTYP + LONG + MOOV, 12 + 1008 + 48),
        # A length of 0 is the rest of the file; one beyond the end is cut there.
        (FTYP + MOOV + box(b"mdat", b"p" * 1000, 0), 77),
        (FTYP + MOOV + box(b"mdat", b"p" * 1000, 99_999), 77),
    ],
)
def test_all_but_the_packets_is_always_read(tmp_path: Path, content: bytes, end: int) -> None:
    plain = [entry(n, 76, 1, key=n == 0) for n in range(4)]
    index = index_of(tmp_path, container(stream(plain)), content)
    assert index is not None
    assert index.head == ((0, end),)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(FILE + box(b"moof"), id="fragments"),
        pytest.param(FTYP + MDAT, id="no index"),
        pytest.param(FTYP + MOOV, id="no packets"),
        pytest.param(FTYP + box(b"moov", b"", 4) + MDAT, id="a box shorter than its header"),
        pytest.param(b"\0" * 2000, id="no boxes"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_file_of_other_boxes_is_read_as_a_whole(tmp_path: Path, content: bytes) -> None:
    assert index_of(tmp_path, container(stream(packets())), content) is None


def test_an_empty_range_asks_for_nothing() -> None:
    assert merge_ranges([(500, 500), (10, 20), (12, 15)], gap=5) == [(10, 20)]


def test_a_window_begins_at_the_key_frame_before_it() -> None:
    groups = tuple(
        PacketGroup(n * 1_000_000, n * 1_000_000, (n + 1) * 1_000_000, n % 3 == 0)
        for n in range(12)
    )
    index = PacketIndex(0, 0, 1_000_000, ((0, 500),), groups)
    million = 1_000_000
    assert index.ranges([]) == [(0, 500)]
    assert index.ranges([(4.5, 5.0)]) == [(0, 500), (3 * million, 6 * million)]
    late = msgspec.structs.replace(index, early=2 * million)
    assert late.ranges([(4.5, 5.0)]) == [(0, 6 * million)]
    assert index.ranges([(9.0, 99.0), (3.0, 3.1)]) == [
        (0, 500),
        (3 * million, 5 * million),
        (9 * million, 12 * million),
    ]


@pytest.fixture
def clip(media_cache: MediaCache) -> Path:
    """Three seconds with a key frame in each, and sound."""
    recipe = (
        *("-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-c:a", "aac"),
    )
    return media_cache.file("keyed.mp4", lambda into: run_ffmpeg(*recipe, into), recipe)


@pytest.mark.ffmpeg
def test_the_index_of_a_real_file_is_told_by_the_child(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["index", str(clip), "mp4"])
    told = msgspec.json.decode(capsys.readouterr().out, type=ProbeWorkerOutput)
    index = inspect_packets(clip, "mp4")
    assert index is not None
    assert told == ProbeWorkerOutput(index=index)
    assert [group.time for group in index.groups if group.is_key] == [0, 1_000_000, 2_000_000]
    assert index.read_ahead == 1_184_000  # of 75 packets in 2.96 s, thirty
    content = clip.read_bytes()
    for group in index.groups:
        # Each packet of H.264 in MP4 begins with the length of its first NAL unit.
        assert int.from_bytes(content[group.begin : group.begin + 4]) < group.end - group.begin


@pytest.mark.parametrize("content", [b"", b"not a video", FILE], ids=["empty", "text", "no tracks"])
def test_what_cannot_be_opened_is_read_as_a_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    assert inspect_packets(path, "mp4") is None


def test_a_still_image_has_no_index(media: Path) -> None:
    assert inspect_packets(media / "small.png", "png") is None
