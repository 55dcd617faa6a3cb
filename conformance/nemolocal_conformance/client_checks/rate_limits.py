"""After 429: wait 30 seconds and retry once (CLI-7)."""

from collections.abc import Iterator

from nemolocal_contract.responses import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

_PAUSE = 30.0
# A later attempt is the user's.
_BY_ITSELF = 120.0


@client_check("client.429.wait", "CLI-7", "AUTH-3")
def limited_client_waits(log: ClientLog) -> Iterator[ClientFinding]:
    """After 429 a client MUST wait 30 s before it tries again."""
    for call, again in _attempts(log):
        apart = again.entry.started - call.entry.ended
        shorter = log.time_scale.is_shorter(apart, _PAUSE)
        if shorter is None:
            yield inconclusive(log.time_scale.unknown_reason, call, again)
        elif shorter:
            yield failed("the retry", "after 30 s", f"after {apart:.1f} s", call, again)
        else:
            yield passed(call, again)


@client_check("client.429.once", "CLI-7", "AUTH-3")
def limited_client_tries_once(log: ClientLog) -> Iterator[ClientFinding]:
    """After a second 429 a client MUST NOT try again on its own."""
    attempts = dict(_attempts(log))
    for call, again in attempts.items():
        third = attempts.get(again)
        if third is not None and _by_itself(log, again, third):
            yield failed("retries", "one", "two or more", call, again, third)
        else:
            yield passed(call, again)


@client_check("client.429.retry", "CLI-7")
def limited_client_tries_again(log: ClientLog) -> Iterator[ClientFinding]:
    """After 429 a client SHOULD try once more."""
    attempts = dict(_attempts(log))
    seconds = set(attempts.values())
    for call in _limited(log):
        if call in attempts:
            yield passed(call, attempts[call])
        elif call not in seconds:
            yield failed("retries", "one", "none", call, missing=True)


@client_check("client.429.client-id", "CLI-9", "AUTH-3")
def limit_is_not_evaded(log: ClientLog) -> Iterator[ClientFinding]:
    """After 429 a client MUST NOT request a token with another client id."""
    next_same = log.next_by_key(_request_key)
    for call in _limited(log):
        if call.endpoint != "token":
            continue
        after = next_same(call)
        if after is None or not _by_itself(log, call, after):
            continue
        same = after.client_id == call.client_id
        yield (
            passed(call, after)
            if same
            else failed("the client id", "the same", "another", call, after)
        )


def _limited(log: ClientLog) -> list[RecordedCall]:
    return [call for call in log.contract_calls if call.code == ResponseCode.RATE_LIMITED]


def _attempts(log: ClientLog) -> Iterator[tuple[RecordedCall, RecordedCall]]:
    """Return each rate-limited call with the next attempt at the same request, if there is one."""
    next_same = log.next_by_key(_request_key)
    for call in _limited(log):
        again = next_same(call)
        if again is not None:
            yield call, again


def _request_key(call: RecordedCall) -> tuple[str, ...]:
    """Return a key of the request; all token requests have the same, whatever the client id."""
    return (call.endpoint,) if call.endpoint == "token" else call.request_key


def _by_itself(log: ClientLog, call: RecordedCall, other: RecordedCall) -> bool:
    return log.time_scale.is_within(other.entry.started - call.entry.ended, _BY_ITSELF)
