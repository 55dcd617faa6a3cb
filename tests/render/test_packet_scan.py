"""What the packets of a file say of its streams, also where they are damaged or have no times."""

import io
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

import av
import pytest

from nemolocal_render.probing import packet_scan
from nemolocal_render.probing.packet_scan import FileScan, StreamScan, read_audio_format
from nemolocal_render.probing.sniff import ImageHeader, read_image_header
from nemolocal_render.probing.stream_selection import StreamSelector
from nemolocal_render.probing.stream_timing import StreamTiming

MILLISECONDS = Fraction(1, 1000)


class Packet(bytearray):
    """A packet of 40 ms with these bytes, at a time stamp; it decodes to `frames`."""

    def __init__(self, content: bytes = b"x" * 16, at: int | None = 0, frames: Any = ()) -> None:
        super().__init__(content)
        self.pts = self.dts = at
        self.duration = 40
        self.pos: int | None = 500
        self.is_discard = False
        self.size = len(content)
        self._frames = frames

    def has_sidedata(self, name: str) -> bool:
        return name == "encryption_info" and self == b"secret"

    def decode(self) -> list[Any]:  # type: ignore[override]
        return list(self._frames)


def stream() -> Any:
    return SimpleNamespace(
        time_base=MILLISECONDS, duration=None, start_time=None, thread_type=None, index=0
    )


@pytest.mark.parametrize(
    ("codec", "start", "states"),
    [
        ("ac3", b"\x0b\x77\x00\x00\x1c\x40\x43\x00", (0, 2, 0)),
        ("ac3", b"\x00\x00\x00\x00\x1c\x40\x43\x00", None),
        ("flac", b"\xff\xf8\xc9\x18", (9, 1)),
        ("flac", b"\xff\xf8\xc9\x98", (9, 1)),
        ("flac", b"\x00\x00\xc9\x18", None),
    ],
)
def test_packet_without_the_mark_of_its_codec_states_no_format(
    codec: str, start: bytes, states: tuple[int, ...] | None
) -> None:
    assert read_audio_format(codec, Packet(start.ljust(64, b"\0"))) == states


def test_encrypted_stream_is_not_decoded() -> None:
    scan = StreamScan(stream())
    scan.feed(Packet(b"secret"))
    scan.feed(Packet(frames=[SimpleNamespace(pts=0, time_base=MILLISECONDS)]))
    scan.finish()
    assert "encrypted" in scan.unusable_reason
    assert (scan.frame, scan.timing.frame_count) == (None, 0)


def test_stream_that_never_decodes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_scan, "_MAX_UNDECODED_PACKETS", 3)
    scan = StreamScan(stream())
    for n in range(3):
        scan.feed(Packet(at=40 * n))
    assert scan.unusable_reason == ""
    scan.feed(Packet(at=120))
    assert scan.unusable_reason == "it cannot be decoded"


def test_frame_without_a_time_begins_with_its_packet() -> None:
    scan = StreamScan(stream())
    scan.feed(Packet(at=200, frames=[SimpleNamespace(pts=None, time_base=MILLISECONDS)]))
    scan.feed(Packet(at=240))
    scan.finish()
    assert (scan.timing.start, scan.timing.end) == (Fraction(1, 5), Fraction(7, 25))


def test_scan_within_its_limits_goes_on_and_ends_where_nothing_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Container:
        def demux(self, _: list[Any]) -> Iterator[Packet]:
            for n in range(5):
                yield Packet(at=40 * n)
            raise av.error.InvalidDataError(1, "damaged")

    monkeypatch.setattr(packet_scan, "_STRIDE", 2)
    scan = FileScan(StreamScan(stream()), None, 1000)
    packets = list(packet_scan._packets(cast(Any, Container()), scan))
    assert [packet.pts for packet in packets] == [0, 40, 80, 120, 160]
    assert scan.warnings == ()


