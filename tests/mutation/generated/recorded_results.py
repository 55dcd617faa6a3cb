"""The results of the last complete run: for each generated mutant the check that kills it."""

import functools
from collections.abc import Mapping
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("killing_checks.json")


@functools.cache
def killing_checks() -> dict[str, str]:
    """Return the check that kills each mutant, "" for those that none kills."""
    if not FILE.exists():
        return {}
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, str])


def write_results(found: Mapping[str, str]) -> None:
    """Write the results down, a line for each mutant."""
    encoded = msgspec.json.format(msgspec.json.encode(found), indent=1)
    FILE.write_bytes(encoded + b"\n")
