"""Checks the types of our JavaScript with TypeScript: `python …/check_script_types.py`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = ("typescript@5.9.3", "@types/node@20.19.0")
ROOT = Path(__file__).parents[2]
PROJECTS = (Path(__file__).with_name("jsconfig.json"), ROOT / "clients" / "node" / "tsconfig.json")


def main() -> int:
    """Return 0 if tsc finds nothing, else 1; 0 where there is no npm to fetch it, which is said."""
    npm = shutil.which("npm")
    if npm is None:
        print("skipped: tsc comes from npm, and there is no npm on the PATH")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fetch = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder]
        subprocess.run([*fetch, *PACKAGES], check=True)
        modules = Path(folder) / "node_modules"
        compiler = [str(modules / ".bin" / "tsc"), "--typeRoots", str(modules / "@types")]
        found = [
            subprocess.run([*compiler, "--noEmit", "--project", str(project)], check=False)
            for project in PROJECTS
        ]
    return int(any(checked.returncode for checked in found))


if __name__ == "__main__":
    sys.exit(main())
