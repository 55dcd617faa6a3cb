"""The surroundings in which files are made: the same ones everywhere."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from unittest import mock

_OURS = ("NEMO", "SKILL_", "XDG_")
_FIXED = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "TZ": "UTC", "LC_ALL": "C.UTF-8"}


@contextlib.contextmanager
def fixed_surroundings() -> Iterator[None]:
    """No variable of the user's, a terminal of 100 columns without colours, an empty folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    kept.pop("FORCE_COLOR", None)
    try:
        with tempfile.TemporaryDirectory(prefix="nemolocal-golden-") as folder:
            fixed = {**kept, **_FIXED, "HOME": folder, "NEMOLOCAL_CONFIG_DIR": folder}
            with mock.patch.dict(os.environ, fixed, clear=True), contextlib.chdir(folder):
                time.tzset()
                yield
    finally:
        time.tzset()
