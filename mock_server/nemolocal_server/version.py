"""The version of the project."""

import functools
from importlib.metadata import version


@functools.cache
def installed_version() -> str:
    """Return the installed version; cached, since the lookup reads every folder of `sys.path`."""
    return version("nemolocal")
