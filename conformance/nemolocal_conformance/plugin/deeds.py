"""What the clients of a test did, judged by the rules for clients."""

from nemolocal_contract.journal import Entry
from nemolocal_contract.printable import printable

from ..client_rules import client_catalogue
from ..client_rules.judging import judge_journal
from ..driver.asking import fetch_journal
from ..records.journal import Journal
from ..reports.wording import entry_list, why
from ..verdicts import Report
from .stand import NemoServer

_NO_CALL = (
    "nothing to judge: no call was seen; have the client of the test ask nemo_server.base_url"
)


class NemoJournal:
    """The journal of a server since the test began."""

    def __init__(self, server: NemoServer) -> None:
        self._server = server

    def _read(self) -> Journal:
        server = self._server
        return fetch_journal(server.base_url, control_token=server.control_token)[0]

    def entries(self, endpoint: str | None = None) -> tuple[Entry, ...]:
        """Every exchange, or those on one endpoint (`chat`, `render_status`), oldest first."""
        journal = self._read()
        return tuple(e for e in journal.entries if endpoint in (None, e.endpoint))

    def report(self, *prefixes: str) -> Report:
        """The verdicts of all checks, or of those whose id begins so."""
        checks = [c for c in client_catalogue().values() if c.id.startswith(prefixes or "")]
        unknown = [p for p in prefixes if not any(check.id.startswith(p) for check in checks)]
        if unknown:
            raise ValueError(f"no check begins with {' or '.join(unknown)}")
        journal = self._read()
        # Client and server wait by one clock, which nobody divides.
        return judge_journal(journal, checks, speed=1.0)

    def assert_conformant(self, *prefixes: str) -> None:
        """Fail the test where a client broke a MUST, or where there was none to judge."""
        __tracebackhide__ = True
        report = self.report(*prefixes)
        if not self.entries():
            raise AssertionError(_NO_CALL)
        broken = [
            f"{verdict.check}: {why(verdict)}"
            + (f" ({entry_list(verdict.entries)})" if verdict.entries else "")
            for verdict in report.verdicts
            if verdict.outcome in ("failed", "error")
        ]
        if report.exit_code and not broken:
            broken = ["nothing to judge: no client did what these checks are about"]
        if broken:
            said = "\n".join(["the client broke the contract:", *broken])
            raise AssertionError(printable(said))
