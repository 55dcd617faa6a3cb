"""Client ids, and how often a client requests a free token (AUTH-1 to AUTH-8, CLI-9)."""

from collections.abc import Iterator
from itertools import pairwise

from nemolocal_contract.endpoints import CLIENT_ID_MAX
from nemolocal_contract.responses import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, passed

_WEEK = 7 * 24 * 3600.0
# Automatic retries come within a minute of the error, a pause of 30 s included.
_AT_ONCE = 60.0


@client_check("client.client-id", "AUTH-1", "AUTH-2")
def token_call_names_the_client(log: ClientLog) -> Iterator[ClientFinding]:
    """The token call MUST have an X-Client-Id of 1 to 64 characters."""
    for call in log.calls_to("token"):
        right = 1 <= len(call.client_id) <= CLIENT_ID_MAX
        expected = "1 to 64 characters"
        yield passed(call) if right else failed("X-Client-Id", expected, call.client_id[:80], call)


@client_check("client.after-400.client-id", "CLI-7", "AUTH-2")
def refused_client_id_is_replaced(log: ClientLog) -> Iterator[ClientFinding]:
    """A token call that is refused with 400 MUST be tried once more with a new client id."""
    refused = [call for call in log.calls_to("token") if call.code == ResponseCode.BAD_REQUEST]
    for number, call in enumerate(refused):
        later = [other for other in log.calls_after(call) if other.endpoint == "token"]
        if number and call.client_id != refused[number - 1].client_id:
            continue  # this was the retry
        if not later:
            yield failed("token calls after 400", "a second one", "none", call)
        elif later[0].client_id in ("", call.client_id):
            actual = later[0].client_id or "none"
            yield failed("the client id", "a new one", actual, call, later[0])
        else:
            yield passed(call, later[0])


@client_check("client.token.once-a-week", "CLI-9", "AUTH-3", "AUTH-5")
def token_is_kept_while_it_lives(log: ClientLog) -> Iterator[ClientFinding]:
    """A client id MUST request at most one token a week, unless its token was refused."""
    granted: dict[str, RecordedCall] = {}
    for call in log.calls_to("token"):
        before = granted.get(call.client_id)
        if before is not None and not _refused_between(log, before, call):
            apart = call.entry.started - before.entry.ended
            early = apart < _WEEK and call.code != ResponseCode.BAD_REQUEST
            actual = f"again after {apart:.0f} s"
            yield (
                failed("a second token", "one in 7 days", actual, before, call)
                if early
                else passed(before, call)
            )
        elif call.is_ok:
            yield passed(call)
        if call.is_ok:
            granted[call.client_id] = call


@client_check("client.client-id.kept", "CLI-9")
def client_id_is_kept_between_runs(log: ClientLog) -> Iterator[ClientFinding]:
    """A client SHOULD keep its client id, so that each run does not use another free token."""
    tokens = log.calls_to("token")
    request = [call for call in tokens if call.client_id]
    for before, call in pairwise(request):
        replaced = before.code in (ResponseCode.BAD_REQUEST, ResponseCode.RATE_LIMITED)
        if call.client_id == before.client_id:
            yield passed(before, call)
        elif not replaced and call.entry.started - before.entry.ended < _WEEK:
            yield failed("the client id", "the earlier one", "a new one", before, call)


@client_check("client.manual-token", "AUTH-8")
def manual_token_is_never_replaced(log: ClientLog) -> Iterator[ClientFinding]:
    """A client that was given a token MUST NOT request an anonymous one."""
    for place, call in enumerate(log.all_calls):
        if not call.has_manual_token:
            continue
        # Only the next call is certainly by the same client.
        after = log.all_calls[place + 1] if place + 1 < len(log.all_calls) else None
        if after is None or not _at_once(log, call, after):
            yield passed(call)
        elif after.endpoint == "token":
            actual = f"a token call after code {call.code}"
            yield failed("an anonymous token", "none", actual, call, after)
        else:
            yield passed(call)


def _at_once(log: ClientLog, call: RecordedCall, after: RecordedCall) -> bool:
    return log.is_automatic(after.entry.started - call.entry.ended, _AT_ONCE)


def _refused_between(log: ClientLog, granted: RecordedCall, request: RecordedCall) -> bool:
    """Whether a token was rejected between its creation and the next token request."""
    return any(call.code == ResponseCode.BAD_TOKEN for call in log.calls_between(granted, request))
