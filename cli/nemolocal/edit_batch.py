"""`nemolocal edit --out-dir`: edits and exports many files one by one, in one session.

One session, since the cloud charges the edits of a session once. Before each file the timeline is
cleared and checked to be empty, so that no file ends up in another one's video.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nemolocal_client import Client, Export, NemoError, check_destination, draft_of
from nemolocal_client.local_files import InputFiles, local_path, upload_name
from nemolocal_contract.draft import TrackType

from .client_factory import open_client
from .edit_session import EditSession
from .embedded_server import EmbeddedServer
from .errors import CommandError, UsageError
from .path_arguments import check_inputs, is_url
from .progress_display import open_display
from .safe_output import print_json

_CLEAR_MESSAGE = "start over"
_INSERT_MESSAGE = "put {name} on the timeline"


class BatchResult(msgspec.Struct, frozen=True):
    """The JSON object that `--json` prints for each file: its output, or the error."""

    input: str
    file: str = ""
    seconds: float = 0.0
    size: int = 0
    error: str = ""
    warnings: tuple[str, ...] = ()


def run_batch(arguments: argparse.Namespace) -> int:
    """Edit every file; return 1 if one failed. The others are still done."""
    folder = local_path(arguments.out_dir)
    wanted = _destinations(arguments.input, folder)
    results: list[BatchResult] = []
    with (
        open_display(results=not arguments.json) as display,
        open_client(
            arguments.base_url,
            display.show_notice,
            keep_token=not arguments.no_keep_token,
            own=EmbeddedServer(arguments.like_cloud),
            reconnect=arguments.reconnect,
        ) as client,
    ):
        client.connect()
        for name, destination in wanted.items():
            display.show_line(f"{name} → {destination}")
            edit_session = EditSession(client, display, destination, overwrite=arguments.overwrite)
            result = _edit(client, edit_session, name, arguments.message)
            results.append(result)
            if result.error:
                display.show_line(f"{name} failed: {result.error}")
            if result.error and result.file:
                display.show_line(f"{result.file} has the edits before that")
    if arguments.json:
        print_json(results, indent=2)
    return int(any(result.error for result in results))


def _destinations(inputs: list[str], folder: Path) -> dict[str, Path]:
    """Return the output of each file; raises an error before any work if one is impossible."""
    for name in inputs:
        if is_url(name):
            raise UsageError(f"{name} is a URL: --out-dir takes local files, use -o instead")
    check_inputs(inputs)
    named = [Path(name).stem for name in inputs]
    twice = [stem for stem, count in Counter(named).items() if count > 1]
    if twice:
        raise UsageError(f"several files are named {twice[0]}: use a separate --out-dir for each")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"cannot create {folder} ({error.strerror}): choose another folder"
        ) from error
    wanted = {name: folder / f"{Path(name).stem}.mp4" for name in inputs}
    known = InputFiles(inputs)
    for destination in wanted.values():
        if known.contains(destination):
            raise CommandError(f"{destination} would be overwritten: choose another folder")
        check_destination(destination)
    return wanted


def _edit(
    client: Client, edit_session: EditSession, name: str, messages: Sequence[str]
) -> BatchResult:
    placed: int | None = None
    try:
        if client.session_id and _clip_count(client):
            edit_session.run_messages([_CLEAR_MESSAGE])
        edit_session.upload(name)
        edit_session.run_messages([_INSERT_MESSAGE.format(name=upload_name(Path(name)))])
        if _clip_count(client) != 1:
            return BatchResult(
                name, error="could not be placed on the timeline alone: edit it without --out-dir"
            )
        placed = len(edit_session.turns)
        edit_session.run_messages(messages)
        export = edit_session.export()
    except NemoError as error:
        # The edits before the failed message are still exported.
        done = None
        if placed is not None and len(edit_session.turns) > placed:
            done = edit_session.export_partial()
        if done is None:
            return BatchResult(name, error=str(error))
        return _result(name, edit_session, done, error=str(error))
    return _result(name, edit_session, export)


def _result(name: str, edit_session: EditSession, done: Export, error: str = "") -> BatchResult:
    warnings = (*edit_session.warnings, *done.warnings)
    return BatchResult(name, str(done.path), done.seconds, done.size, error, warnings)


def _clip_count(client: Client) -> int:
    """Return the number of clips on the timeline."""
    tracks = draft_of(client.state()).tracks or ()
    return sum(len(track.segments or ()) for track in tracks if track.type == TrackType.VIDEO)
