"""Runs `nemolocal edit` without `--out-dir`: inputs, instructions, one output."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from nemolocal_client import (
    BadToken,
    Client,
    DownloadFailed,
    ExportBlocked,
    NemoError,
    NothingToExport,
    RenderFailed,
    SessionNotFound,
    TransportFailed,
)

from .client_factory import open_client
from .edit_session import EditSession
from .embedded_server import EmbeddedServer
from .errors import UsageError
from .export_filename import find_export_filename
from .path_arguments import (
    check_inputs,
    check_url_inputs,
    is_url,
    resolve_output,
    warn_about_extension,
)
from .progress_display import Display, open_display
from .safe_output import print_json
from .saved_chats import SessionLocation, locate_session


class EditReport(msgspec.Struct, frozen=True):
    """The JSON object of `--json`; `error` says why a message failed after the edits in `file`."""

    file: str
    seconds: float
    size: int
    session_id: str
    timeline: str
    turns: list[dict[str, object]]
    link: str
    warnings: list[str]
    error: str = ""


# After these errors an export would fail, too.
_UNRECOVERABLE = (
    TransportFailed,
    SessionNotFound,
    BadToken,
    ExportBlocked,
    RenderFailed,
    DownloadFailed,
)
# Characters that some file system does not allow in a name.
_NOT_IN_NAMES = '/\\:*?"<>|'
_MAX_NAME_LENGTH = 60
# The limit of file systems in bytes, minus `-edited-99.mp4`.
_MAX_STEM_BYTES = 255 - 14


def edit_and_export(arguments: argparse.Namespace) -> int:
    """Check the arguments, then upload, edit and export."""
    inputs: list[str] = arguments.input
    fetch_from: list[str] = arguments.fetch_from or []
    check_inputs(inputs)
    named = [name for message in arguments.message if (name := find_export_filename(message))]
    wanted = arguments.output
    if wanted is None and named:
        wanted = os.path.expanduser(named[-1])
    destination = resolve_output(wanted, _default_output(inputs), inputs)
    warn_about_extension(destination)
    place = SessionLocation(arguments.base_url)
    if arguments.session:
        place = locate_session(arguments.session, arguments.base_url)
    check_url_inputs(inputs, place.base_url, fetch_from)
    with (
        open_display(results=not arguments.json) as display,
        open_client(
            place.base_url,
            display.show_notice,
            keep_token=not arguments.no_keep_token,
            own=EmbeddedServer(arguments.like_cloud, place.chat_folder, tuple(fetch_from)),
            reconnect=arguments.reconnect,
        ) as client,
    ):

        def attempt() -> int:
            edit_session = EditSession(client, display, destination, overwrite=arguments.overwrite)
            return _edit_and_export(arguments, place, edit_session, client, display)

        try:
            return attempt()
        except SessionNotFound as error:
            # The earlier edits of a saved session are unknown.
            if arguments.session:
                raise
            display.show_line(f"{error.message}: starting over in a new session")
        return attempt()


def _edit_and_export(
    arguments: argparse.Namespace,
    place: SessionLocation,
    edit_session: EditSession,
    client: Client,
    display: Display,
) -> int:
    """Upload, edit, export and print the results; return 1 if a message failed."""
    kept = bool(place.chat_folder) or (bool(place.base_url) and not arguments.no_keep_token)
    with (
        _print_session_on_failure(place, edit_session, client) if kept else contextlib.nullcontext()
    ):
        _connect(client, arguments.session)
        if arguments.input:
            edit_session.upload(*arguments.input)
        failure = _run_messages(edit_session, arguments.message)
        if failure is None:
            _export(edit_session, arguments)
    # The embedded server and its links end with the command.
    link = _link(client) if place.base_url else ""
    if arguments.json:
        print_json(edit_report(edit_session, client, link, failure), indent=2)
    elif place != SessionLocation():
        _print_session(display, client, link, kept=kept)
    display.close()
    if failure is not None:
        _print_partial_export(failure, edit_session)
    return int(failure is not None)


@contextlib.contextmanager
def _print_session_on_failure(
    place: SessionLocation, edit_session: EditSession, client: Client
) -> Iterator[None]:
    """After a failed export, print how to continue the session, if it has edits."""
    try:
        yield
    except TransportFailed:
        # The result is unknown; the caller that opened the client prints how to continue.
        raise
    except NemoError:
        if edit_session.turns and client.session_id:
            where = f" --base-url {place.base_url}" if place.base_url else ""
            print(
                f"The edits are saved in session {client.session_id}; to export them: nemolocal "
                f"edit --session {client.session_id}{where}",
                file=sys.stderr,
            )
        raise


def _run_messages(edit_session: EditSession, messages: list[str]) -> NemoError | None:
    """Run the messages; return the error of one that failed after others succeeded.

    The edits before it are still exported.
    """
    try:
        edit_session.run_messages(messages)
    except NemoError as error:
        if isinstance(error, _UNRECOVERABLE) or edit_session.export_partial() is None:
            raise
        return error
    return None


def _print_partial_export(failure: NemoError, edit_session: EditSession) -> None:
    done = edit_session.export()
    print(f"nemolocal: {failure}", file=sys.stderr)
    print(
        f'nemolocal: {done.path} has the edits before "{edit_session.current_step}"',
        file=sys.stderr,
    )


def _export(edit_session: EditSession, arguments: argparse.Namespace) -> None:
    """Export; explain an empty timeline by the arguments."""
    try:
        edit_session.export()
    except NothingToExport:
        if arguments.input or arguments.session:
            way_out = 'rephrase the instruction, for example -m "trim to the first 10 seconds"'
        else:
            way_out = 'give an INPUT file, or -m "generate a 10-second sunset timelapse"'
        raise NothingToExport("nothing was edited", remedy=way_out) from None


def _print_session(display: Display, client: Client, link: str, *, kept: bool) -> None:
    if link:
        display.show_line(f"Project {link} (for anyone with the link, for a week)")
    # A session cannot be continued without its token.
    if kept:
        display.show_line(
            f"Session {client.session_id} (to continue: --session {client.session_id})"
        )


def _link(client: Client) -> str:
    """Return the link to the project; empty if the backend has none, since the export succeeded."""
    try:
        return client.claim_link()
    except NemoError:
        return ""


def _connect(client: Client, session: str | None) -> None:
    client.connect()
    if session:
        client.resume(session)


def _default_output(inputs: list[str]) -> Path:
    """Return `<INPUT>-edited.mp4`, shortened to the limit of file names."""
    if not inputs:
        return Path("nemolocal-edited.mp4")
    first = inputs[0]
    if is_url(first):
        return Path(f"{_name_in(first)}-edited.mp4")
    stem = Path(first).stem
    while len(os.fsencode(stem)) > _MAX_STEM_BYTES:
        stem = stem[:-1]
    return Path(first).with_name(f"{stem}-edited.mp4")


def _name_in(url: str) -> str:
    """Return the file name of a URL without characters that are not allowed here."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError as error:
        raise UsageError(f"invalid URL {url} ({error}): check it") from error
    stem = Path(path.replace("\0", "")).stem
    kept = "".join(c for c in stem if c.isprintable() and c not in _NOT_IN_NAMES)
    return kept.strip(". ")[:_MAX_NAME_LENGTH] or "download"


def edit_report(
    edit_session: EditSession, client: Client, link: str = "", failure: NemoError | None = None
) -> EditReport:
    """Return the results of a session; exports the timeline if that has not been done."""
    export = edit_session.export()
    turns: list[dict[str, object]] = [
        {"message": turn.message, **msgspec.to_builtins(turn.turn)} for turn in edit_session.turns
    ]
    return EditReport(
        str(export.path),
        export.seconds,
        export.size,
        client.session_id or "",
        client.timeline(),
        turns,
        link,
        [*edit_session.warnings, *export.warnings],
        str(failure or ""),
    )
