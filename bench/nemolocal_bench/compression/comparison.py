"""A comparison from its beginning to its end: clips, legs, target, cloud, savings, verdict."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from nemolocal_client import NemoError
from nemolocal_render import encoders, ffmpeg
from nemolocal_render.temporary_folder import TemporaryFolder

from .cache import Cache, cache_folder
from .clips import Clip, Unusable, open_clip, open_input
from .cloud import EXPORT, PUBLISHED, OpenClient, Published, place_of, run_cloud
from .curves import Saving, savings
from .encodes import Settings, room
from .gates import check_reference
from .legs import FAMILIES, Ladder, Result, judge, steps, try_families
from .machine import Machine, describe_machine
from .measures import Instruments, NotMeasured, find_instruments
from .target import Found, TargetSearch, cached_leg, known_leg, sample_room
from .verdict import verdict_of

FORMAT = 1
_PRESETS: dict[Ladder, str] = {"quick": "veryfast", "full": "slow"}
# VMAF NEG takes as long as VMAF itself, and only shows whether an encoder flatters it.
_NEG_EVERY: dict[Ladder, int] = {"quick": 5, "full": 1}
_MEGA = 1_000_000

Tell = Callable[[str], None]


class Wanted(msgspec.Struct, frozen=True):
    """What is compared: files, ladder, target; encoders by name, () for all that work here.

    `base_url` is the server of the cloud leg, "" for none.
    """

    inputs: tuple[Path, ...]
    ladder: Ladder = "quick"
    target: float = 95.0
    encoders: tuple[str, ...] = ()
    base_url: str = ""


class Source(msgspec.Struct, frozen=True):
    """The clip that everything is compared with, and its VMAF against itself."""

    name: str
    digest: str
    width: int
    height: int
    frames: int
    fps: float
    seconds: float
    size: int
    self_score: float


class Comparison(msgspec.Struct, frozen=True):
    """All that came out for one clip.

    `shown` names the result whose frames and picture are in the report, "" where none has a score.
    """

    verdict: str
    source: Source
    shown: str
    results: tuple[Result, ...]
    found: Found | None
    savings: tuple[Saving, ...]
    published: tuple[Published, ...]


class Report(msgspec.Struct, frozen=True):
    """Comparisons, the machine that they were made on, and the encoders that do not work there."""

    format: int
    machine: Machine
    instruments: Instruments
    missing: dict[str, str]
    ladder: Ladder
    target: float
    comparisons: tuple[Comparison, ...]


def compare(wanted: Wanted, open_client: OpenClient, tell: Tell) -> Report:
    """Compare; raises Unusable where nothing can be, before anything long has begun."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryFolder("bench"))
        try:
            machine = asyncio.run(describe_machine())
        except ffmpeg.FFmpegFailed as failure:
            raise Unusable(str(failure)) from failure
        instruments = asyncio.run(find_instruments(folder))
        if instruments.complaint:
            raise Unusable(f"this FFmpeg cannot measure VMAF: {instruments.complaint}")
        instruments = msgspec.structs.replace(instruments, neg_every=_NEG_EVERY[wanted.ladder])
        clips = [(path, asyncio.run(open_input(path, folder))) for path in wanted.inputs]
        _check_room(clips, folder, tell)
        tried = asyncio.run(try_families(_asked(wanted), folder))
        families, missing = _families(wanted, tried)
        cache = Cache(cache_folder(), f"{machine.ffmpeg}, {machine.processor}, {machine.cores}")
        bench = _Bench(wanted, open_client, tell, folder, instruments, cache, families)
        comparisons = tuple(bench.compare(path.name, clip) for path, clip in clips)
        return Report(
            *(FORMAT, machine, instruments, missing, wanted.ladder, wanted.target, comparisons)
        )


def _check_room(clips: Iterable[tuple[Path, Clip]], folder: Path, tell: Tell) -> None:
    needed = max(room(clip) + sample_room(clip) for _, clip in clips)
    free = shutil.disk_usage(folder).free
    tell(f"one encode at a time: at most {needed / _MEGA:,.0f} MB of disk, in {folder.parent}")
    if free < needed:
        raise Unusable(f"{folder.parent} has only {free / _MEGA:,.0f} MB free: set TMPDIR")


def _asked(wanted: Wanted) -> tuple[str, ...]:
    """The encoders to try: those named, else those of the ladder."""
    for name in wanted.encoders:
        if name not in FAMILIES:
            raise Unusable(f"{name} is no encoder of the bench: they are {', '.join(FAMILIES)}")
    if wanted.ladder == "quick":
        # What the contract exports is enough to decide; the others are there for who names them.
        return wanted.encoders or (encoders.SOFTWARE, *encoders.HARDWARE)
    return wanted.encoders or FAMILIES


