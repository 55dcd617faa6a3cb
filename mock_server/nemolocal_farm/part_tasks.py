"""The task of a worker, one part of a render, as JSON; and its result.

Files have names instead of paths: a worker has its own copies. `cores` is part of the task and not
of the worker, since x264's bytes depend on it: so every worker makes the same file.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec

from nemolocal_contract.effects import Lut
from nemolocal_render.filtergraph.ffmpeg_commands import (
    FONTS_FOLDER,
    TITLES_FILE,
    EncodeResources,
)
from nemolocal_render.filtergraph.motion_filters import motion_file
from nemolocal_render.lut_files import lut_file
from nemolocal_render.planning.render_plan import RenderPlan

RENDER_ACTIVITY = "render_part"
CORES_OF_A_PART = 2
FFMPEG_FAILED = "FFmpegFailed"
TRANSFER_FAILED = "TransferFailed"
WORKER_UNFIT = "WorkerUnfit"
"""A failure of the worker itself, on account of which it leaves the farm."""
SERVER_DISK_FULL = "ServerDiskFull"
RENDER_ENDED = "RenderEnded"
"""The server does not want the part any more."""
TAKEN_ELSEWHERE = "TakenElsewhere"
"""The worker leaves a part to others."""
DIGEST_HEADER = "x-content-sha256"
"""The header of a returned part with its SHA-256."""

_SOURCE = "source-{}"
# What a part never reads: tables of colours are read from files of the job folder.
_UNREAD = "unread"
_CHUNK = 1 << 20
_NAMES = re.compile(
    r"source-\d{1,5}|titles\.ass|fonts/\d{1,3}\.[A-Za-z0-9]{2,5}|lut-[0-9a-f]{32}\.cube"
    r"|motion[-0-9]{2,80}\.trf"
)

_Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
# Added to the base URL of the server, so it must not begin with a port or another host.
_ServerPath = Annotated[str, msgspec.Meta(pattern=r"^/")]
# Of a file in the media folder: never a path, and not hidden.
_SHARED = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_FileName = Annotated[str, msgspec.Meta(pattern=rf"^({_SHARED.pattern})?\Z")]


class TaskRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A range of a file, from the byte `begin` to before `end`, and its SHA-256."""

    begin: Annotated[int, msgspec.Meta(ge=0)]
    end: int
    sha256: _Digest


class TaskFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that a part reads: its size in bytes, and the signed path on the server.

    Sources are named `source-0` and so on; all others have their names in the job folder. Of a
    source with `ranges` the part should read no more than these. `shared` is its name in the media
    folder of the server.
    """

    name: str
    size: int
    sha256: _Digest
    path: _ServerPath
    ranges: tuple[TaskRange, ...] = ()
    shared: _FileName = ""

    @property
    def is_source(self) -> bool:
        """Whether it is a source, which other parts read too."""
        return self.name.startswith("source-")


class PartTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part to render: `upload` is the signed path that takes the file.

    `is_second`: another worker renders it too, but is slow.
    """

    id: str
    plan: msgspec.Raw
    machine: EncodeResources
    files: tuple[TaskFile, ...]
    upload: _ServerPath
    is_second: bool = False


class PartResult(msgspec.Struct, frozen=True):
    """A rendered part: the worker, and seconds and bytes for the log of the render.

    `complaint` is why whole sources were fetched after all.
    """

    worker: str
    sha256: str
    size: int
    fetched: int
    fetch_seconds: float
    render_seconds: float
    send_seconds: float
    complaint: str = ""


class TaskRejected(Exception):
    """A task that is not valid."""


def encode_plan_for_workers(plan: RenderPlan) -> bytes:
    """Return a part as JSON, without what it does not read."""
    names = {source.path: _SOURCE.format(n) for n, source in enumerate(plan.sources)}
    lean = msgspec.structs.replace(
        plan, copy_source=None, warnings=(), hdr_segments=(), titles=plan.titles[:1]
    )
    return msgspec.json.encode(lean, enc_hook=_encode_hook(names))


def decode_plan_of_task(plan: bytes, paths: Mapping[str, Path]) -> RenderPlan:
    """Return the plan of a task with the paths of the sources on this machine.

    Raises TaskRejected.
    """
    try:
        return msgspec.json.decode(plan, type=RenderPlan, dec_hook=_decode_hook(paths))
    except (msgspec.MsgspecError, ArithmeticError, ValueError) as error:
        raise TaskRejected(f"its plan is not valid: {error}") from error


def decode_task(text: bytes) -> PartTask:
    """Return a task; raises TaskRejected if it is not valid."""
    try:
        task = msgspec.json.decode(text, type=PartTask)
    except msgspec.MsgspecError as error:
        raise TaskRejected(f"it is not valid: {error}") from error
    for file in task.files:
        if not _NAMES.fullmatch(file.name):
            raise TaskRejected("a file has an unknown name")
        if any(not each.begin < each.end <= file.size for each in file.ranges):
            raise TaskRejected("a range is not in its file")
    return task


def _encode_hook(names: Mapping[Path, str]) -> Callable[[Any], Any]:
    def encode(value: Any) -> Any:
        if isinstance(value, Path):
            return names.get(value, _UNREAD)
        if isinstance(value, Fraction):
            return f"{value.numerator}/{value.denominator}"
        raise NotImplementedError(type(value).__name__)

    return encode


def _decode_hook(paths: Mapping[str, Path]) -> Callable[[type, Any], Any]:
    def decode(wanted: type, value: Any) -> Any:
        if wanted is Fraction:
            return Fraction(value)
        if wanted is Path and value in paths:
            return paths[value]
        if wanted is Path and value == _UNREAD:
            return Path(_UNREAD)
        raise ValueError(f"{value!r} is not known")

    return decode


def source_names(part: RenderPlan) -> list[str]:
    """Return the names of the sources of a part in their order."""
    return [_SOURCE.format(n) for n in range(len(part.sources))]


def shared_name(path: Path) -> str:
    """Return the name of a source on a shared disk, "" if workers accept none like it."""
    return path.name if _SHARED.fullmatch(path.name) else ""


def files_of_part(folder: Path, part: RenderPlan, machine: EncodeResources) -> dict[str, Path]:
    """Return the files that a part reads, by their names in a task."""
    files = dict(zip(source_names(part), (source.path for source in part.sources), strict=True))
    names = []
    if part.titles:
        fonts = sorted((folder / FONTS_FOLDER).iterdir())
        names += [TITLES_FILE, *(f"{FONTS_FOLDER}/{font.name}" for font in fonts)]
    for picture in (picture for layer in part.layers for picture in layer):
        names += [lut_file(fx) for fx in picture.clip.effects if isinstance(fx, Lut)]
        if machine.motion_measured and picture.clip.has_motion_analysis:
            names.append(motion_file(picture))
    return {**files, **{name: folder / name for name in names}}


def digest_range(file: BinaryIO, begin: int, end: int) -> str:
    """Return the SHA-256 of a range of a file; raises OSError."""
    seen = sha256()
    file.seek(begin)
    while begin < end and (chunk := file.read(min(_CHUNK, end - begin))):
        seen.update(chunk)
        begin += len(chunk)
    return seen.hexdigest()


def part_id(
    queue: str, plan: bytes, machine: EncodeResources, digests: Mapping[str, tuple[int, str]]
) -> str:
    """Return the id of a part: equal ones are equal files. `digests` are sizes and SHA-256."""
    text = msgspec.json.encode([queue, plan.decode(), machine, sorted(digests.items())])
    return sha256(text).hexdigest()[:32]
