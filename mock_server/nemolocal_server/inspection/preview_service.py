"""Previews of media files: made on demand, two at a time, and cached."""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from nemolocal_contract.responses import ResponseCode
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaSource
from nemolocal_render.probing.media_previews import make_film_strip, measure_peaks

from ..context import ServerContext
from ..data.sessions import Asset
from ..errors import ContractError

_log = logging.getLogger(__name__)

PreviewKind = Literal["strip", "waveform"]
MAX_BYTES = 32 << 20
MAX_PREVIEWS = 2000
_MAX_CONCURRENT = 2
_WAVEFORM_HEIGHT = 100


class PreviewService:
    """Previews by file content; the cache also remembers files that have none."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        self._kept: OrderedDict[tuple[PreviewKind, str], bytes] = OrderedDict()
        self._bytes = 0
        self._running: dict[tuple[PreviewKind, str], asyncio.Task[bytes]] = {}

    async def read(self, kind: PreviewKind, asset_id: str) -> bytes:
        """Return a preview of an asset; 404 if there is no such asset or nothing to show."""
        asset = self._context.assets.get(asset_id)
        if asset is None:
            raise ContractError(ResponseCode.NOT_FOUND, f"asset not found: {asset_id!r}")
        key = (kind, asset.hash or asset.id)
        if key in self._kept:
            self._kept.move_to_end(key)
            preview = self._kept[key]
        else:
            preview = await self._join(key, asset)
        if not preview:
            raise ContractError(ResponseCode.NOT_FOUND, f"asset {asset_id!r} has no {kind}")
        return preview

    async def close(self) -> None:
        """Cancel the running jobs."""
        tasks = [*self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _join(self, key: tuple[PreviewKind, str], asset: Asset) -> bytes:
        """Make a preview, or wait for the job that is already making it."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._make(key, asset))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # A caller that disconnects must not stop it for the others.
        return await asyncio.shield(task)

    async def _make(self, key: tuple[PreviewKind, str], asset: Asset) -> bytes:
        source = MediaSource(self._context.assets.file_path(asset), asset.info)
        async with self._slots:
            try:
                preview = await _MAKERS[key[0]](source)
            except FFmpegFailed as error:
                _log.warning("no preview could be made of a file: %s", error)
                preview = b""
        self._kept[key] = preview
        self._bytes += len(preview)
        while self._bytes > MAX_BYTES or len(self._kept) > MAX_PREVIEWS:
            self._bytes -= len(self._kept.popitem(last=False)[1])
        return preview


async def _strip(source: MediaSource) -> bytes:
    return b"" if source.info.kind == "audio" else await make_film_strip(source)


async def _waveform(source: MediaSource) -> bytes:
    return draw_waveform(await measure_peaks(source)) if source.info.has_audio else b""


_MAKERS: dict[PreviewKind, Callable[[MediaSource], Awaitable[bytes]]] = {
    "strip": _strip,
    "waveform": _waveform,
}


def draw_waveform(peaks: Sequence[float]) -> bytes:
    """Return an SVG picture that is stretched to any size; a peak is one unit wide.

    Peaks are from 0 to 1; their square roots are drawn, so that quiet sound is seen. The grey is
    seen on light and on dark ground.
    """
    half = _WAVEFORM_HEIGHT / 2
    heights = [half * math.sqrt(peak) for peak in peaks]
    upper = [f"{at} {half - height:.1f}" for at, height in enumerate(heights)]
    lower = [f"{at} {half + height:.1f}" for at, height in reversed([*enumerate(heights)])]
    outline = " L".join([*upper, *lower])
    path = f'<path d="M{outline}Z" fill="#808890" stroke="#808890" stroke-width="0.6"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(len(peaks), 1)} '
        f'{_WAVEFORM_HEIGHT}" preserveAspectRatio="none">{path if peaks else ""}</svg>'
    ).encode()
