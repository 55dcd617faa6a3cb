"""The smallest file at a target VMAF: probes on samples, then the whole encode checked."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from nemolocal_render import ffmpeg

from .cache import Cache
from .clips import Clip, input_arguments, open_own
from .encodes import Settings, encode
from .legs import Result, run_leg
from .measures import Instruments, NotMeasured, measure
from .search import Probe, is_found, next_whole, search

ENCODER = "libx264"

# A clip that is shorter than this is its own sample; else three stretches of it are.
_SHORT = 12.0
_STRETCH = 2.0
_PLACES = (1 / 6, 1 / 2, 5 / 6)
# Of a sample with so many frames every fifth is enough.
_MANY = 150
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

    def run(self, target: float, known: Sequence[Result] = ()) -> tuple[Found, Result | None]:
        """The search and the whole encode that it chose; raises NotMeasured or FFmpegFailed.

        `known` are results of the whole clip: those with the preset tell where to begin.
        """
        sample = asyncio.run(cut_sample(self._clip, self._folder))
        tried = search(partial(self._probe, sample), target, known=self._probes_of(known))
        if sample.path != self._clip.path:
            sample.path.unlink()
        return self._check(Found(target, self._preset, sample.seconds, tuple(tried)))

    def _probes_of(self, known: Sequence[Result]) -> list[Probe]:
        curve = Settings(ENCODER, self._preset, 0).curve
        same = (result for result in known if result.curve == curve)
        return [Probe(r.crf, r.vmaf) for r in same if r.crf is not None and r.vmaf is not None]

    def _check(self, found: Found) -> tuple[Found, Result | None]:
        """Encode the whole, and again where the sample was not quite like it."""
        wholes: dict[float, Result] = {}
        made: list[Probe] = []
        crf = next_whole(found.probes, made, found.target)
        while crf not in wholes and len(wholes) < _WHOLES:
            wholes[crf] = result = self._whole(crf)
            if result.vmaf is None:
                return _ended(found, wholes, complaint=result.complaint), None
            made.append(Probe(crf, result.vmaf))
            if is_found(made[-1], found.target):
                break
            crf = next_whole(found.probes, made, found.target)
        return _choose(found, wholes)

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


def _choose(found: Found, wholes: dict[float, Result]) -> tuple[Found, Result | None]:
    good = [crf for crf, result in wholes.items() if (result.vmaf or 0.0) >= found.target]
    if good:
        chosen = wholes[max(good)]
        return _ended(found, wholes, chosen=chosen.name), chosen
    *_, last = wholes.values()
    missed = f"VMAF {found.target:g} is not reached, {last.name} gives {last.vmaf:.2f}"
    return _ended(found, wholes, complaint=missed), None


def _ended(
    found: Found, wholes: dict[float, Result], *, chosen: str = "", complaint: str = ""
) -> Found:
    probes = tuple(
        Probe(crf, whole.vmaf) for crf, whole in wholes.items() if whole.vmaf is not None
    )
    return msgspec.structs.replace(found, wholes=probes, chosen=chosen, complaint=complaint)


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
