"""Clients that export what they should not, ask too often, or do not bring the file."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_client.effects import (
    Call,
    CheckDestination,
    Download,
    Downloaded,
    Effect,
    Flow,
    PutInPlace,
    Reply,
    Secret,
    Wait,
)
from nemolocal_client.errors import DownloadFailed, NemoError, RenderFailed
from nemolocal_client.failures import render_of
from nemolocal_client.polling import CONTRACT_POLLING, PollPolicy
from nemolocal_contract.envelope import decode_json, encode_json

from . import scenarios
from .mutant import ClientMutant, Hit, broken_client
from .rewriting import Memory, broken_effects, endpoint_of, signed


@broken_effects(
    "exports-blindly", "CLI-8", "STA-3",
    kills="client.render.state-first", scenario=scenarios.exports_twice,
)  # fmt: skip
def exports_blindly(effect: Effect, hit: Hit, memory: Memory) -> Flow[Any]:
    """What is exported is what the first export read."""
    if isinstance(effect, CheckDestination):
        memory["exporting"] = True
    if endpoint_of(effect) != "state" or not memory.pop("exporting", False):
        return (yield effect)
    if "state" in memory:
        hit()
    else:
        memory["state"] = yield effect
    return memory["state"]


@broken_effects(
    "exports-nothing", "CLI-8", "STA-3",
    kills="client.render.not-empty", scenario=scenarios.nothing_to_export,
)  # fmt: skip
def exports_nothing(effect: Effect, hit: Hit, memory: Memory) -> Flow[Any]:
    """An empty timeline is exported."""
    if endpoint_of(effect) == "render":
        hit()
        effect = _asking(effect, draft=memory["draft"])
    reply = yield effect
    if endpoint_of(effect) != "state":
        return reply
    body = decode_json(reply.body)
    memory["draft"] = body["data"]["state"]["draft"]
    body["data"]["state"]["draft"] = _FULL
    return msgspec.structs.replace(reply, body=encode_json(body))


# A timeline with something on it.
_FULL = {"t": [{"tt": 0, "id": "v", "sg": [{"id": "a", "s": 0, "d": 1000, "src": "a"}]}], "d": 1000}


def _asking(effect: Effect, **changed: Any) -> Call:
    """The start of an export with something changed in its body."""
    assert isinstance(effect, Call)
    json = encode_json({**decode_json(effect.json or b""), **changed})
    return msgspec.structs.replace(effect, json=json)


@broken_effects("odd-id", "REN-1", kills="client.render.id-shape", scenario=scenarios.export)
def odd_id(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """An export is called otherwise than others call theirs."""
    if isinstance(effect, Call) and endpoint_of(effect) == "render":
        hit()
        name = decode_json(effect.json or b"")["id"]
        effect = _asking(effect, id=name.removeprefix("render_"))
    return (yield effect)


@broken_effects(
    "same-id-again", "CLI-8", "REN-6",
    kills="client.retry.new-id", scenario=scenarios.render_fails,
)  # fmt: skip
def same_id_again(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """A failed export is tried again under the id that it had."""
    if endpoint_of(effect) == "render":
        hit()
        effect = _asking(effect, id="render_1")
    return (yield effect)


@broken_effects(
    "fails-once-for-all", "CLI-8", "REN-6",
    kills="client.retry", scenario=scenarios.renders_fail,
)  # fmt: skip
def fails_once_for_all(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """A failed export is not tried again."""
    reply = yield effect
    if endpoint_of(effect) == "render_status" and render_of(reply).status == "failed":
        hit()
        raise RenderFailed("the export is failed")
    return reply


def _exporting_again(
    id: str, kills: str, scenario: scenarios.Scenario, *breaks: str
) -> Callable[[Callable[[], None]], ClientMutant]:
    """Make a mutant that exports once more after a failure; the sentence is of a function."""

    def make(told: Callable[[], None]) -> ClientMutant:
        def twist(original: Any, hit: Hit) -> Any:
            def export(*arguments: Any) -> Any:
                try:
                    return original(*arguments)
                except RenderFailed:
                    hit()
                    return original(*arguments)

            return export

        twist.__doc__ = told.__doc__
        at = "client.Client.export"
        return broken_client(id, *breaks, kills=kills, scenario=scenario, at=at)(twist)

    return make


@_exporting_again("fails-for-ever", "client.retry.once", scenarios.renders_fail, "CLI-8", "REN-6")
def fails_for_ever() -> None:
    """A failed export is tried again and again."""


@_exporting_again(
    "exports-anew", "client.render.one-at-a-time", scenarios.render_stuck,
    "REN-6", "REN-8", "CLI-8",
)  # fmt: skip
def exports_anew() -> None:
    """An export that takes long is begun anew beside itself."""


def _polling(id: str, kills: str, policy: PollPolicy) -> ClientMutant:
    """A client that asks about an export in its own way."""

    @broken_client(
        id,
        "CLI-8",
        "REN-6",
        kills=kills,
        scenario=scenarios.render_stuck,
        at="client.Client.export",
    )
    def otherwise(original: Any, hit: Hit) -> Any:
        """An export is asked about too often, too seldom, or for too long."""

        def export(client: Any, destination: Any) -> Any:
            hit()
            client.workspace.polling = policy
            return original(client, destination)

        return export

    return otherwise


inquisitive = _polling("inquisitive", "client.poll.rhythm", PollPolicy(5.0, 10))
leisurely = _polling("leisurely", "client.poll.slow", PollPolicy(120.0, 10))
undaunted = _polling("undaunted", "client.poll.count", PollPolicy(30.0, 20))


@broken_effects(
    "asks-on", "CLI-8", "REN-5", "REN-6", kills="client.poll.stops", scenario=scenarios.export,
)  # fmt: skip
def asks_on(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """An export that is finished is asked about once more."""
    reply = yield effect
    if endpoint_of(effect) == "render_status" and render_of(reply).status == "completed":
        hit()
        yield Wait(CONTRACT_POLLING.seconds)
        yield effect
    return reply


@broken_effects(
    "hands-over-nothing", "CLI-10", "AUTH-7",
    kills="client.claim-link", scenario=scenarios.export,
)  # fmt: skip
def hands_over_nothing(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """The link to the project is one that nobody has asked for."""
    if endpoint_of(effect) != "claim_token":
        return (yield effect)
    hit()
    return Reply("", 200, encode_json({"code": 0, "data": {"claim_token": "me", "expires_in": 1}}))


@broken_effects(
    "brings-nothing", "CLI-8", "REN-8", kills="client.download", scenario=scenarios.export,
)  # fmt: skip
def brings_nothing(effect: Effect, hit: Hit, memory: Memory) -> Flow[Any]:
    """A finished export stays where it is."""
    match effect:
        case Download():
            hit()
            return Downloaded(memory["size"], complete=True)
        case PutInPlace():
            return effect.destination
    reply = yield effect
    if endpoint_of(effect) == "render_status" and (output := render_of(reply).output) is not None:
        memory["size"] = output.size
    return reply


@broken_effects(
    "detour", "CLI-8", "REN-8", kills="client.download.order", scenario=scenarios.export,
)  # fmt: skip
def detour(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """The file is fetched from the fallback only."""
    if isinstance(effect, Download) and not signed(effect):
        hit()
        raise DownloadFailed()
    return (yield effect)


@broken_effects(
    "one-way", "CLI-8", "REN-8", kills="client.download.fallback", scenario=scenarios.url_gone,
)  # fmt: skip
def one_way(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """Where `output.url` is dead, that is the end."""
    if isinstance(effect, Download) and signed(effect):
        hit()
        raise NemoError("the file is gone")
    return (yield effect)


@broken_effects(
    "shows-its-token", "REN-8", "CLI-9",
    kills="client.download.no-token", scenario=scenarios.export,
)  # fmt: skip
def shows_its_token(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """Whoever serves the file is told a token."""
    if isinstance(effect, Download) and not signed(effect):
        hit()
        effect = msgspec.structs.replace(effect, token=Secret("nmv_usr_told_to_anybody"))
    return (yield effect)


@broken_effects(
    "uploads-twice", "SES-2", "UPL-1", kills="client.upload.again", scenario=scenarios.talk,
)  # fmt: skip
def uploads_twice(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """A file is uploaded twice, to be sure."""
    if endpoint_of(effect) == "upload":
        hit()
        yield effect
    return (yield effect)
