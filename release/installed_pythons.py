"""The Pythons of this machine on which a release is tried."""

import subprocess
import sys
from pathlib import Path

from .release_text import supported_pythons


def find_pythons(root: Path) -> dict[str, str]:
    """Return the path of each supported Python that is installed, by version; says which are not.

    The Python that runs this is always one of them.
    """
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {here: sys.executable}
    for version in supported_pythons(root):
        if version in found:
            continue
        asked = ["uv", "python", "find", "--system", "--no-python-downloads", "--no-project"]
        answered = subprocess.run([*asked, version], capture_output=True, text=True, check=False)
        if answered.returncode:
            print(f"release: Python {version} is not installed: not tried there", flush=True)
        else:
            found[version] = answered.stdout.strip()
    return found
