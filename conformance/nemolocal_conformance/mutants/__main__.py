"""`python -m nemolocal_conformance.mutants`: plays all broken peers and prints the kill matrix."""

import argparse
import sys

from ..client_rules import client_catalogue
from ..server_checks import catalogue
from .autopsy import Autopsy
from .clients import UNKILLED, client_mutants
from .matrix import as_markdown, section
from .rounds import play_clients, play_servers
from .servers import server_mutants


def main() -> int:
    """0 where every mutant is killed as it must be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m nemolocal_conformance.mutants")
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    jobs = parser.parse_args().jobs
    clients = [_told(one) for one in play_clients(client_mutants(), jobs)]
    servers = [_told(one) for one in play_servers(server_mutants(), jobs)]
    broken_servers = section("Broken servers", server_mutants(), servers, catalogue(), {})
    broken_clients = section(
        "Broken clients", client_mutants(), clients, client_catalogue(), UNKILLED
    )
    print(as_markdown(broken_servers, broken_clients), end="")
    return 0 if all(autopsy.right for autopsy in (*servers, *clients)) else 1


def _told(autopsy: Autopsy) -> Autopsy:
    print(f"{autopsy.mutant}: {'killed' if autopsy.right else 'WRONG'}", file=sys.stderr)
    return autopsy


if __name__ == "__main__":
    sys.exit(main())
