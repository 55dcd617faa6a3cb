"""An argument parser that suggests the nearest word and prints the right usage."""

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

# The exit status of wrong usage.
_USAGE = 2
_NUMBERS: dict[Any, str] = {int: "a whole number", float: "a number"}


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

    @property
    def options(self) -> list[argparse.Action]:
        """The options in the order of the help, without --help."""
        return [one for one in self._actions if one.option_strings and one.dest != "help"]

    def exclusive_with(self, option: argparse.Action) -> list[argparse.Action]:
        """Return the options that cannot be combined with this one."""
        groups = (group._group_actions for group in self._mutually_exclusive_groups)
        return [one for group in groups if option in group for one in group if one is not option]

    def read_value(self, option: argparse.Action, text: str) -> Any:
        """Return a text as the value of an option; raises ValueError with what is allowed."""
        try:
            value = self._get_value(option, text)
            self._check_value(option, value)
        except argparse.ArgumentError as error:
            wanted = _NUMBERS.get(option.type)
            raise ValueError(
                f"must be {wanted}, not {text!r}" if wanted else error.message
            ) from None
        return value

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
