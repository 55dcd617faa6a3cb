"""Sample media for first tries, generated at the first request and then kept (UPL-6)."""

import asyncio
import errno
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from nemolocal_contract.responses import ResponseCode
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.synthetic.sample_media import make_music, make_sample

from .. import ids
from ..errors import ContractError
from ..stored_files import StoredFileResponse

SAMPLE_VIDEO, SAMPLE_MUSIC = "sample.mp4", "music.m4a"
_SECONDS = 5


class SampleMedia:
    """An endpoint that serves sample media, which it generates in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = asyncio.Lock()

    async def serve_file(self, request: Request) -> Response:
        """A video or music, five seconds long; no token is needed."""
        return StoredFileResponse(await self.file_path(request.path_params["name"]))

    async def file_path(self, name: str) -> Path:
        """The path of a sample; raises 404 for an unknown name."""
        if name not in (SAMPLE_VIDEO, SAMPLE_MUSIC):
            message = f"no fixture {name!r}: there are {SAMPLE_VIDEO} and {SAMPLE_MUSIC}"
            raise ContractError(ResponseCode.NOT_FOUND, message)
        path = self._folder / f"fixture-{name}"
        async with self._lock:
            if not path.exists():
                # Renamed when complete: later requests use this file.
                temporary = self._folder / f"{ids.new_file_id()}{path.suffix}"
                try:
                    await _generate(name, temporary)
                    temporary.replace(path)
                finally:
                    temporary.unlink(missing_ok=True)
        return path


async def _generate(name: str, path: Path) -> None:
    try:
        if name == SAMPLE_VIDEO:
            await make_sample(path, seconds=_SECONDS)
        else:
            await make_music("lofi", _SECONDS, path)
    except FFmpegFailed as error:
        if error.disk_full:
            raise OSError(errno.ENOSPC, error.user_message) from error
        raise
