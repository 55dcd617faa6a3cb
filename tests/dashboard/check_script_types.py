"""Checks the types of the pages' scripts with TypeScript: `python …/check_script_types.py`."""

import shutil
import subprocess
import sys
from pathlib import Path

TYPESCRIPT = "typescript@5.9.3"


def main() -> int:
    """Return the exit status of tsc; 0 where there is no npx to run it, which is said."""
    npx = shutil.which("npx")
    if npx is None:
        print("skipped: tsc comes from npm, and there is no npx on the PATH")
        return 0
    project = Path(__file__).with_name("jsconfig.json")
    command = [npx, "--yes", "--package", TYPESCRIPT, "tsc", "--noEmit", "--project", str(project)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
