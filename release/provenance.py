"""What lets others verify a release: checksums, a list of its components, how it was built."""

import hashlib
import json
import platform
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path


def sha256(path: Path) -> str:
    """Return the digest of a file in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_checksums(files: Iterable[Path], target: Path) -> None:
    """Write the checksums as `sha256sum --check` reads them, in the folder of the packages."""
    lines = [f"{sha256(path)}  {path.name}\n" for path in files]
    target.write_text("".join(lines), encoding="utf-8")


def write_sbom(root: Path, python: Path, target: Path) -> None:
    """Write the installed components of an environment as CycloneDX JSON."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", str(python)]
    options = ["--pyproject", str(root / "pyproject.toml"), "--output-reproducible"]
    subprocess.run([*command, *options, "--output-file", str(target)], check=True)


def write_build_info(root: Path, wheel: Path, epoch: int, target: Path) -> None:
    """Write commit, time and tools: what a second build needs to get the same bytes."""
    info = {
        "commit": _git(root, "rev-parse", "HEAD"),
        "changed_since_commit": bool(_git(root, "status", "--porcelain")),
        "source_date_epoch": epoch,
        "python": platform.python_version(),
        "build_backend": _generator(wheel),
    }
    target.write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def _git(root: Path, *words: str) -> str | None:
    """Return what git says; None without git or a repository."""
    asked = ["git", "-C", str(root), *words]
    answered = subprocess.run(asked, capture_output=True, text=True, check=False)
    return None if answered.returncode else answered.stdout.strip()


def _generator(wheel: Path) -> str:
    """Return the build backend that a wheel names, with its version."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/WHEEL")]
        lines = archive.read(name).decode().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("Generator: "))
