"""The arguments of commands that write a film."""

import argparse


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Add --overwrite."""
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an older file, not add a number to the name; an INPUT is never replaced",
    )
