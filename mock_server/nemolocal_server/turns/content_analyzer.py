"""Analyzes the uploads of a session for edits that depend on what is in them."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from nemolocal_agent import (
    Analysis,
    AnalysisRequest,
    Edit,
    Moments,
    SilenceRequest,
    Silences,
    Subtitles,
    SubtitlesRequest,
    requested_analyses,
)
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaRejected, MediaSource
from nemolocal_render.probing.content_analysis import (
    find_scene_changes,
    find_silences,
    measure_loudness,
)

from ..context import ServerContext
from ..data.sessions import Asset, SessionRecord
from ..uploads.extra_files import read_subtitles

_log = logging.getLogger(__name__)

MAX_RESULTS = 500
# Files of a session that are analyzed, the newest ones.
_MAX_FILES = 50
_AT_ONCE = 2

_Key = tuple[str, AnalysisRequest]


class ContentAnalyzer:
    """The latest analyses, by the content of the file and the request.

    Each runs in a child process with limits on time and memory. A file that cannot be analyzed has
    no result, and the edit says so.
    """

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._results: dict[_Key, Analysis] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def prepare(self, session: SessionRecord, edits: Iterable[Edit]) -> bool:
        """Analyze what these edits need and is not known yet; returns whether anything was."""
        requests = requested_analyses(edits)
        if not requests:
            return False
        assets = self._context.assets.list_for_session(session.id)
        sources = self._context.assets.sources_of(assets)
        missing = {
            (_content(asset), request): sources[asset.id]
            for request in requests
            for asset in _analyzed(assets, request)
            if (_content(asset), request) not in self._results
        }
        await asyncio.gather(*(self._analyze(key, source) for key, source in missing.items()))
        return bool(missing)

    def results(self, assets: Sequence[Asset], edits: Iterable[Edit]) -> Mapping[_Key, Analysis]:
        """Return what is known for these edits, by asset id and request."""
        requests = requested_analyses(edits)
        if not requests:
            return {}
        return {
            (asset.id, request): self._results[(_content(asset), request)]
            for asset in assets
            for request in requests
            if (_content(asset), request) in self._results
        }

    async def _analyze(self, key: _Key, source: MediaSource) -> None:
        async with self._slots:
            try:
                result = await run_analysis(source, key[1])
            except (FFmpegFailed, MediaRejected) as error:
                _log.warning("a file could not be analyzed: %s", error)
                return
        self._results[key] = result
        if len(self._results) > MAX_RESULTS:
            del self._results[next(iter(self._results))]


def _analyzed(assets: Sequence[Asset], request: AnalysisRequest) -> list[Asset]:
    """The files that a request is for."""
    kind = "subtitles" if isinstance(request, SubtitlesRequest) else "video"
    return [asset for asset in assets if asset.info.kind == kind][-_MAX_FILES:]


def _content(asset: Asset) -> str:
    """What is equal for equal files; generated ones have no hash."""
    return asset.hash or asset.id


async def run_analysis(source: MediaSource, request: AnalysisRequest) -> Analysis:
    """Analyze a file; raises FFmpegFailed, or MediaRejected for subtitles."""
    if isinstance(request, SubtitlesRequest):
        return Subtitles(await asyncio.to_thread(read_subtitles, source.path))
    if isinstance(request, SilenceRequest):
        if not source.info.has_audio:
            return Silences()
        found = await find_silences(source, request.level_db, request.min_ms / 1000)
        return Silences(tuple((round(start * 1000), round(end * 1000)) for start, end in found))
    levels = await measure_loudness(source) if source.info.has_audio else []
    changes = await find_scene_changes(source)
    return Moments(tuple(levels), tuple(round(time * 1000) for time in changes))
