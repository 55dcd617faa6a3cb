"""The arguments of `nemolocal skill` and its actions."""

from typing import Any


def add(commands: Any) -> None:
    """Add the command."""
    about = "check, run and begin the document of a skill"
    skill = commands.add_parser("skill", help=about, description=about.capitalize() + ".")
    actions = skill.add_subparsers(dest="action", metavar="ACTION", required=True)
    about = "look for what is wrong in a SKILL.md"
    check = actions.add_parser("check", help=about, description=about.capitalize() + ".")
    check.add_argument("file", nargs="+", metavar="FILE", help="a SKILL.md, or its folder")
    check.add_argument(
        "--format", choices=("text", "json", "sarif"), default="text", help="default: %(default)s"
    )
    about = "make the calls of a SKILL.md on a server of its own"
    run = actions.add_parser("run", help=about, description=about.capitalize() + ".")
    run.add_argument("file", metavar="FILE", help="a SKILL.md, or its folder")
    run.add_argument("--json", action="store_true", help="print the answers as JSON")
    about = "write a SKILL.md to begin with"
    new = actions.add_parser("new", help=about, description=about.capitalize() + ".")
    new.add_argument("name", metavar="NAME", help="small letters, digits and hyphens")
    new.add_argument("-o", "--output", metavar="FILE", help="default: SKILL.md")
