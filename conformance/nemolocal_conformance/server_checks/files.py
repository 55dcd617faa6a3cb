"""Section 8 once more: the file that comes out (REN-7, REN-8), read by its bytes alone."""

import struct
from collections.abc import Iterator

from nemolocal_contract import endpoints as wire

from ..check import check
from ..expectations import expect, expect_that
from ..peer import Answer
from ..samples import CLIP_SECONDS, CLIP_SIZE
from ..stage import Stage

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}


def _boxes(body: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MP4, inner ones after their outer one: type, start and end of the content."""
    end = len(body) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", body[start : start + 8])
        size = end - start if size == 0 else size
        if size < 8:
            return
        yield kind, start + 8, start + size
        if kind in _CONTAINERS:
            yield from _boxes(body, start + 8, start + size)
        start += size


def _file(stage: Stage) -> Answer:
    url = str(stage.rendered["output"]["url"])
    return stage.peer.call("GET", url, attributed=False)


@check("render.file.served", "REN-8", needs="render")
def url_needs_no_header(stage: Stage) -> None:
    """`output.url` MUST give the file without any header, whole."""
    answer = _file(stage)
    expect("the HTTP status", answer.status, 200)
    expect("the end of the body", answer.ending, "complete")


@check("render.file.size", "REN-4", needs="render")
def size_is_the_files(stage: Stage) -> None:
    """`output.size` MUST be the number of bytes of the file, where it is told."""
    size = stage.rendered["output"].get("size", len(_file(stage).body))
    expect("output.size", size, len(_file(stage).body))


@check("render.file.mp4", "REN-7", needs="render")
def file_is_mp4_with_its_index_first(stage: Stage) -> None:
    """The file MUST be MP4 with `moov` before `mdat`."""
    kinds = [kind for kind, _, _ in _boxes(_file(stage).body)]
    expect("the first box", kinds[:1], [b"ftyp"])
    expect_that("boxes", b"moov" in kinds and b"mdat" in kinds, "moov and mdat", kinds)
    expect_that("boxes", kinds.index(b"moov") < kinds.index(b"mdat"), "moov first", kinds)


@check("render.file.codecs", "REN-7", needs="render")
def file_is_h264_and_aac(stage: Stage) -> None:
    """The file MUST hold H.264, and AAC where there is sound."""
    body = _file(stage).body
    described = [
        body[start + 12 : start + 16] for kind, start, _ in _boxes(body) if kind == b"stsd"
    ]
    expect("codecs", sorted(described), [b"avc1", b"mp4a"])


@check("render.file.pixels", "REN-7", needs="render")
def file_has_the_size_of_the_clip(stage: Stage) -> None:
    """A small clip MUST come out in its own size."""
    body = _file(stage).body
    sizes = [
        tuple(side >> 16 for side in struct.unpack(">II", body[end - 8 : end]))
        for kind, _, end in _boxes(body)
        if kind == b"tkhd"
    ]
    expect_that("sizes of tracks", CLIP_SIZE in sizes, str(CLIP_SIZE), sizes)


@check("render.file.duration", "REN-7", needs="render")
def file_is_as_long_as_the_draft(stage: Stage) -> None:
    """The file MUST be as long as the draft, to a few hundredths of a second."""
    body = _file(stage).body
    lengths = [
        units / scale
        for kind, start, _ in _boxes(body)
        if kind == b"mvhd"
        for scale, units in [struct.unpack(">II", body[start + 12 : start + 20])]
    ]
    length = lengths[0] if lengths else 0.0
    expect_that("seconds", abs(length - CLIP_SECONDS) < 0.1, f"{CLIP_SECONDS}", length)


@check("render.file.range", "REN-8", needs="render", assumed=True)
def download_can_be_resumed(stage: Stage) -> None:
    """A download SHOULD be resumed by a Range header: HTTP 206 and the rest."""
    whole = _file(stage).body
    url = str(stage.rendered["output"]["url"])
    answer = stage.peer.call("GET", url, attributed=False, headers={"Range": "bytes=100-"})
    expect("the HTTP status", answer.status, 206)
    expect_that("the body", answer.body == whole[100:], "the rest", len(answer.body))


@check("render.file.fallback", "REN-8", needs="render")
def fallback_is_the_same_file(stage: Stage) -> None:
    """The fallback download MUST give the same bytes as `output.url`."""
    answer = stage.call(wire.RENDER_DOWNLOAD, render=stage.rendered["id"])
    expect("the HTTP status", answer.status, 200)
    expect_that("the body", answer.body == _file(stage).body, "the same bytes", len(answer.body))
