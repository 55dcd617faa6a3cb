"""Refusals after which the same request is of no use: 2001, 4001, 4002, 402 (CLI-7)."""

from collections.abc import Callable, Hashable, Iterator

from nemolocal_contract.codes import Code
from nemolocal_contract.headers import missing_attribution

from ..records.act import Act
from ..records.record import Record
from ..records.turn import turn_of
from .rule import Finding, broken, client_check, held

# People need longer to top up, to convert a file or to upgrade.
_BY_ITSELF = 60.0


@client_check("client.after-2001.no-retry", "CLI-7", "CRD-4")
def message_without_credits_is_not_repeated(record: Record) -> Iterator[Finding]:
    """A message that is refused with 2001 MUST NOT be sent again: the user registers or tops up."""
    broke = [turn.act for turn in record.turns if turn.failure == Code.NO_CREDITS]
    refused = [act for act in record.of("chat") if act.code == Code.NO_CREDITS]
    return _unrepeated(record, [*refused, *broke], lambda act: (act.endpoint, act.message))


@client_check("client.after-4001.no-retry", "CLI-7", "UPL-3")
def unsupported_file_is_not_sent_again(record: Record) -> Iterator[Finding]:
    """A file that is refused with 4001 MUST NOT be sent again as it is."""
    refused = [act for act in record.of("upload") if act.code == Code.UNSUPPORTED_FILE]
    return _unrepeated(record, refused, lambda act: act.request)


@client_check("client.after-4002.no-retry", "CLI-7", "UPL-4")
def too_large_file_is_not_sent_again(record: Record) -> Iterator[Finding]:
    """A file that is refused with 4002 MUST NOT be sent again as it is."""
    refused = [act for act in record.of("upload") if act.code == Code.FILE_TOO_LARGE]
    return _unrepeated(record, refused, lambda act: act.request)


@client_check("client.after-402.no-retry", "CLI-7", "REN-2")
def blocked_export_is_not_repeated(record: Record) -> Iterator[Finding]:
    """An export that is refused with 402 MUST NOT be repeated: the user registers or upgrades."""
    refused = [act for act in record.of("render") if act.code == Code.EXPORT_BLOCKED]
    # Who sends the headers that were missing has mended it.
    return _unrepeated(
        record, refused, lambda act: (act.request, not missing_attribution(_sent(act)))
    )


def _unrepeated(
    record: Record, refused: list[Act], what: Callable[[Act], Hashable]
) -> Iterator[Finding]:
    next_same = record.next_with(what)
    for act in refused:
        again = next_same(act)
        apart = again.entry.started - act.entry.ended if again else 0.0
        if again is None or not record.tempo.soon(apart, _BY_ITSELF):
            yield held(act)
            continue
        turn = turn_of(again)
        told = f"again after {apart:.0f} s"
        cost = turn.credits if turn else 0
        yield broken("the same request", "not repeated", told, act, again, credits=cost)


def _sent(act: Act) -> dict[str, str]:
    return act.entry.request_headers
