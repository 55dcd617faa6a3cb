"""`nemolocal edit --out-dir`: many files, each edited and exported by itself, in one session.

One session, since the cloud charges the edits of a session once. Before each file the timeline is
emptied and seen to be empty: no file ever gets into another one's film.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nemolocal_client import Client, Export, NemoError, check_destination, draft_of
from nemolocal_client.files import local_path, name_to_send
from nemolocal_client.inputs import Inputs
from nemolocal_contract.draft import TrackType

from .backend import open_client
from .console import print_json
from .display import open_display
from .named_files import check_inputs, is_url
from .own_server import OwnServer
from .problem import Problem, Usage
from .studio import Studio

_EMPTY = "start over"
_PLACE = "put {name} on the timeline"


class Result(msgspec.Struct, frozen=True):
    """What `--json` prints for each file: where its film is, and why it lacks what was said."""

    input: str
    file: str = ""
    seconds: float = 0.0
    size: int = 0
    error: str = ""
    warnings: tuple[str, ...] = ()


def run(arguments: argparse.Namespace) -> int:
    """Edit every file; 1 if one of them failed, the others are done all the same."""
    folder = local_path(arguments.out_dir)
    wanted = _destinations(arguments.input, folder)
    results: list[Result] = []
    with (
        open_display(results=not arguments.json) as display,
        open_client(
            arguments.base_url,
            display.notice,
            keep_token=not arguments.no_keep_token,
            own=OwnServer(arguments.like_cloud),
            reconnect=arguments.reconnect,
        ) as client,
    ):
        client.connect()
        for name, destination in wanted.items():
            display.line(f"{name} → {destination}")
            studio = Studio(client, display, destination, overwrite=arguments.overwrite)
            result = _edit(client, studio, name, arguments.message)
            results.append(result)
            if result.error:
                display.line(f"{name} failed: {result.error}")
            if result.error and result.file:
                display.line(f"{result.file} has what was done before that")
    if arguments.json:
        print_json(results, indent=2)
    return int(any(result.error for result in results))


def _destinations(inputs: list[str], folder: Path) -> dict[str, Path]:
    """Where each film goes; nothing is spent before all of that is known to be possible."""
    for name in inputs:
        if is_url(name):
            raise Usage(f"{name} is a URL: --out-dir takes files, edit it with -o instead")
    check_inputs(inputs)
    named = [Path(name).stem for name in inputs]
    twice = [stem for stem, count in Counter(named).items() if count > 1]
    if twice:
        raise Usage(f"{twice[0]} is the name of several files: edit them into folders of their own")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"{folder} cannot be made ({error.strerror}): name another folder") from error
    wanted = {name: folder / f"{Path(name).stem}.mp4" for name in inputs}
    known = Inputs(inputs)
    for destination in wanted.values():
        if known.holds(destination):
            raise Problem(f"{destination} would be overwritten: name another folder")
        check_destination(destination)
    return wanted


def _edit(client: Client, studio: Studio, name: str, messages: Sequence[str]) -> Result:
    placed: int | None = None
    try:
        if client.session_id and _clips(client):
            studio.follow([_EMPTY])
        studio.upload(name)
        studio.follow([_PLACE.format(name=name_to_send(Path(name)))])
        if _clips(client) != 1:
            return Result(name, error="it did not get on the timeline by itself: edit it alone")
        placed = len(studio.turns)
        studio.follow(messages)
        export = studio.deliver()
    except NemoError as error:
        # What was done to this file before a message failed is exported all the same.
        done = None
        if placed is not None and len(studio.turns) > placed:
            done = studio.rescue()
        if done is None:
            return Result(name, error=str(error))
        return _result(name, studio, done, error=str(error))
    return _result(name, studio, export)


def _result(name: str, studio: Studio, done: Export, error: str = "") -> Result:
    warnings = (*studio.warnings, *done.warnings)
    return Result(name, str(done.path), done.seconds, done.size, error, warnings)


def _clips(client: Client) -> int:
    """How many clips are on the timeline."""
    tracks = draft_of(client.state()).tracks or ()
    return sum(len(track.segments or ()) for track in tracks if track.type == TrackType.VIDEO)
