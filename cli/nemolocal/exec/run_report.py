"""What a program did under `nemolocal exec`, for a grader: the JSON object of `--json`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import httpx
import msgspec

from nemolocal_conformance.reports.report_text import verdict_reason
from nemolocal_conformance.verdicts import ConformanceReport, Verdict
from nemolocal_contract.control_api import RenderDetail, RenderList, RenderSummary
from nemolocal_contract.endpoints import JOURNAL_SUMMARY, RENDER_DETAIL, RENDERS
from nemolocal_contract.journal import CreditSummary, Entry, Summary

if TYPE_CHECKING:
    from .program_environment import ProgramEnvironment

RunOutcome = Literal["passed", "failed", "nothing checked", "program failed"]
"""`failed`: a MUST rule was violated. `nothing checked`: too few calls for any rule, or fewer than
--require-calls. `program failed`: its exit status is not 0, whatever the rules say."""
_NOTHING_CHECKED = 2
_FOUND = ("failed", "warning")


class MustCounts(msgspec.Struct, frozen=True):
    """How many MUST rules for clients held, were violated, and could not be checked."""

    passed: int
    failed: int
    unchecked: int


class RuleViolation(msgspec.Struct, frozen=True):
    """A violated rule: the check, its rules and level, why, and where.

    `entries` are ids of the journal, `credits` is what the violation costs in the cloud.
    """

    check: str
    rules: tuple[str, ...]
    level: str
    reason: str
    entries: tuple[int, ...]
    credits: int


class ExportedVideo(msgspec.Struct, frozen=True, kw_only=True):
    """The last video that was exported: its URL, pixels, seconds and bytes.

    `downloaded` says whether the program fetched it. `warnings` say what of the timeline is not in
    it.
    """

    session_id: str
    url: str
    width: int
    height: int
    frames: int
    seconds: float
    size: int
    warnings: tuple[str, ...]
    downloaded: bool


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a program.

    `exit_status` is that of `nemolocal exec`, `program_status` that of the program (128 plus the
    signal that ended it). `calls` are its requests to the API, `requests` the same by endpoint and
    code, `turns` its chat messages, `simulated_turns` those that the local server did not
    understand. `video` is None if nothing was exported, `failed_exports` counts the exports that
    failed.
    """

    outcome: RunOutcome
    exit_status: int
    program_status: int
    sealed: bool
    calls: int
    requests: dict[str, dict[str, int]]
    turns: int
    simulated_turns: int
    credits: CreditSummary
    musts: MustCounts
    violations: tuple[RuleViolation, ...]
    video: ExportedVideo | None
    failed_exports: int


def run_report(
    place: "ProgramEnvironment",
    report: ConformanceReport,
    entries: Iterable[Entry],
    *,
    calls: int,
    program_status: int,
    exit_status: int,
) -> RunReport:
    """Return the report of a run whose server still answers.

    `report` is that of the rules for clients, `entries` the journal.
    """
    with _open_control(place) as http:
        summary = msgspec.json.decode(http.get(JOURNAL_SUMMARY.template).content, type=Summary)
        renders = msgspec.json.decode(http.get(RENDERS.template).content, type=RenderList).renders
        last = next((one for one in renders if one.status == "completed"), None)
        video = None if last is None else _exported_video(http, last, entries)
    return RunReport(
        outcome=_outcome(report, program_status, exit_status),
        exit_status=exit_status,
        program_status=program_status,
        sealed=not place.unsealed_reason,
        calls=calls,
        requests=summary.requests,
        turns=summary.turns,
        simulated_turns=0 if summary.simulated is msgspec.UNSET else summary.simulated,
        credits=summary.credits,
        musts=_count_musts(report.verdicts),
        violations=tuple(_violation(one) for one in report.verdicts if one.outcome in _FOUND),
        video=video,
        failed_exports=sum(one.status == "failed" for one in renders),
    )


def fetch_video(place: "ProgramEnvironment", video: ExportedVideo) -> bytes:
    """Return the bytes of an exported video."""
    with _open_control(place) as http:
        parts = urlsplit(video.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return http.get(path).raise_for_status().content


def _open_control(place: "ProgramEnvironment") -> httpx.Client:
    return httpx.Client(base_url=place.base_url, transport=place.transport, trust_env=False)


def _outcome(report: ConformanceReport, program_status: int, exit_status: int) -> RunOutcome:
    if program_status:
        return "program failed"
    if report.count("failed"):
        return "failed"
    unchecked = _NOTHING_CHECKED in (exit_status, report.exit_code)
    return "nothing checked" if unchecked else "passed"


def _count_musts(verdicts: Iterable[Verdict]) -> MustCounts:
    outcomes = [verdict.outcome for verdict in verdicts if verdict.level == "MUST"]
    passed, failed = outcomes.count("passed"), outcomes.count("failed")
    return MustCounts(passed, failed, len(outcomes) - passed - failed)


def _violation(verdict: Verdict) -> RuleViolation:
    return RuleViolation(
        verdict.check,
        verdict.rules,
        verdict.level,
        verdict_reason(verdict),
        verdict.entries,
        verdict.credits,
    )


def _exported_video(
    http: httpx.Client, render: RenderSummary, entries: Iterable[Entry]
) -> ExportedVideo:
    path = RENDER_DETAIL.path(file=render.file_id)
    found = msgspec.json.decode(http.get(path).content, type=RenderDetail)
    result, url = found.result or {}, render.url or ""
    place = urlsplit(url).path
    return ExportedVideo(
        session_id=render.session_id,
        url=url,
        width=result.get("width", 0),
        height=result.get("height", 0),
        frames=result.get("frames", 0),
        seconds=result.get("duration", 0.0),
        size=result.get("size", 0),
        warnings=tuple(result.get("warnings", ())),
        downloaded=any(
            one.method == "GET" and one.status in (200, 206) and urlsplit(one.url).path == place
            for one in entries
        ),
    )
