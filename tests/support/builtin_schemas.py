"""The schemas that check-jsonschema comes with, for files that other programs read."""

import subprocess
import sys
from pathlib import Path


def require_schema(name: str, *files: Path) -> None:
    """Fail with what the files violate; `name` is that of `check-jsonschema --builtin-schema`."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
