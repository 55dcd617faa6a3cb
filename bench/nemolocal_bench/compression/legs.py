"""The legs of a comparison: settings to try on this machine, each encoded, gated and measured."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_render import encoders, ffmpeg

from .clips import Clip, Unusable, open_own
from .encodes import ALTERNATIVES, Encode, Settings, encode
from .gates import check_pair
from .measures import Instruments, Measures, NotMeasured, Score, measure
from .pictures import draw_worst

Ladder = Literal["quick", "full"]

_X264: dict[Ladder, dict[str, tuple[float, ...]]] = {
    # The search adds a fourth point to the first curve.
    "quick": {"veryfast": (18.0, 23.0, 28.0), "medium": (23.0,)},
    "full": dict.fromkeys(
        ("ultrafast", "veryfast", "medium", "slow"), (18.0, 20.0, 23.0, 26.0, 29.0, 33.0)
    ),
}
_HARDWARE = (18.0, 23.0, 28.0, 33.0)
_ALTERNATIVES = {"libx265": (20.0, 25.0, 30.0, 35.0), "libsvtav1": (25.0, 32.0, 39.0, 46.0)}
FAMILIES = (encoders.SOFTWARE, *encoders.HARDWARE, *ALTERNATIVES)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a leg came to; `complaint` says why there is no score, "" where there is one.

    `where` is "local" or "cloud", `note` must stand beside every figure. `seconds` is wall time,
    `speed` seconds of the clip for each of them, `saved` percent of the source's bytes, `bitrate`
    bits/s of the whole file. `picture` is a PNG: the worst frame, reference on the left.
    """

    name: str
    curve: str
    where: str = "local"
    note: str = ""
    crf: float | None = None
    seconds: float = 0.0
    speed: float = 0.0
    cpu_seconds: float | None = None
    memory_bytes: int | None = None
    size: int = 0
    saved: float = 0.0
    bitrate: float = 0.0
    width: int = 0
    height: int = 0
    scores: tuple[Score, ...] = ()
    vmaf_frames: tuple[float, ...] = ()
    worst_frame: int | None = None
    picture: bytes = b""
    stages: dict[str, float] = {}
    complaint: str = ""

    @property
    def vmaf(self) -> float | None:
        """The mean of VMAF v0.6.1, None where the leg has no score."""
        return self.scores[0].mean if self.scores else None


async def try_families(names: Iterable[str], folder: Path) -> dict[str, str]:
    """Why each of these encoders does not work here; "" where it does."""
    tried = tuple(names)
    complaints = await asyncio.gather(*(_try_family(name, folder) for name in tried))
    return dict(zip(tried, complaints, strict=True))


async def _try_family(name: str, folder: Path) -> str:
    if name not in ALTERNATIVES:
        # What the whole project stands on needs no trial.
        return "" if name == encoders.SOFTWARE else (await encoders.try_encoder(name)).complaint
    source = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=30", "-frames:v", "8"]
    codec = ["-c:v", name, "-preset", ALTERNATIVES[name], "-pix_fmt", "yuv420p"]
    try:
        await ffmpeg.run([*source, *codec, "-f", "null", "-"], folder=folder, timeout=120)
    except ffmpeg.FFmpegFailed as failure:
        return str(failure)
    return ""


def steps(ladder: Ladder, families: Iterable[str]) -> list[Settings]:
    """The settings of a ladder for the encoders in `families`.

    The quick one has what the contract exports; alternatives are in it where they are asked for.
    """
    made: list[Settings] = []
    for family in families:
        if family == encoders.SOFTWARE:
            rungs = _X264[ladder].items()
            made += [Settings(family, preset, crf) for preset, crfs in rungs for crf in crfs]
        elif family in ALTERNATIVES:
            crfs = _ALTERNATIVES[family]
            made += [Settings(family, ALTERNATIVES[family], crf) for crf in crfs]
        else:
            made += [Settings(family, "", crf) for crf in _HARDWARE]
    return made


async def run_leg(settings: Settings, clip: Clip, folder: Path, instruments: Instruments) -> Result:
    """Encode, gate and measure; whatever goes wrong is the result's complaint."""
    result = Result(name=settings.name, curve=settings.curve, note=settings.note, crf=settings.crf)
    try:
        made = await encode(settings, clip, folder)
        result = _account(result, made, clip)
        opened = await open_own(made.path, clip.seconds)
        return await judge(result, opened, clip, folder, instruments)
    except (ffmpeg.FFmpegFailed, Unusable) as failure:
        return msgspec.structs.replace(result, complaint=str(failure))
    finally:
        (folder / "encode.mp4").unlink(missing_ok=True)


async def judge(
    result: Result,
    made: Clip,
    reference: Clip,
    folder: Path,
    instruments: Instruments,
    *,
    resized: bool = False,
) -> Result:
    """The result with the size of a file and, where it passes the gates, with its scores."""
    result = _sized(result, made, reference)
    try:
        check_pair(reference, made, resized=resized)
        measures = await measure(reference, made, folder, instruments)
    except NotMeasured as reason:
        return msgspec.structs.replace(result, complaint=str(reason))
    picture = await draw_worst(reference, made, measures.worst_frame, folder)
    return _scored(result, measures, picture)


def _sized(result: Result, made: Clip, reference: Clip) -> Result:
    """The result with what is known of a file without a look at its frames."""
    return msgspec.structs.replace(
        result,
        size=made.bytes,
        saved=100 * (1 - made.bytes / reference.bytes),
        bitrate=made.bytes * 8 / reference.seconds,
        width=made.width,
        height=made.height,
    )


def _account(result: Result, made: Encode, clip: Clip) -> Result:
    return msgspec.structs.replace(
        result,
        seconds=made.seconds,
        speed=clip.seconds / made.seconds,
        cpu_seconds=made.cpu_seconds,
        memory_bytes=made.memory_bytes,
        stages={"encode": made.seconds},
    )


def _scored(result: Result, measures: Measures, picture: bytes) -> Result:
    return msgspec.structs.replace(
        result,
        scores=measures.scores,
        vmaf_frames=measures.vmaf_frames,
        worst_frame=measures.worst_frame,
        picture=picture,
    )
