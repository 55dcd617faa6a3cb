"""Downloads of the finished file: `output.url` first, then the fallback (CLI-8, REN-8)."""

from collections.abc import Iterator

from ..traffic.client_export import ClientExport
from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall, url_path
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

_ELSEWHERE = "output.url is at another server, whose journal this is not"


@client_check("client.download", "CLI-8", "REN-8")
def finished_export_is_downloaded(log: ClientLog) -> Iterator[ClientFinding]:
    """A completed export SHOULD be downloaded."""
    for render in _completed(log):
        files, fallbacks = _files(log, render), _fallbacks(log, render)
        if files or fallbacks:
            yield passed(render.submit, *files, *fallbacks)
        elif _elsewhere(render):
            yield inconclusive(_ELSEWHERE, render.submit)
        else:
            yield failed("the file", "downloaded", "not downloaded", render.submit, missing=True)


@client_check("client.download.order", "CLI-8", "REN-8")
def url_comes_before_the_fallback(log: ClientLog) -> Iterator[ClientFinding]:
    """The file MUST be fetched from `output.url` before the fallback is used."""
    for render in _completed(log):
        files, fallbacks = _files(log, render), _fallbacks(log, render)
        if not render.output_url or not (files or fallbacks):
            continue
        if files and (not fallbacks or files[0].entry.started <= fallbacks[0].entry.started):
            yield passed(files[0])
        elif _elsewhere(render):
            yield inconclusive(_ELSEWHERE, render.submit)
        else:
            yield failed(
                "the download", "output.url first", "the fallback first", *fallbacks, *files
            )


@client_check("client.download.fallback", "CLI-8", "REN-8")
def fallback_follows_a_dead_url(log: ClientLog) -> Iterator[ClientFinding]:
    """If `output.url` does not return the file, a client MUST use the fallback download."""
    for render in _completed(log):
        files, fallbacks = _files(log, render), _fallbacks(log, render)
        if not files or any(call.is_ok for call in files):
            continue
        actual = "not used"
        shown = (render.submit, *files)
        yield (
            passed(*shown, *fallbacks)
            if fallbacks
            else failed("the fallback download", "used", actual, *shown, missing=True)
        )


@client_check("client.download.no-token", "REN-8", "CLI-9")
def token_stays_from_the_url(log: ClientLog) -> Iterator[ClientFinding]:
    """The token SHOULD NOT be sent to `output.url`, which needs no header and may be on
    any host.
    """
    for render in _completed(log):
        for call in _files(log, render):
            actual = "a bearer token"
            yield failed("Authorization", "none", actual, call) if call.has_bearer else passed(call)


def _completed(log: ClientLog) -> list[ClientExport]:
    return [render for render in log.exports if render.is_completed]


def _files(log: ClientLog, render: ClientExport) -> tuple[RecordedCall, ...]:
    """The downloads from `output.url`."""
    return log.file_downloads(url_path(render.output_url)) if render.output_url else ()


def _fallbacks(log: ClientLog, render: ClientExport) -> tuple[RecordedCall, ...]:
    return log.fallback_downloads(render.id)


def _elsewhere(render: ClientExport) -> bool:
    """Whether the URL belongs to another server than the one that was called."""
    host = render.submit.header("host")
    return "://" in render.output_url and bool(host) and f"://{host}/" not in render.output_url
