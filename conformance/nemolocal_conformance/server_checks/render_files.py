"""Section 8, files: the rendered file, checked by its bytes alone (REN-7, REN-8)."""

import struct
from collections.abc import Iterator
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.media import skill_profile

from ..assertions import PrerequisiteFailed, expect_equal, expect_true, require_field
from ..context import CheckContext
from ..endpoint_requests import TITLE_DRAFT
from ..samples import CLIP_SECONDS, CLIP_SIZE
from ..server_check import server_check
from ..target import TargetResponse

# A two-frame draft with a title, as large as 4K.
_LARGE = {
    "t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 80, "txt": "4K"}]}],
    "d": 80,
    "m": {"width": 3840, "height": 2160, "fps": 25},
}
_PIXELS = {"720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}


def _boxes(body: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Return the boxes of an MP4, outer before inner: type, start and end of the content."""
    end = len(body) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", body[start : start + 8])
        head = 8
        if size == 1 and start + 16 <= end:  # a box of 4 GB, or one that might become so large
            (size,), head = struct.unpack(">Q", body[start + 8 : start + 16]), 16
        size = end - start if size == 0 else size
        if size < head:
            return
        yield kind, start + head, start + size
        if kind in _CONTAINERS:
            yield from _boxes(body, start + head, start + size)
        start += size


def mp4_duration(body: bytes) -> float:
    """Return the duration that an MP4 declares, 0 if it declares none."""
    for kind, start, end in _boxes(body):
        if kind == b"mvhd" and end - start >= 32:
            # Version 1 has times of 64 bits.
            long = body[start] == 1
            at, numbers = (start + 20, ">IQ") if long else (start + 12, ">II")
            scale, units = struct.unpack_from(numbers, body, at)
            return float(units / scale) if scale else 0.0
    return 0.0


def _frame_sizes(body: bytes) -> list[tuple[int, int]]:
    """Return the width and height of each video track."""
    tails = [body[end - 8 : end] for kind, _, end in _boxes(body) if kind == b"tkhd"]
    sizes = [struct.unpack(">II", tail) for tail in tails if len(tail) == 8]
    return [(width >> 16, height >> 16) for width, height in sizes if width]


def _get(context: CheckContext) -> TargetResponse:
    return context.fetch(_url(context))


def _url(context: CheckContext) -> str:
    return str(require_field("the status", context.completed_export, "output", "url"))


def _file(context: CheckContext) -> TargetResponse:
    """The file, for checks that do not test its download."""
    response = _get(context)
    if response.status != 200:
        raise PrerequisiteFailed(f"output.url answers {response.status}")
    return response


@server_check("render.file.served", "REN-8", prerequisite="render")
def url_needs_no_header(context: CheckContext) -> None:
    """`output.url` MUST return the complete file without any request header."""
    response = _get(context)
    expect_equal("the HTTP status", response.status, 200)
    expect_equal("the end of the body", response.ending, "complete")


@server_check("render.file.size", "REN-4", prerequisite="render")
def size_is_the_files(context: CheckContext) -> None:
    """`output.size`, if present, MUST be the size of the file in bytes."""
    length = len(_file(context).body)
    size = require_field("the status", context.completed_export, "output").get("size", length)
    expect_equal("output.size", size, length)


@server_check("render.file.mp4", "REN-7", prerequisite="render")
def file_is_mp4_with_its_index_first(context: CheckContext) -> None:
    """The file MUST be MP4 with `moov` before `mdat`, and complete to the end of its last box."""
    body = _file(context).body
    boxes = list(_boxes(body))
    kinds = [kind for kind, _, _ in boxes]
    expect_equal("the first box", kinds[:1], [b"ftyp"])
    expect_equal("the end of the last box", max(end for _, _, end in boxes), len(body))
    expect_true("boxes", b"moov" in kinds and b"mdat" in kinds, "moov and mdat", kinds)
    expect_true("boxes", kinds.index(b"moov") < kinds.index(b"mdat"), "moov first", kinds)


@server_check("render.file.codecs", "REN-7", prerequisite="render")
def file_is_h264_and_aac(context: CheckContext) -> None:
    """The file MUST contain H.264, and AAC if there is sound."""
    body = _file(context).body
    described = [
        body[start + 12 : start + 16] for kind, start, _ in _boxes(body) if kind == b"stsd"
    ]
    # The parameters of H.264 may be in the index or in the stream.
    described = [b"avc1" if codec == b"avc3" else codec for codec in described]
    expect_equal("codecs", sorted(described), [b"avc1", b"mp4a"])


@server_check("render.file.pixels", "REN-7", prerequisite="render")
def file_has_the_size_of_the_clip(context: CheckContext) -> None:
    """A small clip MUST keep its size."""
    sizes = _frame_sizes(_file(context).body)
    expect_true("sizes of tracks", CLIP_SIZE in sizes, str(CLIP_SIZE), sizes)


@server_check("render.file.duration", "REN-7", prerequisite="render")
def file_is_as_long_as_the_draft(context: CheckContext) -> None:
    """The file MUST be as long as the draft, within a few hundredths of a second."""
    length = mp4_duration(_file(context).body)
    expect_true("seconds", abs(length - CLIP_SECONDS) < 0.1, f"{CLIP_SECONDS}", length)


@server_check("render.file.range", "REN-8", prerequisite="render", assumed=True)
def download_can_be_resumed(context: CheckContext) -> None:
    """A Range header SHOULD resume a download: HTTP 206 and the rest of the file."""
    whole = _file(context).body
    response = context.fetch(_url(context), headers={"Range": "bytes=100-"})
    expect_equal("the HTTP status", response.status, 206)
    expect_true(
        "the body", response.body == whole[100:], "the bytes from 100 on", len(response.body)
    )


@server_check("render.file.fallback", "REN-8", prerequisite="render")
def fallback_is_the_same_file(context: CheckContext) -> None:
    """The fallback download MUST return the same bytes as `output.url`."""
    response = context.call(wire.RENDER_DOWNLOAD, render=context.completed_export["id"])
    expect_equal("the HTTP status", response.status, 200)
    expect_true(
        "the body", response.body == _file(context).body, "the same bytes", len(response.body)
    )


@server_check("render.file.own", "REN-1", "REN-7", prerequisite="render")
def each_render_has_its_own_file(context: CheckContext) -> None:
    """Each render MUST have its own `output.url`, with the video of its own draft."""
    render = context.new_render_id()
    context.submit_export(render, context.edited_session, TITLE_DRAFT)
    (last,) = context.poll_renders(render)[-1]
    url = str(require_field("the status", last, "output", "url"))
    expect_true("output.url", url != _url(context), "another URL", url)
    length = mp4_duration(context.fetch(url).body)
    seconds = TITLE_DRAFT["d"] / 1000
    expect_true("seconds of the file", abs(length - seconds) < 0.1, f"{seconds}", length)


@server_check("render.file.resolution", "REN-7", prerequisite="token", seconds=90, assumed=True)
def resolution_4k_comes_only_on_request(context: CheckContext) -> None:
    """An export MUST be 4K if `output.resolution` or the skill asks for it, and 1080p at most
    otherwise.
    """
    session, skill = context.new_session(), "4k-with-session"
    ways: tuple[tuple[dict[str, Any], tuple[int, int]], ...] = (
        ({}, _largest(context, context.target.skill)),
        ({"output": {"format": "mp4", "resolution": "4k"}}, _PIXELS["4k"]),
        ({"headers": {"X-Skill-Source": skill}}, _largest(context, skill)),
    )
    for rest, size in ways:
        render = context.new_render_id()
        context.submit_export(render, session, _LARGE, **rest)
        (last,) = context.poll_renders(render)[-1]
        expect_equal("status", last.get("status"), "completed")
        body = context.call(wire.RENDER_DOWNLOAD, render=render).body
        expect_equal(f"width and height with {rest or 'defaults'}", _frame_sizes(body)[:1], [size])


def _largest(context: CheckContext, skill: str) -> tuple[int, int]:
    return _PIXELS[skill_profile(skill, context.settings.skills).resolution]
