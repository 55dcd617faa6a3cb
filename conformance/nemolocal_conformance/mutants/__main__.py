"""`python -m nemolocal_conformance.mutants [PREFIX…]`: plays broken servers, prints who noticed."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from .matrix import as_markdown
from .play import Autopsy, play_mutant
from .servers import server_mutants


def main() -> int:
    """0 where every mutant is killed as it must be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m nemolocal_conformance.mutants")
    parser.add_argument("prefix", nargs="*", help="mutants whose id begins so; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    arguments = parser.parse_args()
    prefixes = tuple(arguments.prefix)
    names = [name for name in server_mutants() if not prefixes or name.startswith(prefixes)]
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        autopsies = []
        for autopsy in pool.map(_play, names):
            print(f"{autopsy.mutant}: {'killed' if autopsy.right else 'WRONG'}", file=sys.stderr)
            autopsies.append(autopsy)
    print(as_markdown(autopsies), end="")
    return 0 if all(autopsy.right for autopsy in autopsies) else 1


def _play(name: str) -> Autopsy:
    return play_mutant(server_mutants()[name])


if __name__ == "__main__":
    sys.exit(main())
