"""`python -m tests.mutation`: runs all mutants and prints the kill matrix."""

import argparse
import sys

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.server_checks import server_catalogue

from .clients import UNKILLABLE_CHECKS, client_mutants
from .kill_matrix import as_markdown, section
from .mutation_result import MutationResult
from .parallel import run_client_mutants, run_server_mutants
from .servers import server_mutants


def main() -> int:
    """Return 0 if every mutant is killed by the right checks, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    jobs = parser.parse_args().jobs
    clients = [_print_result(one) for one in run_client_mutants(client_mutants(), jobs)]
    servers = [_print_result(one) for one in run_server_mutants(server_mutants(), jobs)]
    broken_servers = section("Broken servers", server_mutants(), servers, server_catalogue(), {})
    broken_clients = section(
        "Broken clients", client_mutants(), clients, client_catalogue(), UNKILLABLE_CHECKS
    )
    print(as_markdown(broken_servers, broken_clients), end="")
    return 0 if all(result.is_killed for result in (*servers, *clients)) else 1


def _print_result(result: MutationResult) -> MutationResult:
    print(f"{result.mutant_id}: {'killed' if result.is_killed else 'WRONG'}", file=sys.stderr)
    return result


if __name__ == "__main__":
    sys.exit(main())
