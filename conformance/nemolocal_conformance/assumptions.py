"""List what a local server assumes about times and probabilities, and what a run measured."""

import msgspec

from nemolocal_contract.rules import rules

from .verdicts import ConformanceReport

_NEVER = "never"


class Assumption(msgspec.Struct, frozen=True):
    """A time or a probability: its value, rule and sources, and what was seen of it.

    `measured` is what this run measured, `recorded` what recordings of the cloud show, with the
    source of that and its age.
    """

    name: str
    value: str
    rule: str
    source: str
    measured: str = _NEVER
    recorded: str = _NEVER


# The check that measures each value.
_ASSUMPTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("share of edits that close silently", "30 %", "SSE-5", "chat.silent.rate"),
    ("heartbeat interval", "15 s", "SSE-3", "chat.heartbeat.sent"),
    ("length of a talk turn", "5–15 s", "SSE-11", "chat.time.talk"),
    ("length of an edit", "10–30 s", "SSE-11", "chat.time.edit"),
    ("length of a generation", "100–300 s", "SSE-11", "chat.time.generation"),
    ("longest turn", "15 min", "SSE-6", "chat.turn.limit"),
    ("life of a token", "7 days", "AUTH-5", "token.life.over"),
    ("tokens of one address in 7 days", "10", "AUTH-4", ""),
    ("price of editing, once a session", "50 credits", "CRD-3", "credits.edit.price"),
    ("price of a generated clip", "100 credits", "CRD-3", "credits.generation.price"),
    ("length of a cloud render", "30–90 s", "REN-10", ""),
)


def list_assumptions(report: ConformanceReport) -> tuple[Assumption, ...]:
    """List the assumptions; a value counts as measured if its check passed against the cloud."""
    outcomes = {verdict.check: verdict.outcome for verdict in report.verdicts}
    values = report.recorded_values
    recorded = {one.name: f"{one.value}; {one.source}; {one.age}" for one in values}
    return tuple(
        Assumption(
            name,
            value,
            rule,
            ", ".join(rules()[rule].source),
            _measured(report, outcomes.get(check)),
            recorded.get(name, _NEVER),
        )
        for name, value, rule, check in _ASSUMPTIONS
    )


def _measured(report: ConformanceReport, outcome: str | None) -> str:
    if report.ours or outcome in (None, "not applicable"):
        return _NEVER
    when = report.at or "at an unknown time"
    return f"{'confirmed' if outcome == 'passed' else outcome}, {when}, {report.base_url}"
