"""The calls of a test's clients, evaluated by the client checks."""

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.client_runner.server_control import fetch_journal
from nemolocal_conformance.reports.report_text import entry_list, verdict_reason
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_conformance.verdicts import ConformanceReport
from nemolocal_contract.journal import Entry
from nemolocal_contract.text_escaping import escape_controls

from .server import NemoServer

_NO_CALL = "no calls to evaluate: the client under test must use nemo_server.base_url"


class NemoJournal:
    """The journal of a server since the start of the test."""

    def __init__(self, server: NemoServer) -> None:
        self._server = server

    def _read(self) -> LoadedJournal:
        server = self._server
        return fetch_journal(server.base_url, control_token=server.control_token)[0]

    def entries(self, endpoint: str | None = None) -> tuple[Entry, ...]:
        """Return all exchanges, or those of one endpoint (`chat`, `render_status`), in order."""
        journal = self._read()
        return tuple(e for e in journal.entries if endpoint in (None, e.endpoint))

    def report(self, *prefixes: str) -> ConformanceReport:
        """Return the verdicts of all checks, or of those whose id starts with one of `prefixes`."""
        checks = [c for c in client_catalogue().values() if c.id.startswith(prefixes or "")]
        unknown = [p for p in prefixes if not any(check.id.startswith(p) for check in checks)]
        if unknown:
            raise ValueError(f"no check id starts with {' or '.join(unknown)}")
        journal = self._read()
        # Client and server wait by the same clock, which is not scaled.
        return evaluate_journal(journal, checks, speed=1.0)

    def assert_conformant(self, *prefixes: str) -> None:
        """Fail the test if a client violated a MUST, or if there was no client to evaluate."""
        __tracebackhide__ = True
        report = self.report(*prefixes)
        if not self.entries():
            raise AssertionError(_NO_CALL)
        broken = [
            f"{verdict.check}: {verdict_reason(verdict)}"
            + (f" ({entry_list(verdict.entries)})" if verdict.entries else "")
            for verdict in report.verdicts
            if verdict.outcome in ("failed", "error")
        ]
        if report.exit_code and not broken:
            broken = ["nothing to evaluate: no client made a call that these checks apply to"]
        if broken:
            said = "\n".join(["the client broke the contract:", *broken])
            raise AssertionError(escape_controls(said))
