"""Builds the sdist, and the wheel from the sdist; both are the same bytes each time."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .provenance import sha256
from .release_text import ReleaseError


def source_date(root: Path) -> int:
    """Return the time of the commit in seconds since the epoch, which files in archives get.

    Without a repository, that of pyproject.toml.
    """
    asked = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    answered = subprocess.run(asked, capture_output=True, text=True, check=False)
    if answered.returncode or not answered.stdout.strip():
        return int((root / "pyproject.toml").stat().st_mtime)
    return int(answered.stdout)


def build_reproducibly(root: Path, folder: Path, epoch: int) -> tuple[Path, Path]:
    """Build twice; return the wheel and the sdist in `folder`.

    Raises `ReleaseError` if the two builds differ: nobody could verify the published files then.
    """
    wheel, sdist = _build(root, folder, epoch)
    with tempfile.TemporaryDirectory(prefix="nemolocal-again-") as other:
        for first, again in zip((wheel, sdist), _build(root, Path(other), epoch), strict=True):
            if sha256(first) != sha256(again):
                raise ReleaseError(f"two builds of {first.name} differ: find out why, and fix it")
    return wheel, sdist


def check_distributions(root: Path, files: Sequence[Path]) -> None:
    """Check what PyPI shows, and the content of the wheel."""
    module = [sys.executable, "-m"]
    subprocess.run([*module, "twine", "check", "--strict", *map(str, files)], check=True)
    wheels = [str(path) for path in files if path.suffix == ".whl"]
    subprocess.run([*module, "check_wheel_contents", *wheels], cwd=root, check=True)


def _build(root: Path, folder: Path, epoch: int) -> tuple[Path, Path]:
    command = [sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(folder)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run([*command, str(root)], env=environment, stdout=subprocess.DEVNULL, check=True)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist
