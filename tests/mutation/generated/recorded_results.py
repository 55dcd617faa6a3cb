"""The results of the last complete run: for each generated mutant the check that kills it."""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("killing_checks.json")


class _Record(msgspec.Struct, frozen=True):
    killed_by: dict[str, str] = {}
    after_others: tuple[str, ...] = ()


@functools.cache
def _record() -> _Record:
    return msgspec.json.decode(FILE.read_bytes(), type=_Record) if FILE.exists() else _Record()


def killing_checks() -> dict[str, str]:
    """Return the check that kills each mutant, "" for those that none kills."""
    return _record().killed_by


def killed_after_others() -> frozenset[str]:
    """Return the mutants whose check kills them only after others have run.

    A value "from an earlier response" needs an earlier response.
    """
    return frozenset(_record().after_others)


def write_results(killed_by: Mapping[str, str], after_others: Iterable[str]) -> None:
    """Write the results down, a line for each mutant."""
    record = {"killed_by": killed_by, "after_others": sorted(after_others)}
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
