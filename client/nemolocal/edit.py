"""`nemolocal edit`: files in, instructions, a file out."""

import argparse
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from nemolocal_client import Client, NemoError
from nemolocal_client.texts import sendable

from .backend import open_client
from .console import print_json
from .display import Display, open_display
from .named_files import check_inputs, check_urls, chosen_output, is_url
from .problem import Problem
from .studio import Studio
from .typed_text import as_text


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    file: str
    seconds: float
    size: int
    session_id: str
    timeline: str
    turns: list[dict[str, object]]
    link: str
    warnings: list[str]


# Characters that some file system does not take in a name.
_NOT_IN_NAMES = '/\\:*?"<>|'
_LONGEST_NAME = 60
# What file systems take, in bytes, less `-edited-99.mp4`.
_LONGEST_STEM = 255 - 14


def run(arguments: argparse.Namespace) -> int:
    """Upload, say, export; nothing is spent before the way out is known to be open."""
    arguments.message = [sendable(as_text(text), "the message") for text in arguments.message]
    if arguments.out_dir is not None:
        return _run_batch(arguments)
    inputs: list[str] = arguments.input
    _check_usage(arguments)
    check_inputs(inputs)
    check_urls(inputs, arguments.base_url, arguments.fetch_from or ())
    destination = chosen_output(arguments.output, _default_output(inputs), inputs)
    with (
        open_display(results=not arguments.json) as display,
        open_client(
            arguments.base_url,
            display.notice,
            keep_token=not arguments.no_keep_token,
            fetch_from=arguments.fetch_from or (),
        ) as client,
    ):
        studio = Studio(client, display, destination, overwrite=arguments.overwrite)
        _begin(client, arguments.session)
        if inputs:
            studio.upload(*inputs)
        studio.follow(arguments.message)
        studio.deliver()
        # A server of its own is gone when the command ends, and its links are with it.
        link = _link(client) if arguments.base_url else ""
        if arguments.json:
            print_json(_report(studio, client, link), indent=2)
        elif arguments.base_url:
            _say_goodbye(display, client, link)
    return 0


def _run_batch(arguments: argparse.Namespace) -> int:
    from . import batch

    if arguments.output is not None or arguments.session:
        raise Problem(
            "--out-dir names the films itself and begins a session of its own: leave out -o and "
            "--session"
        )
    _check_usage(arguments)
    return batch.run(arguments)


def _say_goodbye(display: Display, client: Client, link: str) -> None:
    if link:
        display.line(f"Project {link}, for whoever has the link, for a week")
    display.line(f"Session {client.session_id}, to come back with --session")


def _link(client: Client) -> str:
    """The link to the project; none where the backend gives none: the film is there already."""
    try:
        return client.claim_link()
    except NemoError:
        return ""


def _check_usage(arguments: argparse.Namespace) -> None:
    if not arguments.input and not arguments.session:
        raise Problem("nothing to edit: name an INPUT file, or a saved --session")
    if not arguments.message and not arguments.session:
        raise Problem("nothing to do: say what to do with -m")
    if arguments.session and not arguments.base_url:
        raise Problem("a session lives on a server: name it with --base-url")


def _begin(client: Client, session: str | None) -> None:
    client.connect()
    if session:
        client.resume(session)


def _default_output(inputs: list[str]) -> Path:
    """<INPUT>-edited.mp4, cut where that is too long for a name."""
    if not inputs:
        return Path("nemolocal-edited.mp4")
    first = inputs[0]
    if is_url(first):
        return Path(f"{_name_in(first)}-edited.mp4")
    stem = Path(first).stem
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return Path(first).with_name(f"{stem}-edited.mp4")


def _name_in(url: str) -> str:
    """The name of the file behind a URL, as far as it can be one here."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError as error:
        raise Problem(f"{url} is no URL ({error}): check it") from error
    stem = Path(path.replace("\0", "")).stem
    kept = "".join(c for c in stem if c.isprintable() and c not in _NOT_IN_NAMES)
    return kept.strip(". ")[:_LONGEST_NAME] or "download"


def _report(studio: Studio, client: Client, link: str) -> Report:
    export = studio.deliver()
    turns: list[dict[str, object]] = [
        {"message": told.message, **msgspec.to_builtins(told.turn)} for told in studio.turns
    ]
    return Report(
        str(export.path),
        export.seconds,
        export.size,
        client.session_id or "",
        client.timeline(),
        turns,
        link,
        [*studio.warnings, *export.warnings],
    )
