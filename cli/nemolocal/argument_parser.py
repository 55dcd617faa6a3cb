"""An argument parser that suggests the nearest word and prints the right usage."""

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

# The exit status of wrong usage.
_USAGE = 2


class SuggestingParser(argparse.ArgumentParser):
    """Reports unknown arguments with the usage of their sub-command, and the nearest word."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Report unknown arguments here: argparse would print the usage of the whole command.

        Without any argument where a command is required, print the help.
        """
        if self._subparsers is not None and not (sys.argv[1:] if args is None else args):
            self.print_help(sys.stderr)
            self.exit(_USAGE)
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = [name for name in self._option_string_actions if name.startswith("--")]
            meant = _suggestion(unknown[0].partition("=")[0], options)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            meant = _suggestion(str(value), map(str, action.choices or ()))
            # With a suggestion, the whole list is noise.
            said = f"unknown value {value!r}{meant}" if meant else error.message
            raise argparse.ArgumentError(action, said) from None


def add_command(
    commands: Any, name: str, about: str, description: str = "", **options: Any
) -> argparse.ArgumentParser:
    """Add a command; its help is `description`, or `about` as a sentence."""
    if description:
        options["formatter_class"] = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=description or as_sentence(about), **options
    )
    return parser


def as_sentence(words: str) -> str:
    """Return words as a sentence; `str.capitalize` would turn `MP4` into `mp4`."""
    return f"{words[:1].upper()}{words[1:]}."


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
