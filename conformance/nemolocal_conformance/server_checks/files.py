"""Section 8 once more: the file that comes out (REN-7, REN-8), read by its bytes alone."""

import struct
from collections.abc import Iterator
from typing import Any

from nemolocal_contract import endpoints as wire

from ..check import check
from ..expectations import Unmet, expect, expect_that, field
from ..peer import Answer
from ..samples import CLIP_SECONDS, CLIP_SIZE
from ..stage import Stage

# Two frames of nothing but a word, as large as 4K.
_LARGE = {
    "t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 80, "txt": "4K"}]}],
    "d": 80,
    "m": {"width": 3840, "height": 2160, "fps": 25},
}
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


def seconds_of(body: bytes) -> float:
    """How long an MP4 says that it is, 0 where it says nothing."""
    for kind, start, end in _boxes(body):
        if kind == b"mvhd" and end - start >= 20:
            scale, units = struct.unpack(">II", body[start + 12 : start + 20])
            return float(units / scale) if scale else 0.0
    return 0.0


def _pixels(body: bytes) -> list[tuple[int, int]]:
    """The width and height of each track that has pictures."""
    tails = [body[end - 8 : end] for kind, _, end in _boxes(body) if kind == b"tkhd"]
    sizes = [struct.unpack(">II", tail) for tail in tails if len(tail) == 8]
    return [(width >> 16, height >> 16) for width, height in sizes if width]


def _get(stage: Stage) -> Answer:
    url = field("the status", stage.rendered, "output", "url")
    return stage.peer.call("GET", str(url), attributed=False)


def _file(stage: Stage) -> Answer:
    """The file, for those who do not judge how it is had."""
    answer = _get(stage)
    if answer.status != 200:
        raise Unmet(f"output.url answers {answer.status}")
    return answer


@check("render.file.served", "REN-8", needs="render")
def url_needs_no_header(stage: Stage) -> None:
    """`output.url` MUST give the file without any header, whole."""
    answer = _get(stage)
    expect("the HTTP status", answer.status, 200)
    expect("the end of the body", answer.ending, "complete")


@check("render.file.size", "REN-4", needs="render")
def size_is_the_files(stage: Stage) -> None:
    """`output.size` MUST be the number of bytes of the file, where it is told."""
    length = len(_file(stage).body)
    size = field("the status", stage.rendered, "output").get("size", length)
    expect("output.size", size, length)


@check("render.file.mp4", "REN-7", needs="render")
def file_is_mp4_with_its_index_first(stage: Stage) -> None:
    """The file MUST be MP4 with `moov` before `mdat`, and go on to the end of its last box."""
    body = _file(stage).body
    boxes = list(_boxes(body))
    kinds = [kind for kind, _, _ in boxes]
    expect("the first box", kinds[:1], [b"ftyp"])
    expect("the end of the last box", max(end for _, _, end in boxes), len(body))
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
    sizes = _pixels(_file(stage).body)
    expect_that("sizes of tracks", CLIP_SIZE in sizes, str(CLIP_SIZE), sizes)


@check("render.file.duration", "REN-7", needs="render")
def file_is_as_long_as_the_draft(stage: Stage) -> None:
    """The file MUST be as long as the draft, to a few hundredths of a second."""
    length = seconds_of(_file(stage).body)
    expect_that("seconds", abs(length - CLIP_SECONDS) < 0.1, f"{CLIP_SECONDS}", length)


@check("render.file.range", "REN-8", needs="render", assumed=True)
def download_can_be_resumed(stage: Stage) -> None:
    """A download SHOULD be resumed by a Range header: HTTP 206 and the rest."""
    whole = _file(stage).body
    url = str(field("the status", stage.rendered, "output", "url"))
    answer = stage.peer.call("GET", url, attributed=False, headers={"Range": "bytes=100-"})
    expect("the HTTP status", answer.status, 206)
    expect_that("the body", answer.body == whole[100:], "the rest", len(answer.body))


@check("render.file.fallback", "REN-8", needs="render")
def fallback_is_the_same_file(stage: Stage) -> None:
    """The fallback download MUST give the same bytes as `output.url`."""
    answer = stage.call(wire.RENDER_DOWNLOAD, render=stage.rendered["id"])
    expect("the HTTP status", answer.status, 200)
    expect_that("the body", answer.body == _file(stage).body, "the same bytes", len(answer.body))


@check("render.file.resolution", "REN-7", needs="token", seconds=90, assumed=True)
def four_k_is_for_who_asks(stage: Stage) -> None:
    """4K MUST come where `output.resolution` or the skill asks for it, at most 1080p elsewhere."""
    session, skill = stage.new_session(), {"X-Skill-Source": "4k-with-session"}
    ways: tuple[tuple[dict[str, Any], tuple[int, int]], ...] = (
        ({}, (1920, 1080)),
        ({"output": {"format": "mp4", "resolution": "4k"}}, (3840, 2160)),
        ({"headers": skill}, (3840, 2160)),
    )
    for rest, size in ways:
        render = stage.render_id()
        stage.submit(render, session, _LARGE, **rest)
        (last,) = stage.follow(render)[-1]
        expect("status", last.get("status"), "completed")
        body = stage.call(wire.RENDER_DOWNLOAD, render=render).body
        expect(f"the pixels with {rest or 'nothing asked'}", _pixels(body)[:1], [size])
