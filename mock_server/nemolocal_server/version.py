"""Which version of the project serves."""

import functools
from importlib.metadata import version


@functools.cache
def installed_version() -> str:
    """The installed version; looked up once, since that reads every folder of `sys.path`."""
    return version("nemolocal")
