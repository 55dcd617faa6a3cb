"""429: wait 30 seconds, and try once more (CLI-7)."""

from collections.abc import Iterator

from nemolocal_contract.response_codes import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

_PAUSE = 30.0
# What comes later than this is another attempt, of the user's.
_BY_ITSELF = 120.0


@client_check("client.429.wait", "CLI-7", "AUTH-3")
def limited_client_waits(record: ClientLog) -> Iterator[ClientFinding]:
    """After 429 a client MUST wait 30 s before it tries again."""
    for act, again in _attempts(record):
        apart = again.entry.started - act.entry.ended
        shorter = record.time_scale.is_shorter(apart, _PAUSE)
        if shorter is None:
            yield inconclusive(record.time_scale.unknown_reason, act, again)
        elif shorter:
            yield failed("it tried again", "after 30 s", f"after {apart:.1f} s", act, again)
        else:
            yield passed(act, again)


@client_check("client.429.once", "CLI-7", "AUTH-3")
def limited_client_tries_once(record: ClientLog) -> Iterator[ClientFinding]:
    """After a second 429 a client MUST NOT try again by itself."""
    attempts = dict(_attempts(record))
    for act, again in attempts.items():
        third = attempts.get(again)
        if third is not None and _by_itself(record, again, third):
            yield failed("it tried again", "once", "twice or more", act, again, third)
        else:
            yield passed(act, again)


@client_check("client.429.retry", "CLI-7")
def limited_client_tries_again(record: ClientLog) -> Iterator[ClientFinding]:
    """After 429 a client SHOULD try once more."""
    attempts = dict(_attempts(record))
    seconds = set(attempts.values())
    for act in _limited(record):
        if act in attempts:
            yield passed(act, attempts[act])
        elif act not in seconds:
            yield failed("it was not tried again", "one more attempt", "none", act, missing=True)


@client_check("client.429.client-id", "CLI-9", "AUTH-3")
def limit_is_not_evaded(record: ClientLog) -> Iterator[ClientFinding]:
    """After 429 a client MUST NOT ask for a token under another client id."""
    next_same = record.next_by_key(_request_key)
    for act in _limited(record):
        if act.endpoint != "token":
            continue
        after = next_same(act)
        if after is None or not _by_itself(record, act, after):
            continue
        same = after.client_id == act.client_id
        yield (
            passed(act, after) if same else failed("a client id", "the same", "another", act, after)
        )


def _limited(record: ClientLog) -> list[RecordedCall]:
    return [act for act in record.contract_calls if act.code == ResponseCode.RATE_LIMITED]


def _attempts(record: ClientLog) -> Iterator[tuple[RecordedCall, RecordedCall]]:
    """Each refusal with the next attempt at the same thing, if there is one."""
    next_same = record.next_by_key(_request_key)
    for act in _limited(record):
        again = next_same(act)
        if again is not None:
            yield act, again


def _request_key(act: RecordedCall) -> tuple[str, ...]:
    """What is asked for: a token is one whatever the client id."""
    return (act.endpoint,) if act.endpoint == "token" else act.request_key


def _by_itself(record: ClientLog, act: RecordedCall, other: RecordedCall) -> bool:
    return record.time_scale.is_within(other.entry.started - act.entry.ended, _BY_ITSELF)
