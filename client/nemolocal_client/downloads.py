"""The finished file: from its URL, else from the fallback, whole or not at all (CLI-8, REN-8).

The bytes go into a hidden file beside the destination, which is renamed when all have arrived. A
download that breaks is resumed where the server can, and started over where it cannot. It never
takes more of the disk than the export says, and 20 GB where the export does not say.
"""

from pathlib import Path

from nemolocal_contract.endpoints import RENDER_DOWNLOAD
from nemolocal_contract.responses import RenderOutput, RenderStatus

from .auth import AuthState, send_authorized
from .errors import BackendError, BadReply, ConnectionCut, DownloadFailed, TransportFailed
from .local_files import part_path
from .operations import DownloadFile, DownloadResult, Flow, MoveFile, Notice
from .response_errors import error_of

_TRIES = 3
_MAX_BYTES = 20_000_000_000


def download_render(
    account: AuthState, done: RenderStatus, destination: Path, *, overwrite: bool
) -> Flow[tuple[Path, int, str]]:
    """Bring the file of a completed render; where it is, its bytes and the URL it came from."""
    output = done.output or RenderOutput()
    part = part_path(destination)
    fallback = RENDER_DOWNLOAD.path(render=done.id)
    yield Notice("download", "Downloading", 0.0)
    url = output.url
    try:
        if not url:
            raise DownloadFailed("the export gave no URL")
        # The URL needs no header and may be anybody's: it never sees the token (REN-8, CLI-9).
        size = yield from _download_with_resume(None, DownloadFile(url=url, part=part), output.size)
    except (BackendError, BadReply, TransportFailed, DownloadFailed):
        url = fallback
        size = yield from _download_with_resume(
            account, DownloadFile(url=url, part=part), output.size
        )
    placed: Path = yield MoveFile(part, destination, overwrite)
    return placed, size, url


def _download_with_resume(
    account: AuthState | None, request: DownloadFile, expected: int
) -> Flow[int]:
    """The whole file in `request.part`; its size, which is `expected` where that is known."""
    offset, version = 0, ""
    for _ in range(_TRIES):
        asked = DownloadFile(
            url=request.url,
            part=request.part,
            offset=offset,
            version=version,
            limit=expected or _MAX_BYTES,
        )
        try:
            got = yield from _request_file(account, asked)
        except ConnectionCut:
            got = DownloadResult(offset, False, version)
        if got.complete and expected in (0, got.size):
            return got.size
        resume = got.version and (not expected or got.size < expected)
        offset, version = (got.size, got.version) if resume else (0, "")
    if got.size > asked.limit:
        raise DownloadFailed(f"the file has more than the {asked.limit} bytes that it may have")
    wanted = f" of {expected}" if expected else ""
    raise DownloadFailed(f"the download stopped at {got.size}{wanted} bytes, {_TRIES} times")


def _request_file(account: AuthState | None, request: DownloadFile) -> Flow[DownloadResult]:
    reply: object
    if account is None:
        reply = yield request
        failure = error_of(reply)
        if failure is not None:
            raise failure
    else:
        reply = yield from send_authorized(account, request)
    if not isinstance(reply, DownloadResult):
        raise DownloadFailed("the backend answered the download with JSON, not with a file")
    return reply
