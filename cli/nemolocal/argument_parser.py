"""The argument parser of the command: it says what was meant, with the usage that is meant."""

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

# As for any other wrong usage.
_USAGE = 2


class SuggestingParser(argparse.ArgumentParser):
    """Complains by the sub-command that does not know an argument, and names the nearest word."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Nothing is unknown: argparse would complain of it by the usage of the whole command.

        Who gives no word at all where a command is due wants to know which there are.
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
            # Whoever is told what was meant need not read the whole list.
            said = f"unknown value {value!r}{meant}" if meant else error.message
            raise argparse.ArgumentError(action, said) from None


def add_command(
    commands: Any, name: str, about: str, description: str = "", **options: Any
) -> argparse.ArgumentParser:
    """Add a command; its help is `description` as it is, or `about` as a sentence."""
    if description:
        options["formatter_class"] = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=description or as_sentence(about), **options
    )
    return parser


def as_sentence(words: str) -> str:
    """Words as a sentence; `str.capitalize` would make `MP4` of them `mp4`."""
    return f"{words[:1].upper()}{words[1:]}."


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
