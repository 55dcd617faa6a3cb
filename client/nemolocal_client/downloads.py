"""The finished file: from its URL, else from the fallback, whole or not at all (CLI-8, REN-8).

The bytes go into a hidden file beside the destination, which is renamed when all have arrived. A
download that breaks is resumed where the server can, and started over where it cannot. It never
takes more of the disk than the export says, and 20 GB where the export does not say.
"""

from pathlib import Path

from nemolocal_contract.endpoints import RENDER_DOWNLOAD
from nemolocal_contract.replies import RenderOutput, RenderStatus

from .effects import Download, Downloaded, Flow, Notice, PutInPlace
from .errors import BackendError, BadReply, ConnectionCut, DownloadFailed, TransportFailed
from .failures import failure_of
from .files import part_of
from .identity import Account, authorized

_TRIES = 3
_LARGEST = 20_000_000_000


def fetch(
    account: Account, done: RenderStatus, destination: Path, *, overwrite: bool
) -> Flow[tuple[Path, int, str]]:
    """Bring the file of a completed render; where it is, its bytes and the URL it came from."""
    output = done.output or RenderOutput()
    part = part_of(destination)
    fallback = RENDER_DOWNLOAD.path(render=done.id)
    yield Notice("download", "Downloading", 0.0)
    url = output.url
    try:
        if not url:
            raise DownloadFailed("the export gave no URL")
        # The URL needs no header and may be anybody's: it never sees the token (REN-8, CLI-9).
        size = yield from _bring(None, Download(url=url, part=part), output.size)
    except (BackendError, BadReply, TransportFailed, DownloadFailed):
        url = fallback
        size = yield from _bring(account, Download(url=url, part=part), output.size)
    placed: Path = yield PutInPlace(part, destination, overwrite)
    return placed, size, url


def _bring(account: Account | None, request: Download, expected: int) -> Flow[int]:
    """The whole file in `request.part`; its size, which is `expected` where that is known."""
    offset, version = 0, ""
    for _ in range(_TRIES):
        asked = Download(
            url=request.url,
            part=request.part,
            offset=offset,
            version=version,
            limit=expected or _LARGEST,
        )
        try:
            got = yield from _ask(account, asked)
        except ConnectionCut:
            got = Downloaded(offset, False, version)
        if got.complete and expected in (0, got.size):
            return got.size
        resume = got.version and (not expected or got.size < expected)
        offset, version = (got.size, got.version) if resume else (0, "")
    if got.size > asked.limit:
        raise DownloadFailed(f"the file has more than the {asked.limit} bytes that it may have")
    wanted = f" of {expected}" if expected else ""
    raise DownloadFailed(f"the download stopped at {got.size}{wanted} bytes, {_TRIES} times")


def _ask(account: Account | None, request: Download) -> Flow[Downloaded]:
    reply: object
    if account is None:
        reply = yield request
        failure = failure_of(reply)
        if failure is not None:
            raise failure
    else:
        reply = yield from authorized(account, request)
    if not isinstance(reply, Downloaded):
        raise DownloadFailed("the backend answered the download with JSON, not with a file")
    return reply
