"""Builds the sdist and the wheel, checks both, tries the wheel, and writes its provenance.

With `--tag`, for publishing, the tag must fit the version and the changelog.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .distributions import build_reproducibly, check_distributions, source_date
from .installed_pythons import find_pythons
from .provenance import write_build_info, write_checksums, write_sbom
from .release_text import ReleaseError, project_version, require_ready
from .smoke_test import install, resolve_extras, try_wheel

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Return 0 if the release is whole, 1 with a line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("--tag", help="the tag that is published, such as v0.1.0")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "dist",
        help="folder for packages/ and provenance/ (default: dist)",
    )
    arguments = parser.parse_args()
    try:
        if arguments.tag:
            require_ready(ROOT, arguments.tag)
        _release(arguments.output)
    except ReleaseError as problem:
        print(f"release: {problem}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"release: failed: {error.cmd}", file=sys.stderr)
        return 1
    return 0


def _release(output: Path) -> None:
    version, epoch = project_version(ROOT), source_date(ROOT)
    packages, provenance = output / "packages", output / "provenance"
    for folder in (packages, provenance):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    wheel, sdist = build_reproducibly(ROOT, packages, epoch)
    check_distributions(ROOT, [wheel, sdist])
    pythons = find_pythons(ROOT)
    with tempfile.TemporaryDirectory(prefix="nemolocal-release-") as temporary:
        for name, python in pythons.items():
            place = Path(temporary, name)
            environment = install(wheel, python, place)
            try_wheel(ROOT, environment, place)
            resolve_extras(ROOT, wheel, environment)
            if name == min(pythons, key=_numbers):
                write_sbom(ROOT, environment, provenance / f"nemolocal-{version}.cdx.json")
            print(f"release: the wheel works on Python {name}", flush=True)
    write_build_info(ROOT, wheel, epoch, provenance / "build.json")
    write_checksums([wheel, sdist], provenance / "SHA256SUMS")
    print(f"release: nemolocal {version} is in {output}, tried on Python {', '.join(pythons)}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    sys.exit(main())
