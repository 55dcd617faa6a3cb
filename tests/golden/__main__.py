"""`python -m tests.golden`: compare every frozen file; with `--update`, make them all again."""

import argparse
import sys
from collections.abc import Sequence

from . import frozen
from .catalogue import catalogue
from .surroundings import fixed_surroundings


def main(argv: Sequence[str] | None = None) -> int:
    """0 where all files are as they should be (now, with `--update`), else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write what has changed; always all")
    update = parser.parse_args(argv).update
    # All of it is made before anything is written: an update is whole or is none.
    with fixed_surroundings():
        created = {name: make() for name, make in catalogue().items()}
    stale = sorted(frozen.stored() - created.keys())
    if update:
        for name, text in created.items():
            verb = "changed" if frozen.read(name) is not None else "new"
            if frozen.write(name, text):
                print(f"{verb}: {name}")
        for name in stale:
            (frozen.FOLDER / name).unlink()
            print(f"removed: {name}")
        return 0
    wrong = {
        name: reported
        for name, text in created.items()
        if (reported := frozen.difference(name, text))
    }
    for reported in wrong.values():
        print(reported)
    for name in stale:
        print(f"stale: {name} is made by nothing any more")
    return 1 if wrong or stale else 0


if __name__ == "__main__":
    sys.exit(main())
