"""`python -m tests.mutation`: runs all mutants and writes the kill matrix.

`generated-clients` runs the client mutants that are made by a program instead.
"""

import argparse
import sys
from collections.abc import Sequence

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.mutation_scores import MutationScore
from nemolocal_conformance.server_checks import server_catalogue

from .clients import UNKILLABLE_CHECKS, client_mutants
from .generated import generated_command
from .generated_clients import generated_command as generated_clients_command
from .kill_matrix import FILE, as_markdown, section
from .mutation_result import MutationResult
from .parallel import run_client_mutants, run_server_mutants
from .score_file import write_scores
from .servers import server_mutants


def main() -> int:
    """Return 0 if every mutant is killed by the right checks, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    commands = parser.add_subparsers(dest="command", title="commands")
    generated_command.add_arguments(
        commands.add_parser("generated", help="run the generated server mutants")
    )
    generated_clients_command.add_arguments(
        commands.add_parser("generated-clients", help="run the generated client mutants")
    )
    options = parser.parse_args()
    if options.command == "generated":
        return generated_command.run(options)
    if options.command == "generated-clients":
        return generated_clients_command.run(options)
    jobs = options.jobs
    clients = [_print_result(one) for one in run_client_mutants(client_mutants(), jobs)]
    servers = [_print_result(one) for one in run_server_mutants(server_mutants(), jobs)]
    server_section = section("Server mutants", server_mutants(), servers, server_catalogue(), {})
    client_section = section(
        "Client mutants", client_mutants(), clients, client_catalogue(), UNKILLABLE_CHECKS
    )
    FILE.write_text(as_markdown(server_section, client_section), encoding="utf-8")
    write_scores(server=_score(servers), client=_score(clients))
    results = (*servers, *clients)
    print(f"{sum(result.seconds for result in results):.0f} s of processor time")
    wrong = [result.mutant_id for result in results if not result.is_killed]
    print(f"wrong: {', '.join(wrong)}" if wrong else f"all {len(results)} are killed")
    return int(bool(wrong))


def _score(results: Sequence[MutationResult]) -> MutationScore:
    return MutationScore(len(results), sum(result.is_killed for result in results))


def _print_result(result: MutationResult) -> MutationResult:
    ended = "killed" if result.is_killed else "WRONG"
    print(f"{result.mutant_id}: {ended}, {result.seconds:.1f} s", file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
