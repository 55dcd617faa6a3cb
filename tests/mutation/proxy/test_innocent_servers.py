"""What the contract leaves open changes no verdict."""

from collections.abc import Iterator

import pytest

from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import server_catalogue
from tests.mutation.memoized_media import MemoizedMedia

from .innocent_interceptors import INNOCENTS
from .intercepting_proxy import Interceptor
from .proxy_evaluation import run_checks_behind

# Each takes seconds: half a gigabyte of upload, and clips that FFmpeg must generate.
HEAVY = {"upload.size.skill", "general.status.of-size", "credits.frozen"}
CHECKS = server_catalogue()
# The checks that once failed on each.
ACCUSING = {
    "crlf": "chat.stream.frames",
    "carriage_returns": "chat.stream.frames",
    "named_events": "chat.end.no-done",
    "comments": "chat.heartbeat.form",
    "floats": "credits.balance.fields upload.reply.fields token.claim.made",
    "further_fields": "credits.balance.sum general.user.own-id state.read-only credits.talk.free",
    "retry_after_date": "token.again.retry-after",
    "header_values": "chat.stream.type chat.stream.uncached",
}

pytestmark = pytest.mark.mutants


def cases() -> Iterator[object]:
    for name, interceptor in INNOCENTS.items():
        few = [CHECKS[check] for check in ACCUSING.get(name, "").split()]
        if few:
            yield pytest.param(interceptor, few, id=name)
        every = [check for check in CHECKS.values() if check.id not in HEAVY]
        yield pytest.param(interceptor, every, id=f"{name}, all checks", marks=pytest.mark.slow)


@pytest.mark.parametrize(("interceptor", "checks"), list(cases()))
def test_innocent_server_passes(
    interceptor: Interceptor, checks: list[ServerCheck], memoized_media: MemoizedMedia
) -> None:
    report = run_checks_behind(interceptor, checks, memoized_media)
    assert [
        (v.check, v.outcome, v.reason, v.expected, v.actual)
        for v in report.verdicts
        if v.outcome != "passed"
    ] == []
