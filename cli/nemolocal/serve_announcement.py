"""What `nemolocal serve` prints when the server is ready: lines of text, or one line of JSON."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nemolocal_contract.endpoints import CONTROL_TOKEN, UI_PREFIX

from .attribution import installed_version
from .safe_output import print_json

if TYPE_CHECKING:
    from nemolocal_server.settings_file import SettingsFile


class ReadyServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is ready: the JSON object of `serve --json`.

    `dashboard` is None without one. `control_token` is a token that was generated because other
    machines can reach the server, else None: one that was given is not repeated. `data_dir` is None
    if all data is in memory, `settings_file` if no file was read.
    """

    base_url: str
    dashboard: str | None
    control_token: str | None
    data_dir: str | None
    settings_file: str | None
    version: str


def ready_server(
    base_url: str,
    *,
    has_dashboard: bool,
    generated_token: str,
    data_dir: Path | None,
    file: "SettingsFile | None",
) -> ReadyServer:
    """Return the description of a server; `generated_token` is "" if none was generated."""
    return ReadyServer(
        base_url=base_url,
        dashboard=f"{base_url}{UI_PREFIX}" if has_dashboard else None,
        control_token=generated_token or None,
        data_dir=None if data_dir is None else str(data_dir),
        settings_file=None if file is None else str(file),
        version=installed_version(),
    )


def announce_server(ready: ReadyServer, *, as_json: bool) -> None:
    """Print the server to stdout, the base URL first."""
    if as_json:
        print_json(ready)
        return
    print(f"Nemo Local serves {ready.base_url} (Ctrl-C ends it)", flush=True)
    if ready.control_token:
        print(
            "Other machines can reach the server, so the control API requires this header: "
            f"{CONTROL_TOKEN}: {ready.control_token}",
            flush=True,
        )
    if ready.dashboard:
        print(f"Dashboard: {ready.dashboard}", flush=True)
    if ready.settings_file:
        print(f"Settings: {ready.settings_file}", flush=True)
