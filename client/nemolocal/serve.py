"""`nemolocal serve`: the server in the foreground."""

import argparse
import sys
from pathlib import Path

from .problem import Problem


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, which is how it ends well; the base URL goes to stdout."""
    from nemolocal_server.serving import PortTaken, serve
    from nemolocal_server.settings import Settings
    from nemolocal_server.store import StoreError

    given = {
        name: value
        for name, value in vars(arguments).items()
        if name in Settings.__struct_fields__ and value is not None
    }
    try:
        settings = Settings(**given, data_dir=_folder(arguments.data))
    except ValueError as error:
        raise Problem(str(error)) from error
    try:
        serve(settings, _announce)
    except (PortTaken, StoreError) as error:
        raise Problem(str(error)) from error
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _folder(name: str) -> Path | None:
    return Path(name) if name else None


def _announce(base_url: str) -> None:
    print(f"Nemo Local serves {base_url} (Ctrl-C ends it)", flush=True)
