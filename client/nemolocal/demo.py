"""`nemolocal demo`: the whole way once, from a sample to an MP4, without any account or network."""

import argparse
import asyncio
import contextlib
from pathlib import Path

from .backend import open_client
from .display import Display, open_display
from .named_files import check_inputs, chosen_output, is_url
from .output_format import tell_format
from .own_server import OwnServer
from .problem import Problem, Usage
from .studio import Studio

DEFAULT_OUTPUT = "nemolocal-demo.mp4"
_TRIM_AT_MOST = 10.0
_TITLE_SECONDS = 3.0


def run(arguments: argparse.Namespace) -> int:
    """Edit INPUT, or a sample made on the spot, on a server of its own."""
    inputs = [] if arguments.input is None else [arguments.input]
    if any(map(is_url, inputs)):
        raise Usage("the demo takes a file: `nemolocal edit URL` takes a URL")
    check_inputs(inputs)
    destination = chosen_output(arguments.output, Path(DEFAULT_OUTPUT), inputs)
    tell_format(destination)
    with open_display() as display, contextlib.ExitStack() as stack:
        source = arguments.input or _sample(stack, display)
        client = stack.enter_context(
            open_client(None, display.notice, own=OwnServer(arguments.like_cloud))
        )
        client.connect()
        studio = Studio(client, display, destination, overwrite=arguments.overwrite)
        length = studio.upload(source)
        studio.follow(instructions(length))
        studio.deliver()
    return 0


def instructions(length: float) -> list[str]:
    """What the demo says to a file of `length` seconds (0 for a picture)."""
    kept = round(min(_TRIM_AT_MOST, length / 2), 1)
    title = min(_TITLE_SECONDS, kept) or _TITLE_SECONDS
    trim = [f"trim to the first {kept:g} seconds"] if kept else []
    return [
        *trim,
        f'add a title "Paradise Found" for the first {title:g} seconds',
        "add lo-fi background music at 35% volume",
    ]


def _sample(stack: contextlib.ExitStack, display: Display) -> str:
    from nemolocal_render.ffmpeg import FFmpegFailed
    from nemolocal_render.footage import make_sample
    from nemolocal_render.temporary_folder import TemporaryFolder

    path = stack.enter_context(TemporaryFolder("demo")) / "sample.mp4"
    display.line("Making a sample")
    try:
        asyncio.run(make_sample(path))
    except FFmpegFailed as error:
        raise Problem(f"no sample could be made ({error}): see `nemolocal doctor`") from error
    return str(path)
