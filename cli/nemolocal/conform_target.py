"""The server that `nemolocal conform` judges, and on whose behalf it is asked."""

import argparse
import contextlib
import os
from collections.abc import Iterator

from nemolocal_contract.endpoints import Attribution

from .attribution import installed_version


def harness_attribution() -> Attribution:
    """What the calls of the harness say of themselves (CLI-1)."""
    return Attribution("nemolocal-conformance", installed_version())


def resolve_token(arguments: argparse.Namespace) -> str:
    """The token of the user, for a server that is the user's."""
    return arguments.token or (os.environ.get("NEMO_TOKEN", "") if arguments.base_url else "")


@contextlib.contextmanager
def open_target(base_url: str | None) -> Iterator[str]:
    """The server that is judged: the one named, or one whose time jumps."""
    if base_url is not None:
        yield base_url
        return
    from nemolocal_contract.clock import ManualClock
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings

    with LocalServer(Settings(port=0), ManualClock(autojump=True)) as server:
        yield server.base_url
