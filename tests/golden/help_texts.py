"""`--help` of every command, as wide as a terminal of 100 columns.

argparse lays it out a little differently in each Python: 3.13 tells `-o, --output FILE` where
earlier ones tell `-o FILE, --output FILE`, and leaves room for the indented names of commands. All
are made to write it as 3.13 does.
"""

import argparse
import contextlib
import importlib
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from unittest import mock

from nemolocal.main import main

Command = Callable[[], int]
_MODULES = {
    "bench_agent": "benchmarks.agent",
    "bench_dashboard": "benchmarks.dashboard",
    "bench_recorder": "benchmarks.recorder",
    "bench_render": "benchmarks.render",
    "bench_server": "benchmarks.server",
    "conformance_mutants": "tests.mutation.__main__",
}


def help_texts() -> Iterator[tuple[str, Callable[[], str]]]:
    """The texts by command: `nemolocal`, `skill_check`."""
    for words in _commands():
        yield "_".join(words) or "nemolocal", partial(_help, main, words)
    for name, module in _MODULES.items():
        yield name, partial(_module_help, module)


def _commands() -> list[tuple[str, ...]]:
    """The words of each command, as its parser knows them."""
    found: list[tuple[str, ...]] = []
    waiting: list[tuple[tuple[str, ...], argparse.ArgumentParser]] = [((), _parser_of(main))]
    while waiting:
        words, parser = waiting.pop(0)
        found.append(words)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += [((*words, name), inner) for name, inner in action.choices.items()]
    return found


def _parser_of(command: Command) -> argparse.ArgumentParser:
    """The parser that a command reads its arguments with."""
    caught: list[argparse.ArgumentParser] = []

    def catch(parser: argparse.ArgumentParser, *_: object) -> None:
        caught.append(parser)
        raise SystemExit

    read = mock.patch.object(argparse.ArgumentParser, "parse_args", catch)
    with read, contextlib.suppress(SystemExit):
        command()
    return caught[0]


def _help(command: Command, words: tuple[str, ...]) -> str:
    parser = _parser_of(command)
    for word in words:
        (actions,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        parser = actions.choices[word]
    with mock.patch.multiple(
        argparse.HelpFormatter, _format_action_invocation=_invocation, add_argument=_add_argument
    ):
        return _with_usage_rewrapped(parser.format_help())


def _with_usage_rewrapped(text: str) -> str:
    """The text with its usage broken between words, since Pythons break groups differently."""
    usage, rest = text.split("\n\n", 1)
    words = " ".join(usage.split())
    lines = textwrap.wrap(
        words, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) + "\n\n" + rest


def _module_help(module: str) -> str:
    return _help(importlib.import_module(module).main, ())


def _invocation(formatter: argparse.HelpFormatter, action: argparse.Action) -> str:
    """How an argument is given: all spellings of an option, and once what follows it."""
    if not action.option_strings:
        default = formatter._get_default_metavar_for_positional(action)
        return " ".join(formatter._metavar_formatter(action, default)(1))
    spellings = ", ".join(action.option_strings)
    if action.nargs == 0:
        return spellings
    default = formatter._get_default_metavar_for_optional(action)
    return f"{spellings} {formatter._format_args(action, default)}"


def _add_argument(formatter: argparse.HelpFormatter, action: argparse.Action) -> None:
    """Add an argument, and see how much room it and those under it take, indented as they are."""
    if action.help is argparse.SUPPRESS:
        return
    lengths = [len(_invocation(formatter, action)) + formatter._current_indent]
    for inner in formatter._iter_indented_subactions(action):
        lengths.append(len(_invocation(formatter, inner)) + formatter._current_indent)
    formatter._action_max_length = max(formatter._action_max_length, *lengths)
    formatter._add_item(formatter._format_action, [action])
