"""`nemolocal farm key`: makes the key that a server and its workers share."""

import argparse
from pathlib import Path
from typing import Any

from ..argument_parser import add_command
from ..farm_options import require_farm_extra

_DESCRIPTION = """\
Renders can run on several machines: `nemolocal serve --farm` hands the parts of
long renders to `nemolocal work` over a Temporal server. All of them need the
same key (docs/how-to/render-on-many-machines.md).
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    farm = add_command(commands, "farm", "set up renders on several machines", _DESCRIPTION)
    actions = farm.add_subparsers(dest="action", metavar="ACTION", required=True)
    key = add_command(actions, "key", "make a key for a server and its workers")
    key.add_argument("file", metavar="FILE", help="file to write, which must not exist")


def run(arguments: argparse.Namespace) -> int:
    """Write a new key; print what to do with it."""
    require_farm_extra()
    from nemolocal_farm.farm_key import FarmSetupError, write_farm_key

    from ..errors import CommandError

    try:
        write_farm_key(Path(arguments.file))
    except FarmSetupError as error:
        raise CommandError(str(error)) from error
    print(f"Wrote {arguments.file}: copy it to each machine of the farm, and keep it secret")
    return 0
