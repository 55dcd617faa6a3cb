"""`nemolocal skill`: checks, runs and creates skill documents."""

import argparse
import importlib
from typing import Any

from ..argument_parser import add_command


def add_parser(commands: Any) -> None:
    """Add the command and its actions."""
    skill = add_command(commands, "skill", "check, run or write a SKILL.md")
    actions = skill.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = add_command(actions, "check", "report errors in a SKILL.md")
    check.add_argument("file", nargs="+", metavar="FILE", help="a SKILL.md or its folder")
    check.add_argument(
        "--format",
        choices=("text", "json", "sarif"),
        default="text",
        help="output format (default: %(default)s)",
    )
    run = add_command(actions, "run", "run the calls of a SKILL.md against a temporary server")
    run.add_argument("file", metavar="FILE", help="a SKILL.md or its folder")
    run.add_argument("--json", action="store_true", help="print the results as JSON")
    new = add_command(actions, "new", "write a SKILL.md template")
    new.add_argument(
        "name", metavar="NAME", help="name of the skill: lowercase letters, digits and hyphens"
    )
    new.add_argument("-o", "--output", metavar="FILE", help="output file (default: SKILL.md)")


def run(arguments: argparse.Namespace) -> int:
    """Run the action; its module is imported only now."""
    action = importlib.import_module(f"..skill_{arguments.action}", __package__)
    status: int = action.run(arguments)
    return status