def test_packets_out_of_order_count_from_the_earliest() -> None:
    timing = StreamTiming(MILLISECONDS)
    timing.set_first_frame(0)
    for at in (80, 0, 40):
        timing.add_packet(at, None, 40)
    assert (timing.frame_count, timing.start, timing.end) == (
        3,
        Fraction(0),
        Fraction(3, 25),
    )
    assert timing.estimate_fps([Fraction(25)]) == 25


def test_stream_begins_with_the_first_packet_that_has_a_time() -> None:
    timing = StreamTiming(MILLISECONDS)
    timing.add_packet(None, None, 40)
    timing.set_first_frame(None)
    timing.add_packet(500, None, 40)
    timing.add_packet(540, None, 40)
    timing.finish()
    assert (timing.frame_count, timing.start, timing.end) == (2, Fraction(1, 2), Fraction(29, 50))


def test_packets_without_times_follow_one_another() -> None:
    timing = StreamTiming(MILLISECONDS)
    timing.set_first_frame(None)
    for _ in range(25):
        timing.add_packet(None, None, 40)
    timing.finish()
    assert (timing.frame_count, timing.start, timing.end) == (25, Fraction(0), Fraction(1))
    assert timing.estimate_fps([]) == 25


class Streams(list[Any]):
    """The streams of a container."""

    @property
    def video(self) -> list[Any]:
        return [one for one in self if one.type == "video"]

    @property
    def audio(self) -> list[Any]:
        return [one for one in self if one.type == "audio"]


def container_of(*streams: Any, printed: str = "") -> Any:
    """A container whose streams FFmpeg prints so."""
    for index, one in enumerate(streams):
        one.index = index
    return SimpleNamespace(streams=Streams(streams), dumps_format=lambda: printed)


def track(kind: str, codec: str | None, **metadata: str) -> Any:
    context = None if codec is None else SimpleNamespace(name=codec)
    return SimpleNamespace(type=kind, codec_context=context, disposition=0, metadata=metadata)


def test_pictures_of_an_audio_file_are_left_out() -> None:
    selector = StreamSelector("m4a")
    chosen = selector.select(container_of(track("video", "h264"), track("audio", "aac")))
    assert (chosen.video, chosen.audio.index) == (None, 1)
    assert selector.warnings == ("track 1 (video) is left out: the file is used as audio",)


def test_encrypted_and_unknown_tracks_are_left_out_by_name() -> None:
    printed = (
        "  Stream #0:1(und): Audio: none (apac / 0x63617061), 48000 Hz\n"
        "  Stream #0:2(und): Audio: aac (mp4a / 0x6134706D), 48000 Hz\n"
        "  Stream #0:4: Audio: evrc (sevc / 0x63766573), 8000 Hz\n"
    )
    tracks = (
        track("video", "h264", enc_key_id="1"), track("audio", None), track("audio", "aac"),
        track("video", "h264"), track("audio", None),
    )  # fmt: skip
    selector = StreamSelector("mp4")
    chosen = selector.select(container_of(*tracks, printed=printed))
    assert (chosen.video.index, chosen.audio.index) == (3, 2)
    assert selector.warnings == (
        "track 1 (video) is left out: it is encrypted and cannot be decoded without its key",
        "track 2 (audio, apac) is left out: there is no decoder for it",
        "track 5 (audio, evrc, tag sevc) is left out: there is no decoder for it",
    )


SIZE = b"\xff\xc0\x00\x11\x08\x00\x24\x00\x40"


@pytest.mark.parametrize(
    ("markers", "found"),
    [
        (SIZE, ImageHeader(64, 36)),
        (b"\xff\x01\xff\xd0" + SIZE, ImageHeader(64, 36)),
        (b"\xff\xe0\x00\x04ab" * 999 + SIZE, ImageHeader(64, 36)),
        (b"\xff\xe0\x00\x04ab" * 1000 + SIZE, ImageHeader()),
    ],
    ids=["frame", "markers without content", "many segments", "too many segments"],
)
def test_size_of_a_jpeg_stands_after_its_other_segments(markers: bytes, found: ImageHeader) -> None:
    assert read_image_header(io.BytesIO(b"\xff\xd8" + markers), "jpg") == found
