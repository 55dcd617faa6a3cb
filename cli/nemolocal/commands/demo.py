"""`nemolocal demo`: the full workflow once, from a sample to an MP4, without account or network."""

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..argument_parser import add_command
from ..errors import CommandError, UsageError
from ..shared_options import add_like_cloud, add_overwrite

if TYPE_CHECKING:
    from ..progress_display import Display

DEFAULT_OUTPUT = "nemolocal-demo.mp4"
_MAX_TRIM_SECONDS = 10.0
_TITLE_SECONDS = 3.0


def add_parser(commands: Any) -> None:
    """Add the command."""
    demo = add_command(commands, "demo", "run the full workflow once: sample clip to MP4")
    demo.add_argument(
        "input", nargs="?", metavar="INPUT", help="a file to edit (default: a generated sample)"
    )
    demo.add_argument(
        "-o", "--output", metavar="FILE", help="output file (default: nemolocal-demo.mp4)"
    )
    add_overwrite(demo)
    add_like_cloud(demo, has_base_url=False)
    demo.add_argument(
        "--json",
        action="store_true",
        help="print the result as JSON, as `nemolocal edit --json` does",
    )


def run(arguments: argparse.Namespace) -> int:
    """Edit INPUT, or a generated sample, on an embedded server."""
    from ..client_factory import open_client
    from ..edit_session import EditSession
    from ..embedded_server import EmbeddedServer
    from ..path_arguments import check_inputs, is_url, resolve_output, warn_about_extension
    from ..progress_display import open_display
    from ..safe_output import print_json
    from ..single_edit import edit_report

    inputs = [] if arguments.input is None else [arguments.input]
    if any(map(is_url, inputs)):
        raise UsageError("the demo takes a local file; for a URL, use `nemolocal edit URL`")
    check_inputs(inputs)
    destination = resolve_output(arguments.output, Path(DEFAULT_OUTPUT), inputs)
    warn_about_extension(destination)
    with open_display(results=not arguments.json) as display, contextlib.ExitStack() as stack:
        source = arguments.input or _sample(stack, display)
        client = stack.enter_context(
            open_client(None, display.show_notice, own=EmbeddedServer(arguments.like_cloud))
        )
        client.connect()
        edit_session = EditSession(client, display, destination, overwrite=arguments.overwrite)
        length = edit_session.upload(source)
        edit_session.run_messages(demo_messages(length))
        edit_session.export()
        if arguments.json:
            print_json(edit_report(edit_session, client), indent=2)
    return 0


def demo_messages(length: float) -> list[str]:
    """Return the messages for a file of `length` seconds (0 for a picture)."""
    kept = round(min(_MAX_TRIM_SECONDS, length / 2), 1)
    title = min(_TITLE_SECONDS, kept) or _TITLE_SECONDS
    trim = [f"trim to the first {kept:g} seconds"] if kept else []
    return [
        *trim,
        f'add a title "Paradise Found" for the first {title:g} seconds',
        "add lo-fi background music at 35% volume",
    ]


def _sample(stack: contextlib.ExitStack, display: "Display") -> str:
    # Imported late: it takes a fifth of the time of `--help`.
    import asyncio

    from nemolocal_render.ffmpeg_cli import FFmpegFailed
    from nemolocal_render.synthetic.sample_media import make_sample
    from nemolocal_render.temporary_folder import TemporaryFolder

    path = stack.enter_context(TemporaryFolder("demo")) / "sample.mp4"
    display.show_line("Generating a sample clip")
    try:
        asyncio.run(make_sample(path))
    except FFmpegFailed as error:
        raise CommandError(
            f"cannot generate the sample clip ({error}): run `nemolocal doctor`"
        ) from error
    return str(path)
