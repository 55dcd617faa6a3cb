"""Known differences: reviewed failures that are accepted until they are fixed."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from .verdicts import ConformanceReport, Verdict


class KnownDifference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check that is known to fail on a server, and why that is accepted."""

    check: str
    reason: str


class _KnownDifferencesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    difference: tuple[KnownDifference, ...] = ()


class KnownDifferencesUnreadable(Exception):
    """The file of known differences is invalid; the text says where."""


def read_known_differences(path: Path) -> tuple[KnownDifference, ...]:
    """Read a TOML file: `[[difference]]` with `check` and `reason`."""
    try:
        found = msgspec.convert(
            tomllib.loads(path.read_text(encoding="utf-8")), _KnownDifferencesFile
        )
    except OSError as error:
        raise KnownDifferencesUnreadable(f"{path}: {error.strerror}") from error
    except (ValueError, msgspec.ValidationError, RecursionError) as error:
        raise KnownDifferencesUnreadable(f"{path}: {error}") from error
    return found.difference


def apply_known_differences(
    report: ConformanceReport, known: Iterable[KnownDifference]
) -> ConformanceReport:
    """Mark known failures as known, and report entries that no longer fail as failures."""
    reasons = {difference.check: difference.reason for difference in known}
    evaluated = {verdict.check for verdict in report.verdicts}
    unknown = tuple(sorted(set(reasons) - evaluated - set(report.left_out)))
    verdicts = tuple(_apply(verdict, reasons.get(verdict.check)) for verdict in report.verdicts)
    return msgspec.structs.replace(report, verdicts=verdicts, unknown_ids=unknown)


def _apply(verdict: Verdict, reason: str | None) -> Verdict:
    if reason is None or verdict.outcome in ("error", "not applicable"):
        return verdict
    if verdict.outcome in ("failed", "warning", "learned"):
        return msgspec.structs.replace(verdict, outcome="known", known=reason)
    stale = f"it is listed as a known difference ({reason}) but passes now: remove it from the list"
    return msgspec.structs.replace(verdict, outcome="failed", reason=stale)
