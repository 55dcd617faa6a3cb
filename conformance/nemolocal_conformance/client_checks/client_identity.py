"""Who a client says it is, and how often it takes a free token (AUTH-1 to AUTH-8, CLI-9)."""

from collections.abc import Iterator
from itertools import pairwise

from nemolocal_contract.headers import CLIENT_ID_MAX
from nemolocal_contract.response_codes import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, passed

_WEEK = 7 * 24 * 3600.0
# What a client does by itself after a refusal comes within a minute, a pause of 30 s included.
_AT_ONCE = 60.0


@client_check("client.client-id", "AUTH-1", "AUTH-2")
def token_call_names_the_client(log: ClientLog) -> Iterator[ClientFinding]:
    """The token call MUST carry an X-Client-Id of 1 to 64 characters."""
    for act in log.calls_to("token"):
        right = 1 <= len(act.client_id) <= CLIENT_ID_MAX
        expected = "1 to 64 characters"
        yield passed(act) if right else failed("X-Client-Id", expected, act.client_id[:80], act)


@client_check("client.after-400.client-id", "CLI-7", "AUTH-2")
def refused_client_id_is_replaced(log: ClientLog) -> Iterator[ClientFinding]:
    """A token call that is refused with 400 MUST be tried once more, with a client id made anew."""
    refused = [act for act in log.calls_to("token") if act.code == ResponseCode.BAD_REQUEST]
    for number, act in enumerate(refused):
        later = [other for other in log.calls_after(act) if other.endpoint == "token"]
        if number and act.client_id != refused[number - 1].client_id:
            continue  # this was the second try
        if not later:
            yield failed("it was not tried again", "a second token call", "none", act)
        elif later[0].client_id in ("", act.client_id):
            told = later[0].client_id or "none"
            yield failed("the same client id again", "a new one", told, act, later[0])
        else:
            yield passed(act, later[0])


@client_check("client.token.once-a-week", "CLI-9", "AUTH-3", "AUTH-5")
def token_is_kept_while_it_lives(log: ClientLog) -> Iterator[ClientFinding]:
    """A client id MUST ask for one token a week, unless its token was refused."""
    granted: dict[str, RecordedCall] = {}
    for act in log.calls_to("token"):
        before = granted.get(act.client_id)
        if before is not None and not _refused_between(log, before, act):
            apart = act.entry.started - before.entry.ended
            early = apart < _WEEK and act.code != ResponseCode.BAD_REQUEST
            told = f"again after {apart:.0f} s"
            yield (
                failed("a second token", "one in 7 days", told, before, act)
                if early
                else passed(before, act)
            )
        elif act.is_ok:
            yield passed(act)
        if act.is_ok:
            granted[act.client_id] = act


@client_check("client.client-id.kept", "CLI-9")
def client_id_is_kept_between_runs(log: ClientLog) -> Iterator[ClientFinding]:
    """A client SHOULD keep its client id, so that each run does not take another free token."""
    tokens = log.calls_to("token")
    request = [act for act in tokens if act.client_id]
    for before, act in pairwise(request):
        replaced = before.code in (ResponseCode.BAD_REQUEST, ResponseCode.RATE_LIMITED)
        if act.client_id == before.client_id:
            yield passed(before, act)
        elif not replaced and act.entry.started - before.entry.ended < _WEEK:
            yield failed("another client id", "the one that is kept", "a new one", before, act)


@client_check("client.manual-token", "AUTH-8")
def manual_token_is_never_replaced(log: ClientLog) -> Iterator[ClientFinding]:
    """A client that was given a token MUST never ask for an anonymous one."""
    for place, act in enumerate(log.all_calls):
        if not act.has_manual_token:
            continue
        # Only what comes next is surely by the same client.
        after = log.all_calls[place + 1] if place + 1 < len(log.all_calls) else None
        if after is None or not _at_once(log, act, after):
            yield passed(act)
        elif after.endpoint == "token":
            told = f"a token call after code {act.code}"
            yield failed("an anonymous token", "none", told, act, after)
        else:
            yield passed(act)


def _at_once(log: ClientLog, call: RecordedCall, after: RecordedCall) -> bool:
    return log.time_scale.is_within(after.entry.started - call.entry.ended, _AT_ONCE)


def _refused_between(log: ClientLog, granted: RecordedCall, request: RecordedCall) -> bool:
    """Whether a token was refused after it was granted and before another was asked for."""
    return any(act.code == ResponseCode.BAD_TOKEN for act in log.calls_between(granted, request))
