"""After 1001: request a new token with the same client id and repeat the request (CLI-7)."""

from collections.abc import Iterator
from itertools import islice

from nemolocal_contract.responses import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

# Includes a pause of 30 s.
_AT_ONCE = 90.0


@client_check("client.after-1001.renew", "CLI-7", "AUTH-5")
def refused_token_is_renewed(log: ClientLog) -> Iterator[ClientFinding]:
    """After 1001 a client with an anonymous token MUST get a new one before it continues."""
    for call in _first_refusals(log):
        after = next((other for other in log.calls_after(call) if _follows_up(other)), None)
        if after is not None and _renews(log, call, after):
            yield passed(call, after)
        elif not _last_granted(log, call):
            yield inconclusive("it is unknown whether the token was anonymous", call)
        else:
            actual = after.label if after else "nothing more"
            shown = (after,) if after else ()
            yield failed("the next call", "a token call", actual, call, *shown)


@client_check("client.after-1001.client-id", "CLI-7", "CLI-9")
def renewal_is_for_the_same_client(log: ClientLog) -> Iterator[ClientFinding]:
    """The new token after 1001 MUST be requested with the client id of the old one."""
    granted = {call.token_id: call.client_id for call in log.calls_to("token") if call.is_ok}
    for call in _first_refusals(log):
        known = granted.get(call.token_id) or _last_granted(log, call)
        after = next((other for other in log.calls_after(call) if other.endpoint == "token"), None)
        if not known or after is None:
            continue
        same = after.client_id == known
        yield passed(call, after) if same else failed("the client id", "the same", "another", after)


@client_check("client.after-1001.repeat", "CLI-7")
def refused_request_is_repeated(log: ClientLog) -> Iterator[ClientFinding]:
    """The request refused with 1001 MUST be repeated with the new token."""
    next_same = log.next_by_key(lambda call: call.request_key)
    next_there = log.next_by_key(lambda call: call.endpoint_key)
    for call in _first_refusals(log):
        soon = list(islice(log.calls_after(call), 2))
        if not any(other.endpoint == "token" and other.is_ok for other in soon):
            continue
        again = next_there(call) if call.is_body_unread else next_same(call)
        actual = "not repeated"
        not_again = failed("the request", "repeated once", actual, call, missing=True)
        yield passed(call, again) if again else not_again


@client_check("client.after-1001.once", "CLI-7")
def request_is_repeated_once(log: ClientLog) -> Iterator[ClientFinding]:
    """A request that is refused with 1001 a second time MUST NOT be repeated again."""
    next_same = log.next_by_key(lambda call: call.request_key)
    for call in _first_refusals(log):
        repeats = [call]
        while repeats[-1].code == ResponseCode.BAD_TOKEN:
            again = next_same(repeats[-1])
            if again is None or not _at_once(log, repeats[-1], again):
                break
            repeats.append(again)
        if len(repeats) > 2:
            actual = f"{len(repeats) - 1} times"
            yield failed("the request", "repeated once", actual, *repeats)
        elif len(repeats) == 2:
            yield passed(*repeats)


def _first_refusals(log: ClientLog) -> Iterator[RecordedCall]:
    """Return calls rejected for a renewable token, without those rejected a second time."""
    refused: dict[tuple[str, ...], RecordedCall] = {}
    for call in log.contract_calls:
        if call.code != ResponseCode.BAD_TOKEN or not call.has_bearer or call.has_manual_token:
            continue
        before = refused.get(call.request_key)
        if before is None or not _at_once(log, before, call):
            yield call
        refused[call.request_key] = call


def _at_once(log: ClientLog, call: RecordedCall, after: RecordedCall) -> bool:
    return log.is_automatic(after.entry.started - call.entry.ended, _AT_ONCE)


def _renews(log: ClientLog, call: RecordedCall, after: RecordedCall) -> bool:
    """Whether a call requests another token, or uses one that another process obtained.

    A program with one job has no other process: a token that it had before is no new one.
    """
    if after.endpoint == "token":
        return True
    if after.token_id is None or after.token_id == call.token_id:
        return False
    earlier = log.all_calls[: log.position(call)]
    return not (log.fixed_job and any(other.token_id == after.token_id for other in earlier))


def _last_granted(log: ClientLog, call: RecordedCall) -> str:
    """Return the client id of the newest token before a call, "" if none is known."""
    granted = [
        other.client_id
        for other in log.calls_to("token")
        if other.is_ok and other.entry.ended <= call.entry.started
    ]
    return granted[-1] if granted else ""


def _follows_up(call: RecordedCall) -> bool:
    """Whether a call shows how its client reacted to the error before it."""
    return call.endpoint == "token" or call.has_bearer
