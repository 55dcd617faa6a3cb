"""`python -m nemolocal_conformance.mutants`: plays all broken peers and prints the kill matrix."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from ..client_rules import client_catalogue
from ..server_checks import catalogue
from .autopsy import Autopsy
from .clients import UNKILLED, client_mutants
from .clients.play import play_client_mutant
from .matrix import as_markdown, section
from .play import play_mutant
from .servers import server_mutants


def main() -> int:
    """0 where every mutant is killed as it must be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m nemolocal_conformance.mutants")
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        clients = [_told(one) for one in pool.map(_play_client, client_mutants())]
        servers = [_told(one) for one in pool.map(_play_server, server_mutants())]
    broken_servers = section("Broken servers", server_mutants(), servers, catalogue(), {})
    broken_clients = section(
        "Broken clients", client_mutants(), clients, client_catalogue(), UNKILLED
    )
    print(as_markdown(broken_servers, broken_clients), end="")
    return 0 if all(autopsy.right for autopsy in (*servers, *clients)) else 1


def _play_server(name: str) -> Autopsy:
    return play_mutant(server_mutants()[name])


def _play_client(name: str) -> Autopsy:
    return play_client_mutant(client_mutants()[name])


def _told(autopsy: Autopsy) -> Autopsy:
    print(f"{autopsy.mutant}: {'killed' if autopsy.right else 'WRONG'}", file=sys.stderr)
    return autopsy


if __name__ == "__main__":
    sys.exit(main())
