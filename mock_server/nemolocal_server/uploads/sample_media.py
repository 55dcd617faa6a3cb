"""Media of the server's own, to try things with: made when first asked for, then kept (UPL-6)."""

import asyncio
import errno
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from nemolocal_contract.responses import ResponseCode
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.synthetic.sample_media import make_music, make_sample

from .. import ids
from ..errors import ContractError

SAMPLE_VIDEO, SAMPLE_MUSIC = "sample.mp4", "music.m4a"
_SECONDS = 5


class SampleMedia:
    """An endpoint that serves the fixtures from a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = asyncio.Lock()

    async def serve_file(self, request: Request) -> Response:
        """A video or a piece of music, five seconds long; no token is needed."""
        return FileResponse(await self.file_path(request.path_params["name"]))

    async def file_path(self, name: str) -> Path:
        """Where a fixture lies; 404 for what is none."""
        if name not in (SAMPLE_VIDEO, SAMPLE_MUSIC):
            message = f"no fixture {name!r}: there are {SAMPLE_VIDEO} and {SAMPLE_MUSIC}"
            raise ContractError(ResponseCode.NOT_FOUND, message)
        path = self._folder / f"fixture-{name}"
        async with self._making:
            if not path.exists():
                # There whole or not at all: it is kept for whoever comes next.
                made = self._folder / f"{ids.new_file_id()}{path.suffix}"
                try:
                    await _make(name, made)
                    made.replace(path)
                finally:
                    made.unlink(missing_ok=True)
        return path


async def _make(name: str, path: Path) -> None:
    try:
        await _generate(name, path)
    except FFmpegFailed as error:
        if error.disk_full:
            raise OSError(errno.ENOSPC, error.user_message) from error
        raise


async def _generate(name: str, path: Path) -> None:
    if name == SAMPLE_VIDEO:
        await make_sample(path, seconds=_SECONDS)
    else:
        await make_music("lofi", _SECONDS, path)
