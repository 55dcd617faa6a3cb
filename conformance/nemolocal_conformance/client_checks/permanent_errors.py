"""Errors that a retry cannot fix: 2001, 4001, 4002, 402 (CLI-7)."""

from collections.abc import Callable, Hashable, Iterator

from nemolocal_contract.endpoints import missing_attribution
from nemolocal_contract.responses import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.client_turn import turn_of
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, passed

# A repetition after this time is the user's, who has topped up, converted or upgraded.
_BY_ITSELF = 60.0


@client_check("client.after-2001.no-retry", "CLI-7", "CRD-4")
def message_without_credits_is_not_repeated(log: ClientLog) -> Iterator[ClientFinding]:
    """A message that is refused with 2001 MUST NOT be sent again: the user registers or tops up."""
    broke = [turn.call for turn in log.turns if turn.error_code == ResponseCode.NO_CREDITS]
    refused = [call for call in log.calls_to("chat") if call.code == ResponseCode.NO_CREDITS]
    return _unrepeated(log, [*refused, *broke], lambda call: (call.endpoint, call.message))


@client_check("client.after-4001.no-retry", "CLI-7", "UPL-3")
def unsupported_file_is_not_sent_again(log: ClientLog) -> Iterator[ClientFinding]:
    """A file that is refused with 4001 MUST NOT be sent again unchanged."""
    refused = [
        call for call in log.calls_to("upload") if call.code == ResponseCode.UNSUPPORTED_FILE
    ]
    return _unrepeated(log, refused, lambda call: call.request_key)


@client_check("client.after-4002.no-retry", "CLI-7", "UPL-4")
def too_large_file_is_not_sent_again(log: ClientLog) -> Iterator[ClientFinding]:
    """A file that is refused with 4002 MUST NOT be sent again unchanged."""
    refused = [call for call in log.calls_to("upload") if call.code == ResponseCode.FILE_TOO_LARGE]
    return _unrepeated(log, refused, lambda call: call.request_key)


@client_check("client.after-402.no-retry", "CLI-7", "REN-2")
def blocked_export_is_not_repeated(log: ClientLog) -> Iterator[ClientFinding]:
    """An export that is refused with 402 MUST NOT be repeated: the user registers or upgrades."""
    refused = [call for call in log.calls_to("render") if call.code == ResponseCode.EXPORT_BLOCKED]
    # A retry that adds the missing headers is right.
    return _unrepeated(
        log, refused, lambda call: (call.request_key, not missing_attribution(_sent(call)))
    )


def _unrepeated(
    log: ClientLog, refused: list[RecordedCall], what: Callable[[RecordedCall], Hashable]
) -> Iterator[ClientFinding]:
    next_same = log.next_by_key(what)
    for call in refused:
        again = next_same(call)
        apart = again.entry.started - call.entry.ended if again else 0.0
        if again is None or not log.is_automatic(apart, _BY_ITSELF):
            yield passed(call)
            continue
        turn = turn_of(again)
        actual = f"again after {apart:.0f} s"
        cost = turn.credits if turn else 0
        yield failed("the same request", "not repeated", actual, call, again, credits=cost)


def _sent(call: RecordedCall) -> dict[str, str]:
    return call.entry.request_headers
