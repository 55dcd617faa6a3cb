"""A server behind an interceptor, judged; and what is to be thought of the verdicts."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from nemolocal_conformance.check import Check
from nemolocal_conformance.control import find_control
from nemolocal_conformance.expectations import Unmet
from nemolocal_conformance.mutants.memoized_media import MemoizedMedia
from nemolocal_conformance.peer import Peer
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.stage import Stage
from nemolocal_conformance.verdicts import Report, Verdict
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.headers import Attribution
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

from .breaks import Break
from .proxy import Interceptor, Proxy


@contextlib.contextmanager
def reference(media: MemoizedMedia | None = None) -> Iterator[LocalServer]:
    """The reference, on a clock that moves when nobody has anything to do."""
    memoized = media.used_by_servers() if media is not None else contextlib.nullcontext()
    with memoized, LocalServer(Settings(port=0), ManualClock(autojump=True)) as server:
        yield server


def judge(base_url: str, checks: Iterable[Check]) -> Report:
    """The verdicts of these checks on a server.

    A connection is kept until it is hung up on, however long nothing happens on it: that is how
    interceptors see who has hung up.
    """
    kept = httpx.HTTPTransport(limits=httpx.Limits(keepalive_expiry=None))
    peer = Peer(base_url, Attribution("nemolocal-conformance", "1.0.0"), kept)
    try:
        stage = Stage(peer, find_control(peer))
        # Some breaks show only once somebody has a token.
        with contextlib.suppress(Unmet):
            _ = stage.account
        return run_checks(stage, checks)
    finally:
        peer.close()


def judge_behind(
    interceptor: Interceptor, checks: Iterable[Check], media: MemoizedMedia | None = None
) -> Report:
    """The verdicts of these checks on the reference behind an interceptor."""
    with reference(media) as server:
        port = urlsplit(server.base_url).port
        assert port is not None
        with Proxy(port, interceptor) as proxy:
            return judge(proxy.base_url, checks)


@dataclass(frozen=True)
class Finding:
    """Who noticed a break: checks of its rules, checks of what it hurts, and innocent ones.

    A check that could not be played for it counts as its rules do: the report says why it failed.
    """

    killers: tuple[str, ...]
    hurt: tuple[str, ...]
    innocent: tuple[str, ...]


def weigh(broken: Break, report: Report) -> Finding:
    """Sort the checks that did not pass."""
    noticed = [verdict for verdict in report.verdicts if verdict.outcome != "passed"]
    killers = [v.check for v in noticed if set(v.rules) & set(broken.rules)]
    others = [v for v in noticed if v.check not in killers]
    hurt = [v.check for v in others if v.unmet or _hurt(broken, v)]
    innocent = [v.check for v in others if v.check not in hurt]
    return Finding(tuple(killers), tuple(hurt), tuple(innocent))


def _hurt(broken: Break, verdict: Verdict) -> bool:
    return any(
        rule.startswith(prefix)
        for rule in verdict.rules
        for prefix in (*broken.rules, *broken.hurts)
    )
