"""Runs checks against a server behind an interceptor, and sorts the failures."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from nemolocal_conformance.assertions import PrerequisiteFailed
from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.target import TargetClient
from nemolocal_conformance.verdicts import ConformanceReport, Verdict
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Attribution
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.mutation.memoized_media import MemoizedMedia

from .intercepting_proxy import InterceptingProxy, Interceptor, pass_through
from .proxy_mutant import ProxyMutant


@contextlib.contextmanager
def reference_server(media: MemoizedMedia | None = None, **settings: Any) -> Iterator[LocalServer]:
    """Start the reference server, on a clock that advances when everything waits."""
    memoized = media.patch_servers() if media is not None else contextlib.nullcontext()
    chosen = Settings(port=0, **settings)
    with memoized, LocalServer(chosen, ManualClock(autojump=True)) as server:
        yield server


def run_checks_at(base_url: str, checks: Iterable[ServerCheck]) -> ConformanceReport:
    """The verdicts of these checks on a server.

    A connection is kept until it is hung up on, however long nothing happens on it: that is how
    interceptors see who has hung up.
    """
    kept = httpx.HTTPTransport(limits=httpx.Limits(keepalive_expiry=None))
    target = TargetClient(base_url, Attribution("nemolocal-conformance", "1.0.0"), kept)
    try:
        context = CheckContext(target, find_control_client(target))
        # Some mutants show only once there is a token.
        with contextlib.suppress(PrerequisiteFailed):
            _ = context.account
        return run_checks(context, checks)
    finally:
        target.close()


def run_checks_behind(
    interceptor: Interceptor,
    checks: Iterable[ServerCheck],
    media: MemoizedMedia | None = None,
    control: Interceptor = pass_through,
    **settings: Any,
) -> ConformanceReport:
    """Run these checks on the reference with these settings, behind an interceptor."""
    with reference_server(media, **settings) as server:
        port = urlsplit(server.base_url).port
        assert port is not None
        with InterceptingProxy(port, interceptor, control) as proxy:
            return run_checks_at(proxy.base_url, checks)


@dataclass(frozen=True)
class ProxyMutationResult:
    """The checks that noticed a mutant: of its rules, of rules affected too, and others.

    A check that could not be run because of the mutant counts like a failed one.
    """

    killers: tuple[str, ...]
    affected: tuple[str, ...]
    false_positives: tuple[str, ...]


def sort_failures(broken: ProxyMutant, report: ConformanceReport) -> ProxyMutationResult:
    """Sort the checks that did not pass."""
    noticed = [verdict for verdict in report.verdicts if verdict.outcome != "passed"]
    killers = [v.check for v in noticed if set(v.rules) & set(broken.breaks)]
    others = [v for v in noticed if v.check not in killers]
    affected = [v.check for v in others if v.unmet or _is_affected(broken, v)]
    false_positives = [v.check for v in others if v.check not in affected]
    return ProxyMutationResult(tuple(killers), tuple(affected), tuple(false_positives))


def _is_affected(broken: ProxyMutant, verdict: Verdict) -> bool:
    return any(
        rule.startswith(prefix)
        for rule in verdict.rules
        for prefix in (*broken.breaks, *broken.also_affects)
    )
