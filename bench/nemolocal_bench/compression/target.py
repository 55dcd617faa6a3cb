"""The smallest file at a target VMAF: probes on samples, then the whole encode checked."""

import asyncio
from pathlib import Path

import msgspec

from nemolocal_render import ffmpeg

from .cache import Cache
from .clips import Clip, input_arguments, open_own
from .encodes import Settings, encode
from .legs import Result, run_leg
from .measures import Instruments, NotMeasured, measure
from .search import Probe, best, better_crf, search

ENCODER = "libx264"

# A clip that is shorter than this is its own sample; else three stretches of it are.
_SHORT = 9.0
_STRETCH = 2.0
_PLACES = (1 / 6, 1 / 2, 5 / 6)
# So many frames must stay where only every fifth is measured.
_MANY = 50
_EVERY = 5
_WHOLES = 4
_BYTES_PER_PIXEL = 1.5


class Found(msgspec.Struct, frozen=True):
    """A search: its target, the probes on the sample, and the whole encodes that came after.

    `chosen` names the result that is not below the target, "" where `complaint` says why there is
    none.
    """

    target: float
    preset: str
    sample_seconds: float = 0.0
    probes: tuple[Probe, ...] = ()
    wholes: tuple[Probe, ...] = ()
    chosen: str = ""
    complaint: str = ""


def sample_room(clip: Clip) -> int:
    """Bytes that the sample of a clip may take at most."""
    if clip.seconds <= _SHORT:
        return 0
    frames = len(_PLACES) * _STRETCH * clip.fps + len(_PLACES)
    return int(frames * clip.width * clip.height * _BYTES_PER_PIXEL) + 1_000_000


class TargetSearch:
    """Looks for the CRF of x264 with a preset whose whole encode just reaches the target."""

    def __init__(
        self, clip: Clip, folder: Path, instruments: Instruments, cache: Cache, preset: str
    ) -> None:
        self._clip = clip
        self._folder = folder
        self._instruments = instruments
        self._cache = cache
        self._preset = preset

    def run(self, target: float) -> tuple[Found, Result | None]:
        """The search and the whole encode that it chose; raises NotMeasured or FFmpegFailed."""
        sample = asyncio.run(cut_sample(self._clip, self._folder))
        tried = search(lambda crf: self._probe(sample, crf), target)
        if sample.path != self._clip.path:
            sample.path.unlink()
        found = Found(target, self._preset, sample.seconds, tuple(tried))
        good = best(tried, target)
        return self._check(found, good.crf if good is not None else better_crf(tried[-1], target))

    def _check(self, found: Found, crf: float) -> tuple[Found, Result | None]:
        """Encode the whole, and again with more care where it is below the target."""
        wholes: list[Probe] = []
        for _ in range(_WHOLES):
            result = self._whole(crf)
            if result.vmaf is None:
                return _ended(found, wholes, complaint=result.complaint), None
            wholes.append(Probe(crf, result.vmaf))
            if result.vmaf >= found.target:
                return _ended(found, wholes, chosen=result.name), result
            crf = better_crf(wholes[-1], found.target)
        missed = f"VMAF {found.target:g} is not reached, {result.name} gives {result.vmaf:.2f}"
        return _ended(found, wholes, complaint=missed), None

    def _whole(self, crf: float) -> Result:
        settings = Settings(ENCODER, self._preset, crf)
        return cached_leg(settings, self._clip, self._folder, self._instruments, self._cache)

    def _probe(self, sample: Clip, crf: float) -> float:
        parts = ("probe", self._clip.digest, self._preset, crf)
        known = self._cache.find(Probe, *parts)
        if known is None:
            settings = Settings(ENCODER, self._preset, crf)
            known = Probe(crf, asyncio.run(self._score(sample, settings)))
            self._cache.keep(known, *parts)
        return known.vmaf

    async def _score(self, sample: Clip, settings: Settings) -> float:
        made = await encode(settings, sample, self._folder)
        try:
            clip = await open_own(made.path, sample.seconds)
            if clip.frames != sample.frames:
                raise NotMeasured(f"a probe has {clip.frames} frames of {sample.frames}")
            every = _EVERY if sample.frames >= _MANY else 1
            pair = (sample, clip, self._folder, self._instruments)
            return (await measure(*pair, every=every)).vmaf
        finally:
            made.path.unlink()


def _ended(found: Found, wholes: list[Probe], *, chosen: str = "", complaint: str = "") -> Found:
    return msgspec.structs.replace(found, wholes=tuple(wholes), chosen=chosen, complaint=complaint)


def known_leg(
    settings: Settings, clip: Clip, instruments: Instruments, cache: Cache
) -> Result | None:
    """A leg from the cache, None where it has not been run."""
    return cache.find(Result, *_leg_parts(settings, clip, instruments))


def cached_leg(
    settings: Settings, clip: Clip, folder: Path, instruments: Instruments, cache: Cache
) -> Result:
    """A leg from the cache, else run and kept there if nothing went wrong."""
    known = known_leg(settings, clip, instruments, cache)
    if known is None:
        known = asyncio.run(run_leg(settings, clip, folder, instruments))
        if not known.complaint:
            cache.keep(known, *_leg_parts(settings, clip, instruments))
    return known


def _leg_parts(settings: Settings, clip: Clip, instruments: Instruments) -> tuple[object, ...]:
    return (clip.digest, msgspec.to_builtins(settings), msgspec.to_builtins(instruments))


async def cut_sample(clip: Clip, folder: Path) -> Clip:
    """Three stretches of a clip in one, without loss; a short clip itself."""
    if clip.seconds <= _SHORT:
        return clip
    begins = [clip.seconds * place - _STRETCH / 2 for place in _PLACES]
    chosen = "+".join(f"between(t,{begin:.3f},{begin + _STRETCH:.3f})" for begin in begins)
    chain = (
        f"setpts=PTS-STARTPTS,select='{chosen}',settb=AVTB,"
        f"setpts=N*{1e6 / clip.fps:.6f},format=yuv420p"
    )
    path = folder / "sample.mp4"
    await ffmpeg.run(
        [
            *(*input_arguments(clip), "-map", "0:V:0", "-vf", chain, "-fps_mode", "passthrough"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", f"file:{path.name}"),
        ],
        folder=folder,
        timeout=clip.patience,
        policy=msgspec.structs.replace(clip.policy(), file_size=sample_room(clip)),
    )
    return await open_own(path, len(_PLACES) * _STRETCH)
