"""The argument that lets a server fetch files by URL."""

import argparse


def add_fetch_from(parser: argparse.ArgumentParser, *, of_its_own: bool = True) -> None:
    """Add --fetch-from; `of_its_own`: to a command that runs a server of its own."""
    where = "the command's own server" if of_its_own else "the server"
    parser.add_argument(
        "--fetch-from",
        action="append",
        metavar="HOST",
        help=f"a host (host, host:port, or * for any) from which {where} may fetch URLs; may be "
        "given several times",
    )
