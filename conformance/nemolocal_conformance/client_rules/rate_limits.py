"""429: wait 30 seconds, and try once more (CLI-7)."""

from collections.abc import Iterator

from nemolocal_contract.codes import Code

from ..records.act import Act
from ..records.record import Record
from .rule import Finding, broken, client_check, held, unclear

_PAUSE = 30.0
# What comes later than this is another attempt, of the user's.
_BY_ITSELF = 120.0


@client_check("client.429.wait", "CLI-7", "AUTH-3")
def limited_client_waits(record: Record) -> Iterator[Finding]:
    """After 429 a client MUST wait 30 s before it tries again."""
    for act, again in _attempts(record):
        apart = again.entry.started - act.entry.ended
        shorter = record.tempo.shorter(apart, _PAUSE)
        if shorter is None:
            yield unclear(record.tempo.why, act, again)
        elif shorter:
            yield broken("it tried again", "after 30 s", f"after {apart:.1f} s", act, again)
        else:
            yield held(act, again)


@client_check("client.429.once", "CLI-7", "AUTH-3")
def limited_client_tries_once(record: Record) -> Iterator[Finding]:
    """After a second 429 a client MUST NOT try again by itself."""
    attempts = dict(_attempts(record))
    for act, again in attempts.items():
        third = attempts.get(again)
        if third is not None and _by_itself(record, again, third):
            yield broken("it tried again", "once", "twice or more", act, again, third)
        else:
            yield held(act, again)


@client_check("client.429.retry", "CLI-7")
def limited_client_tries_again(record: Record) -> Iterator[Finding]:
    """After 429 a client SHOULD try once more."""
    attempts = dict(_attempts(record))
    seconds = set(attempts.values())
    for act in _limited(record):
        if act in attempts:
            yield held(act, attempts[act])
        elif act not in seconds:
            yield broken("it was not tried again", "one more attempt", "none", act, missing=True)


@client_check("client.429.client-id", "CLI-9", "AUTH-3")
def limit_is_not_dodged(record: Record) -> Iterator[Finding]:
    """After 429 a client MUST NOT ask for a token under another client id."""
    next_same = record.next_with(_what)
    for act in _limited(record):
        if act.endpoint != "token":
            continue
        after = next_same(act)
        if after is None or not _by_itself(record, act, after):
            continue
        same = after.client_id == act.client_id
        yield held(act, after) if same else broken("a client id", "the same", "another", act, after)


def _limited(record: Record) -> list[Act]:
    return [act for act in record.calls if act.code == Code.RATE_LIMITED]


def _attempts(record: Record) -> Iterator[tuple[Act, Act]]:
    """Each refusal with the next attempt at the same thing, if there is one."""
    next_same = record.next_with(_what)
    for act in _limited(record):
        again = next_same(act)
        if again is not None:
            yield act, again


def _what(act: Act) -> tuple[str, ...]:
    """What is asked for: a token is one whatever the client id."""
    return (act.endpoint,) if act.endpoint == "token" else act.request


def _by_itself(record: Record, act: Act, other: Act) -> bool:
    return record.tempo.soon(other.entry.started - act.entry.ended, _BY_ITSELF)
