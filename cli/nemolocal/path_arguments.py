"""Checks the files of a command line: inputs exist, and the output overwrites none of them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from nemolocal_client import check_destination
from nemolocal_client.client_flows import validate_text
from nemolocal_client.local_files import CHECK_NAME_REMEDY, file_size, local_path

from .errors import CommandError, UsageError

# M4V is MP4 under another name.
_MP4_EXTENSIONS = (".mp4", ".m4v")


def is_url(name: str) -> bool:
    """Whether an INPUT is a URL, which the server fetches."""
    return name.lower().startswith(("http://", "https://"))


def check_inputs(names: Sequence[str]) -> None:
    """Raise `CommandError` or `FileProblem` for the first INPUT that cannot be uploaded."""
    for name in names:
        if is_url(name):
            validate_text(name, "the URL")
            continue
        if name and not os.path.lexists(name):
            raise CommandError(f"file not found: {name}: {CHECK_NAME_REMEDY}")
        file_size(local_path(name))


def resolve_output(output: str | None, default: Path, inputs: Sequence[str]) -> Path:
    """Return the output path: that of -o, which must not be an INPUT, or else the default.

    The export adds a number to a default name that is an INPUT.
    """
    if output is None:
        check_destination(default)
        return default
    path = local_path(output)
    check_destination(path, inputs=inputs)
    return path


def warn_about_extension(destination: Path) -> None:
    """Warn about an output whose extension is not that of MP4."""
    if destination.suffix.lower() not in _MP4_EXTENSIONS:
        print(f"warning: {destination} will be an MP4 file despite its extension", file=sys.stderr)


def check_url_inputs(names: Sequence[str], base_url: str | None, allowed: Sequence[str]) -> None:
    """Raise `UsageError` for a URL that the embedded server would not fetch."""
    if base_url and allowed:
        raise UsageError(
            "--fetch-from cannot be combined with --base-url: start that server with "
            "`nemolocal serve --fetch-from HOST`"
        )
    if allowed:
        _check_hosts(allowed)
    for name in filter(is_url, names):
        host, port = _host_and_port(name)
        if not base_url and not _is_fetch_allowed(allowed, host, port):
            raise UsageError(
                f"{name} is not fetched by default: add --fetch-from {host}, or download the file "
                "first"
            )


def _check_hosts(allowed: Sequence[str]) -> None:
    from nemolocal_server.uploads.url_fetcher import check_host_patterns

    try:
        check_host_patterns(allowed)
    except ValueError as error:
        raise UsageError(str(error).replace("fetch_from", "--fetch-from")) from error


def _host_and_port(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"invalid URL {url} ({error}): check it") from error
    if not host:
        raise UsageError(f"invalid URL {url} (no host): check it")
    return host, port


def _is_fetch_allowed(allowed: Sequence[str], host: str, port: int | None) -> bool:
    if not allowed:
        return False
    from nemolocal_server.uploads.url_fetcher import is_host_allowed

    return is_host_allowed(allowed, host, port)
