"""1001: a new token for the same client id, and the request once more (CLI-7)."""

from collections.abc import Iterator
from itertools import islice

from nemolocal_contract.response_codes import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

# A pause of 30 s included.
_AT_ONCE = 90.0


@client_check("client.after-1001.renew", "CLI-7", "AUTH-5")
def refused_token_is_renewed(log: ClientLog) -> Iterator[ClientFinding]:
    """After 1001 a client with a free token MUST get another one before it goes on."""
    for act in _first_refusals(log):
        after = next((other for other in log.calls_after(act) if _follows_up(other)), None)
        if after is not None and _renews(act, after):
            yield passed(act, after)
        elif not _last_granted(log, act):
            yield inconclusive("nobody knows whether the token was a free one", act)
        else:
            told = after.label if after else "nothing more"
            shown = (after,) if after else ()
            yield failed("what came next", "a token call", told, act, *shown)


@client_check("client.after-1001.client-id", "CLI-7", "CLI-9")
def renewal_is_for_the_same_client(log: ClientLog) -> Iterator[ClientFinding]:
    """The new token after 1001 MUST be asked for with the client id of the old one."""
    granted = {act.token_id: act.client_id for act in log.calls_to("token") if act.is_ok}
    for act in _first_refusals(log):
        known = granted.get(act.token_id) or _last_granted(log, act)
        after = next((other for other in log.calls_after(act) if other.endpoint == "token"), None)
        if not known or after is None:
            continue
        same = after.client_id == known
        yield passed(act, after) if same else failed("the client id", "the same", "another", after)


@client_check("client.after-1001.repeat", "CLI-7")
def refused_request_is_repeated(log: ClientLog) -> Iterator[ClientFinding]:
    """Once there is a new token, the request that was refused MUST be repeated."""
    next_same = log.next_by_key(lambda act: act.request_key)
    next_there = log.next_by_key(lambda act: act.endpoint_key)
    for act in _first_refusals(log):
        soon = list(islice(log.calls_after(act), 2))
        if not any(other.endpoint == "token" and other.is_ok for other in soon):
            continue
        again = next_there(act) if act.is_body_unread else next_same(act)
        told = "never again"
        not_again = failed("the request", "once more", told, act, missing=True)
        yield passed(act, again) if again else not_again


@client_check("client.after-1001.once", "CLI-7")
def request_is_repeated_once(log: ClientLog) -> Iterator[ClientFinding]:
    """A request that is refused with 1001 a second time MUST NOT be repeated again."""
    next_same = log.next_by_key(lambda act: act.request_key)
    for act in _first_refusals(log):
        repeats = [act]
        while repeats[-1].code == ResponseCode.BAD_TOKEN:
            again = next_same(repeats[-1])
            if again is None or not _at_once(log, repeats[-1], again):
                break
            repeats.append(again)
        if len(repeats) > 2:
            told = f"{len(repeats) - 1} times"
            yield failed("it was repeated", "once", told, *repeats)
        elif len(repeats) == 2:
            yield passed(*repeats)


def _first_refusals(log: ClientLog) -> Iterator[RecordedCall]:
    """Requests that were refused for a token that may be renewed, and not for a second time."""
    refused: dict[tuple[str, ...], RecordedCall] = {}
    for act in log.contract_calls:
        if act.code != ResponseCode.BAD_TOKEN or not act.has_bearer or act.has_manual_token:
            continue
        before = refused.get(act.request_key)
        if before is None or not _at_once(log, before, act):
            yield act
        refused[act.request_key] = act


def _at_once(log: ClientLog, call: RecordedCall, after: RecordedCall) -> bool:
    return log.time_scale.is_within(after.entry.started - call.entry.ended, _AT_ONCE)


def _renews(call: RecordedCall, after: RecordedCall) -> bool:
    """Whether another token is asked for, or one in use that another process got."""
    return after.endpoint == "token" or (
        after.token_id is not None and after.token_id != call.token_id
    )


def _last_granted(log: ClientLog, call: RecordedCall) -> str:
    """The client id of the newest token before an act, "" where none is known."""
    granted = [
        other.client_id
        for other in log.calls_to("token")
        if other.is_ok and other.entry.ended <= call.entry.started
    ]
    return granted[-1] if granted else ""


def _follows_up(call: RecordedCall) -> bool:
    """Whether a request tells what its client made of the refusal before it."""
    return call.endpoint == "token" or call.has_bearer
