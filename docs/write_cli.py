"""Writes docs/reference/cli.md: every command with its arguments, from the parsers themselves.

`python docs/write_cli.py` writes the page, `--check` exits 1 if it is not up to date.
"""

import argparse
import itertools
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from nemolocal.argument_parser import SuggestingParser
from nemolocal.main import command_parser
from nemolocal.option_variables import option_variables
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "cli.md"
HEAD = """\
# Command line

Generated from the source code by `python docs/write_cli.py`; a test fails if it is out of date.

`nemolocal COMMAND --help` shows the same. [Errors](errors.md) explains exit statuses.
"""
# Commands whose options have environment variables.
WITH_VARIABLES = ("nemolocal serve",)
TABLE = "\n| argument | meaning |\n|---|---|\n"


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: page()}, arguments)


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_command(parser) for parser in _commands(command_parser()))


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers that take arguments of their own, in their order."""
    children = [
        child
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for child in action.choices.values()
    ]
    if not children:
        yield parser
    for child in children:
        yield from _commands(child)


def _command(parser: argparse.ArgumentParser) -> str:
    parts = [f"\n## {parser.prog}\n\n{_description(parser.description or '')}\n"]
    plain, named = [], []
    variables = _variables(parser)
    for group in parser._action_groups:
        rows = "".join(
            _row(action, variables) for action in group._group_actions if action.dest != "help"
        )
        if group.title in ("options", "positional arguments"):
            plain.append(rows)
        elif rows:
            named.append(f"\n{_text(group.title or '')}:\n{TABLE}{rows}")
    if any(plain):
        parts.append(f"{TABLE}{''.join(plain)}")
    return "".join([*parts, *named])


def _description(text: str) -> str:
    """Paragraphs as Markdown; commands and columns, which the help aligns, as they stand."""
    parts = []
    for paragraph in textwrap.dedent(text).strip("\n").split("\n\n"):
        for is_aligned, lines in itertools.groupby(paragraph.splitlines(), key=_is_aligned):
            found = "\n".join(lines)
            parts.append(f"```text\n{textwrap.dedent(found)}\n```" if is_aligned else _text(found))
    return "\n\n".join(parts)


def _is_aligned(line: str) -> bool:
    return "  " in line


def _variables(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The variables of the options of a command, by destination."""
    if parser.prog not in WITH_VARIABLES or not isinstance(parser, SuggestingParser):
        return {}
    return {option.dest: variable for option, variable in option_variables(parser)}


def _row(action: argparse.Action, variables: dict[str, str]) -> str:
    meaning = (action.help or "") % {**vars(action), "prog": "nemolocal"}
    variable = f" `{variables[action.dest]}`" if action.dest in variables else ""
    return f"| {_argument(action)} | {_text(meaning)}{variable} |\n"


def _argument(action: argparse.Action) -> str:
    """As it is typed: `-o`, `--output FILE`."""
    value = action.metavar or action.dest.upper()
    if isinstance(value, tuple):
        value = " ".join(value)
    if action.choices:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return f"`{value}`"
    takes = "" if action.nargs == 0 else f" {value}"
    return ", ".join(f"`{name}{takes}`" for name in action.option_strings)


def _text(text: str) -> str:
    """Words of a help as one line of Markdown."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
