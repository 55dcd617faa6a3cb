"""The arguments of `nemolocal exec`."""

import argparse
from typing import Any

_DESCRIPTION = """\
Run any program, unchanged, with a local server in the cloud's place: its
calls to the cloud's address reach the server, every other call is refused.

On Linux the program is sealed: it runs in a network of its own, which nothing
leaves, whatever client it uses. Where that is impossible (`nemolocal doctor`
tells), it is led by a proxy, by the variables that name one, and by hooks for
Node and Python, and stderr says that it is not sealed.

Exits with the status of the program. Where that is 0: with 2 if fewer calls
were seen than --require-calls wants, or if --verdict found nothing to judge;
with 1 if --verdict found a broken MUST. Wrong usage is 2, too.
"""


def add_exec(commands: Any) -> None:
    """Add the command."""
    execute = commands.add_parser(
        "exec", help="run any program with a local server in the cloud's place",
        description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    execute.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="let calls to this host through, on ports 80 and 443 or on PORT; may be given several "
        "times; localhost:PORT is a server of this machine",
    )
    execute.add_argument(
        "--seal",
        choices=("auto", "require", "off"),
        default="auto",
        help="run the program in a network of its own: where this machine can (auto, the default), "
        "or exit with an error where it cannot (require), or never (off)",
    )
    execute.add_argument(
        "--require-calls",
        type=int,
        default=0,
        metavar="N",
        help="exit with 2 if the program succeeded and fewer calls were seen",
    )
    execute.add_argument(
        "--verdict",
        action="store_true",
        help="judge what the program did; exit with 1 if it succeeded but broke a MUST, with 2 if "
        "there was nothing to judge",
    )
    execute.add_argument("--config", metavar="FILE", help="a TOML file of settings of the server")
    execute.add_argument("--scenario", metavar="FILE", help="faults to arm, or a scenario's name")
    execute.add_argument(
        "--speed", type=float, metavar="S", help="divides the waits that the cloud would make"
    )
    execute.add_argument("--journal", metavar="FILE", help="keep what was done, as JSON lines")
    execute.add_argument("--report", metavar="FILE", help="keep the verdicts, as JSON")
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...")
