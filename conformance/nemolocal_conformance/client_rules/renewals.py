"""1001: a new token for the same client id, and the request once more (CLI-7)."""

from collections.abc import Iterator
from itertools import islice

from nemolocal_contract.codes import Code

from ..records.act import Act
from ..records.record import Record
from .rule import Finding, broken, client_check, held, unclear

# A pause of 30 s included.
_AT_ONCE = 90.0


@client_check("client.after-1001.renew", "CLI-7", "AUTH-5")
def refused_token_is_renewed(record: Record) -> Iterator[Finding]:
    """After 1001 a client with a free token MUST get another one before it goes on."""
    for act in _first_refusals(record):
        after = next((other for other in record.after(act) if _goes_on(other)), None)
        if after is not None and _renews(act, after):
            yield held(act, after)
        elif not _last_granted(record, act):
            yield unclear("nobody knows whether the token was a free one", act)
        else:
            told = after.what if after else "nothing more"
            shown = (after,) if after else ()
            yield broken("what came next", "a token call", told, act, *shown)


@client_check("client.after-1001.client-id", "CLI-7", "CLI-9")
def renewal_is_for_the_same_client(record: Record) -> Iterator[Finding]:
    """The new token after 1001 MUST be asked for with the client id of the old one."""
    granted = {act.token: act.client_id for act in record.of("token") if act.ok}
    for act in _first_refusals(record):
        known = granted.get(act.token) or _last_granted(record, act)
        after = next((other for other in record.after(act) if other.endpoint == "token"), None)
        if not known or after is None:
            continue
        same = after.client_id == known
        yield held(act, after) if same else broken("the client id", "the same", "another", after)


@client_check("client.after-1001.repeat", "CLI-7")
def refused_request_is_repeated(record: Record) -> Iterator[Finding]:
    """Once there is a new token, the request that was refused MUST be repeated."""
    next_same = record.next_with(lambda act: act.request)
    next_there = record.next_with(lambda act: act.place)
    for act in _first_refusals(record):
        soon = list(islice(record.after(act), 2))
        if not any(other.endpoint == "token" and other.ok for other in soon):
            continue
        again = next_there(act) if act.unread else next_same(act)
        told = "never again"
        not_again = broken("the request", "once more", told, act, missing=True)
        yield held(act, again) if again else not_again


@client_check("client.after-1001.once", "CLI-7")
def request_is_repeated_once(record: Record) -> Iterator[Finding]:
    """A request that is refused with 1001 a second time MUST NOT be repeated again."""
    next_same = record.next_with(lambda act: act.request)
    for act in _first_refusals(record):
        repeats = [act]
        while repeats[-1].code == Code.BAD_TOKEN:
            again = next_same(repeats[-1])
            if again is None or not _at_once(record, repeats[-1], again):
                break
            repeats.append(again)
        if len(repeats) > 2:
            told = f"{len(repeats) - 1} times"
            yield broken("it was repeated", "once", told, *repeats)
        elif len(repeats) == 2:
            yield held(*repeats)


def _first_refusals(record: Record) -> Iterator[Act]:
    """Requests that were refused for a token that may be renewed, and not for a second time."""
    refused: dict[tuple[str, ...], Act] = {}
    for act in record.calls:
        if act.code != Code.BAD_TOKEN or not act.has_bearer or act.manual:
            continue
        before = refused.get(act.request)
        if before is None or not _at_once(record, before, act):
            yield act
        refused[act.request] = act


def _at_once(record: Record, act: Act, after: Act) -> bool:
    return record.tempo.soon(after.entry.started - act.entry.ended, _AT_ONCE)


def _renews(act: Act, after: Act) -> bool:
    """Whether another token is asked for, or one in use that another process got."""
    return after.endpoint == "token" or (after.token is not None and after.token != act.token)


def _last_granted(record: Record, act: Act) -> str:
    """The client id of the newest token before an act, "" where none is known."""
    granted = [
        other.client_id
        for other in record.of("token")
        if other.ok and other.entry.ended <= act.entry.started
    ]
    return granted[-1] if granted else ""


def _goes_on(act: Act) -> bool:
    """Whether a request tells what its client made of the refusal before it."""
    return act.endpoint == "token" or act.has_bearer
