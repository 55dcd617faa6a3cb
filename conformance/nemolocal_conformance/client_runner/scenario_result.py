"""The result of a scenario: the verdicts on the program and one word for all of them."""

from typing import Literal

import msgspec

from ..client_checks import client_catalogue
from ..client_checks.evaluation import evaluate_journal
from ..reports.report_text import verdict_reason
from ..traffic.journal import LoadedJournal
from ..verdicts import ConformanceReport
from .program import NOT_EXECUTABLE, NOT_FOUND, ProgramExit
from .scenario import ClientScenario

ScenarioOutcome = Literal["passed", "failed", "not met"]
"""`not met`: nothing was broken, but the program never came to what the scenario is about."""

_NOT_EVALUATED = ("not applicable", "not judgeable")


class ScenarioResult(msgspec.Struct, frozen=True):
    """How a scenario ended: in one word, with reasons (one per line), and in full."""

    scenario: str
    word: ScenarioOutcome
    reasons: tuple[str, ...]
    status: int | None
    seconds: float
    report: ConformanceReport


def evaluate_run(
    scenario: ClientScenario, program_exit: ProgramExit, journal: LoadedJournal, seconds: float
) -> ScenarioResult:
    """Evaluate a run by the program's calls and the way it ended."""
    report = evaluate_journal(journal, client_catalogue().values(), fixed_job=True)
    broken = [
        f"{verdict.check}: {verdict_reason(verdict)}"
        for verdict in report.verdicts
        if verdict.outcome in ("failed", "error")
    ]
    missing = _unreached(scenario, journal, report)
    broken += _exit_problems(scenario, program_exit, bool(missing))
    word: ScenarioOutcome = "failed" if broken else "not met" if missing else "passed"
    return ScenarioResult(
        scenario.name,
        word,
        tuple(broken or missing),
        program_exit.status,
        round(seconds, 3),
        report,
    )


def _unreached(
    scenario: ClientScenario, journal: LoadedJournal, report: ConformanceReport
) -> list[str]:
    """Return why the program did not get as far as the scenario needs."""
    struck = {name for entry in journal.entries for name in entry.faults}
    for fault in scenario.faults:
        if fault["name"] not in struck:
            return [f"the program made no request that {fault['name']} applies to"]
    if scenario.code and scenario.code not in {entry.code for entry in journal.entries}:
        return [f"the program made no request that is answered with {scenario.code}"]
    evaluated = {v.check for v in report.verdicts if v.outcome not in _NOT_EVALUATED}
    if not evaluated & set(scenario.checks):
        return [f"no call that {' or '.join(scenario.checks)} applies to"]
    return []


def _exit_problems(scenario: ClientScenario, program_exit: ProgramExit, missed: bool) -> list[str]:
    """Return what is wrong with the way the program ended."""
    if program_exit.status is None:
        return [] if scenario.seconds else ["the program hung and was stopped"]
    if program_exit.status in (NOT_EXECUTABLE, NOT_FOUND):
        return [f"the program could not be run: status {program_exit.status}"]
    if scenario.ends == "done" and program_exit.status:
        return [
            f"the program gave up with status {program_exit.status} although an export was possible"
        ]
    if scenario.ends == "refused" and not program_exit.status and not missed:
        return ["the program ended with status 0 although no export was possible"]
    return []