def _families(wanted: Wanted, tried: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """The encoders to compare, and why others are not."""
    missing = {name: complaint for name, complaint in tried.items() if complaint}
    for name in wanted.encoders:
        if name in missing:
            raise Unusable(f"{name} does not work here: {missing[name]}")
    return [name for name in FAMILIES if name in tried and name not in missing], missing


class _Bench:
    def __init__(
        self,
        wanted: Wanted,
        open_client: OpenClient,
        tell: Tell,
        folder: Path,
        instruments: Instruments,
        cache: Cache,
        families: list[str],
    ) -> None:
        self._wanted = wanted
        self._open_client = open_client
        self._tell = tell
        self._folder = folder
        self._instruments = instruments
        self._cache = cache
        self._families = families

    def compare(self, name: str, clip: Clip) -> Comparison:
        """Everything for one clip."""
        try:
            own = asyncio.run(check_reference(clip, self._folder, self._instruments))
        except NotMeasured as reason:
            raise Unusable(f"{name}: {reason}") from reason
        source = Source(
            *(name, clip.digest, clip.width, clip.height, clip.frames, clip.fps, clip.seconds),
            *(clip.bytes, own),
        )
        results = self._ladder(clip)
        found, chosen = self._search(clip, results)
        if chosen is not None:
            results = _with(chosen, results)
        if self._wanted.base_url:
            results.append(self._cloud(clip))
        shown = chosen.name if chosen is not None else _best_of(results)
        lean = tuple(_without_picture(result, shown) for result in results)
        made = Comparison("", source, shown, lean, found, savings(results), PUBLISHED)
        return msgspec.structs.replace(made, verdict=verdict_of(made, self._wanted.target))

    def _ladder(self, clip: Clip) -> list[Result]:
        settings = steps(self._wanted.ladder, self._families)
        fresh = [each for each in settings if not self._is_known(each, clip)]
        results = []
        started = time.perf_counter()
        for number, each in enumerate(settings, 1):
            told = ", measured before"
            if each in fresh:
                told = _left(time.perf_counter() - started, fresh.index(each), len(fresh))
            self._tell(f"{number}/{len(settings)} {each.name}{told}")
            results.append(self._leg(each, clip))
        return results

    def _is_known(self, settings: Settings, clip: Clip) -> bool:
        return known_leg(settings, clip, self._instruments, self._cache) is not None

    def _leg(self, settings: Settings, clip: Clip) -> Result:
        return cached_leg(settings, clip, self._folder, self._instruments, self._cache)

    def _search(self, clip: Clip, results: list[Result]) -> tuple[Found | None, Result | None]:
        if encoders.SOFTWARE not in self._families:
            return None, None
        preset = _PRESETS[self._wanted.ladder]
        self._tell(f"looking for the smallest file at VMAF {self._wanted.target:g} ({preset})")
        search = TargetSearch(clip, self._folder, self._instruments, self._cache, preset)
        try:
            return search.run(self._wanted.target, results)
        except (NotMeasured, ffmpeg.FFmpegFailed) as reason:
            return Found(self._wanted.target, preset, complaint=str(reason)), None

    def _cloud(self, clip: Clip) -> Result:
        base_url = self._wanted.base_url
        self._tell(f"the same through {place_of(base_url)}")
        try:
            result = run_cloud(self._open_client, base_url, clip, self._folder)
        except NemoError as refused:
            place = place_of(base_url)
            return Result(name=place, curve=place, where="cloud", complaint=str(refused))
        return asyncio.run(self._judge_export(result, clip))

    async def _judge_export(self, result: Result, clip: Clip) -> Result:
        path = self._folder / EXPORT
        try:
            made = await open_clip(path)
            pair = (made, clip, self._folder, self._instruments)
            return await judge(result, *pair, resized=True)
        except (Unusable, ffmpeg.FFmpegFailed) as reason:
            return msgspec.structs.replace(result, complaint=str(reason))
        finally:
            path.unlink(missing_ok=True)


def _left(elapsed: float, done: int, count: int) -> str:
    """How long the rest takes if it goes on as it went; nothing before one is done."""
    return f", about {elapsed / done * (count - done):.0f} s left on the ladder" if done else ""


def _with(chosen: Result, results: list[Result]) -> list[Result]:
    """The results and one more, which takes its place on its curve."""
    curves = list(dict.fromkeys(result.curve for result in (*results, chosen)))
    others = (result for result in results if result.name != chosen.name)
    return sorted(
        (*others, chosen), key=lambda result: (curves.index(result.curve), result.crf or 0.0)
    )


def _best_of(results: list[Result]) -> str:
    scored = [result for result in results if result.scores]
    return max(scored, key=lambda result: result.vmaf or 0.0).name if scored else ""


def _without_picture(result: Result, shown: str) -> Result:
    """Pictures and frames are large: the report has those that it shows."""
    if result.name == shown:
        return result
    return msgspec.structs.replace(result, picture=b"", vmaf_frames=())
