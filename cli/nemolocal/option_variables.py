"""Options that environment variables set where the command line does not."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from .argument_parser import SuggestingParser
from .errors import UsageError

_PREFIX = "NEMOLOCAL_"
_SEPARATOR = ","
_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
# What is done instead of the command: a variable that asks for it would hide the command.
_ACTIONS = ("self_check",)
# An empty value means something: `--data ''` keeps all data in memory.
_MAY_BE_EMPTY = ("data",)


def option_variables(parser: SuggestingParser) -> Iterator[tuple[argparse.Action, str]]:
    """Yield the options of a command that have a variable, with its name."""
    for option in parser.options:
        if option.dest not in _ACTIONS:
            yield option, variable_name(option)


def variable_name(option: argparse.Action) -> str:
    """Return the variable of an option: `--silent-rate` has NEMOLOCAL_SILENT_RATE."""
    words = option.option_strings[-1].lstrip("-")
    return _PREFIX + words.replace("-", "_").upper()


def add_from_variables(
    parser: SuggestingParser, arguments: argparse.Namespace, environment: Mapping[str, str]
) -> None:
    """Set the options that were not given, those that are None, from their variables.

    An empty variable is as one that is not set. Raises `UsageError` with the variable for a value
    that the option does not allow, and for two options that cannot be combined.
    """
    given = {option.dest for option in parser.options if _is_given(arguments, option)}
    used: dict[str, str] = {}
    for option, variable in option_variables(parser):
        text = environment.get(variable)
        if text is None or (not text and option.dest not in _MAY_BE_EMPTY):
            continue
        others = [other.dest for other in parser.exclusive_with(option)]
        if option.dest in given or not given.isdisjoint(others):
            continue
        for other in used.keys() & set(others):
            raise UsageError(f"{used[other]} and {variable} cannot be combined: unset one")
        used[option.dest] = variable
        try:
            setattr(arguments, option.dest, _read(parser, option, text))
        except ValueError as error:
            raise UsageError(f"{variable}: {error}") from None


def _is_given(arguments: argparse.Namespace, option: argparse.Action) -> bool:
    return getattr(arguments, option.dest) is not None


def _read(parser: SuggestingParser, option: argparse.Action, text: str) -> Any:
    """Return a text as the option's value; raises ValueError with what is allowed."""
    if option.nargs == 0:
        return option.const if _read_switch(text) else not option.const
    if isinstance(option, argparse._AppendAction):
        return [parser.read_value(option, part) for part in _parts(text)]
    if isinstance(option.nargs, int):
        parts = _parts(text)
        if len(parts) != option.nargs:
            names = _SEPARATOR.join(option.metavar or ())
            raise ValueError(f"must be {names}, not {text!r}")
        return [parser.read_value(option, part) for part in parts]
    return parser.read_value(option, text)


def _read_switch(text: str) -> bool:
    word = text.strip().lower()
    if word not in (*_ON, *_OFF):
        raise ValueError(f"must be 1 or 0, not {text!r}")
    return word in _ON


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(_SEPARATOR) if part.strip()]
