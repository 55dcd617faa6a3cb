"""The server that `nemolocal conform` checks, and the attribution of the calls."""

import argparse
import contextlib
import os
from collections.abc import Iterator

from nemolocal_contract.endpoints import Attribution

from .attribution import installed_version


def harness_attribution() -> Attribution:
    """Return the attribution headers of the harness (CLI-1)."""
    return Attribution("nemolocal-conformance", installed_version())


def resolve_token(arguments: argparse.Namespace) -> str:
    """Return the user's token, if the server is the user's own choice."""
    return arguments.token or (os.environ.get("NEMO_TOKEN", "") if arguments.base_url else "")


@contextlib.contextmanager
def open_target(base_url: str | None) -> Iterator[str]:
    """Open the server of --base-url, or a new one on a clock that jumps."""
    if base_url is not None:
        yield base_url
        return
    from nemolocal_contract.clock import ManualClock
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

    with LocalServer(Settings(port=0), ManualClock(autojump=True)) as server:
        yield server.base_url
