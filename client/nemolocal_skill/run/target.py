"""The server against which a document is run."""

from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from nemolocal_contract.clock import Clock


def _unknown() -> str:
    return ""


class SkillRunTarget(msgspec.Struct, frozen=True):
    """The server that a document runs against.

    `http` has the server's base URL and no own headers; `clip` is the file for every upload,
    `clip_url` the URL of one; `last_request_rules` returns the rules that the last request touched,
    `last_understood` how much of the last message was understood: full, part, none, or "".
    """

    http: httpx.Client
    clip: Path
    clip_url: str
    clock: Clock
    last_request_rules: Callable[[], tuple[str, ...]]
    last_understood: Callable[[], str] = _unknown
