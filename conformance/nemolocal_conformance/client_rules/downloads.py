"""The finished file: `output.url` first, the fallback where that fails (CLI-8, REN-8)."""

from collections.abc import Iterator

from ..records.act import Act, file_path
from ..records.record import Record
from ..records.render import Render
from .rule import Finding, broken, client_check, held, unclear

_ELSEWHERE = "output.url is at another server, whose journal this is not"


@client_check("client.download", "CLI-8", "REN-8")
def finished_export_is_downloaded(record: Record) -> Iterator[Finding]:
    """An export that has completed SHOULD be downloaded."""
    for render in _completed(record):
        files, fallbacks = _files(record, render), _fallbacks(record, render)
        if files or fallbacks:
            yield held(render.submit, *files, *fallbacks)
        elif _elsewhere(render):
            yield unclear(_ELSEWHERE, render.submit)
        else:
            yield broken("the file", "downloaded", "left there", render.submit, missing=True)


@client_check("client.download.order", "CLI-8", "REN-8")
def url_comes_before_the_fallback(record: Record) -> Iterator[Finding]:
    """The file MUST be fetched from `output.url` before the fallback is asked."""
    for render in _completed(record):
        files, fallbacks = _files(record, render), _fallbacks(record, render)
        if not render.url or not (files or fallbacks):
            continue
        if files and (not fallbacks or files[0].entry.started <= fallbacks[0].entry.started):
            yield held(files[0])
        elif _elsewhere(render):
            yield unclear(_ELSEWHERE, render.submit)
        else:
            yield broken("the file", "output.url first", "the fallback first", *fallbacks, *files)


@client_check("client.download.fallback", "CLI-8", "REN-8")
def fallback_follows_a_dead_url(record: Record) -> Iterator[Finding]:
    """Where `output.url` does not give the file, the fallback MUST be asked."""
    for render in _completed(record):
        files, fallbacks = _files(record, render), _fallbacks(record, render)
        if not files or any(act.ok for act in files):
            continue
        told = "never asked"
        shown = (render.submit, *files)
        yield (
            held(*shown, *fallbacks)
            if fallbacks
            else broken("the fallback", "asked", told, *shown, missing=True)
        )


@client_check("client.download.no-token", "REN-8", "CLI-9")
def token_stays_from_the_url(record: Record) -> Iterator[Finding]:
    """`output.url` needs no header, and SHOULD NOT be sent the token: it may be anybody's."""
    for render in _completed(record):
        for act in _files(record, render):
            told = "a bearer token"
            yield broken("Authorization", "none", told, act) if act.has_bearer else held(act)


def _completed(record: Record) -> list[Render]:
    return [render for render in record.renders if render.completed]


def _files(record: Record, render: Render) -> tuple[Act, ...]:
    """The downloads from `output.url`."""
    return record.of_file(file_path(render.url)) if render.url else ()


def _fallbacks(record: Record, render: Render) -> tuple[Act, ...]:
    return record.of_fallback(render.id)


def _elsewhere(render: Render) -> bool:
    """Whether the URL is not at the server that was called."""
    host = render.submit.header("host")
    return "://" in render.url and bool(host) and f"://{host}/" not in render.url
