"""Who a client says it is, and how often it takes a free token (AUTH-1 to AUTH-8, CLI-9)."""

from collections.abc import Iterator
from itertools import pairwise

from nemolocal_contract.codes import Code
from nemolocal_contract.headers import CLIENT_ID_MAX

from ..records.act import Act
from ..records.record import Record
from .rule import Finding, broken, client_check, held

_WEEK = 7 * 24 * 3600.0
# What a client does by itself after a refusal comes within a minute, a pause of 30 s included.
_AT_ONCE = 60.0


@client_check("client.client-id", "AUTH-1", "AUTH-2")
def token_call_names_the_client(record: Record) -> Iterator[Finding]:
    """The token call MUST carry an X-Client-Id of 1 to 64 characters."""
    for act in record.of("token"):
        right = 1 <= len(act.client_id) <= CLIENT_ID_MAX
        expected = "1 to 64 characters"
        yield held(act) if right else broken("X-Client-Id", expected, act.client_id[:80], act)


@client_check("client.after-400.client-id", "CLI-7", "AUTH-2")
def refused_client_id_is_replaced(record: Record) -> Iterator[Finding]:
    """A token call that is refused with 400 MUST be tried once more, with a client id made anew."""
    refused = [act for act in record.of("token") if act.code == Code.BAD_REQUEST]
    for number, act in enumerate(refused):
        later = [other for other in record.after(act) if other.endpoint == "token"]
        if number and act.client_id != refused[number - 1].client_id:
            continue  # this was the second try
        if not later:
            yield broken("it was not tried again", "a second token call", "none", act)
        elif later[0].client_id in ("", act.client_id):
            told = later[0].client_id or "none"
            yield broken("the same client id again", "a new one", told, act, later[0])
        else:
            yield held(act, later[0])


@client_check("client.token.once-a-week", "CLI-9", "AUTH-3", "AUTH-5")
def token_is_kept_while_it_lives(record: Record) -> Iterator[Finding]:
    """A client id MUST ask for one token a week, unless its token was refused."""
    granted: dict[str, Act] = {}
    for act in record.of("token"):
        before = granted.get(act.client_id)
        if before is not None and not _refused_between(record, before, act):
            apart = act.entry.started - before.entry.ended
            early = apart < _WEEK and act.code != Code.BAD_REQUEST
            told = f"again after {apart:.0f} s"
            yield (
                broken("a second token", "one in 7 days", told, before, act)
                if early
                else held(before, act)
            )
        elif act.ok:
            yield held(act)
        if act.ok:
            granted[act.client_id] = act


@client_check("client.client-id.kept", "CLI-9")
def client_id_is_kept_between_runs(record: Record) -> Iterator[Finding]:
    """A client SHOULD keep its client id, so that each run does not take another free token."""
    tokens = record.of("token")
    asked = [act for act in tokens if act.client_id]
    for before, act in pairwise(asked):
        replaced = before.code in (Code.BAD_REQUEST, Code.RATE_LIMITED)
        if act.client_id == before.client_id:
            yield held(before, act)
        elif not replaced and act.entry.started - before.entry.ended < _WEEK:
            yield broken("another client id", "the one that is kept", "a new one", before, act)


@client_check("client.manual-token", "AUTH-8")
def manual_token_is_all_there_is(record: Record) -> Iterator[Finding]:
    """A client that was given a token MUST never ask for an anonymous one."""
    for place, act in enumerate(record.acts):
        if not act.manual:
            continue
        # Only what comes next is surely by the same client.
        after = record.acts[place + 1] if place + 1 < len(record.acts) else None
        if after is None or not _at_once(record, act, after):
            yield held(act)
        elif after.endpoint == "token":
            told = f"a token call after code {act.code}"
            yield broken("an anonymous token", "none", told, act, after)
        else:
            yield held(act)


def _at_once(record: Record, act: Act, after: Act) -> bool:
    return record.tempo.soon(after.entry.started - act.entry.ended, _AT_ONCE)


def _refused_between(record: Record, granted: Act, asked: Act) -> bool:
    """Whether a token was refused after it was granted and before another was asked for."""
    return any(act.code == Code.BAD_TOKEN for act in record.between(granted, asked))
