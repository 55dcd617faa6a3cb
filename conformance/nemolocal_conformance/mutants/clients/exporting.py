"""Clients that export what they should not, ask too often, or do not bring the file."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_client.effects import Call, Download, Effect, Flow, Wait
from nemolocal_client.errors import DownloadFailed, NemoError, RenderFailed
from nemolocal_client.failures import render_of
from nemolocal_client.polling import CONTRACT_POLLING, PollPolicy
from nemolocal_contract.envelope import decode_json, encode_json

from . import scenarios
from .mutant import ClientMutant, Hit, broken_client
from .rewriting import Memory, broken_effects, endpoint_of, signed


@broken_client(
    "exports-blindly", "CLI-8", "STA-3",
    kills="client.render.state-first", scenario=scenarios.exports_twice, at="exports.read_state",
)  # fmt: skip
def exports_blindly(original: Any, hit: Hit) -> Any:
    """What is exported is what the first export read."""
    kept: list[Any] = []

    def read_state(session: Any) -> Flow[Any]:
        if kept:
            hit()
        else:
            kept.append((yield from original(session)))
        return kept[0]

    return read_state


@broken_client(
    "exports-nothing", "CLI-8", "STA-3",
    kills="client.render.not-empty", scenario=scenarios.nothing_to_export, at="exports.draft_of",
)  # fmt: skip
def exports_nothing(original: Any, hit: Hit) -> Any:
    """An empty timeline is exported."""

    def ready(state: Any) -> Any:
        hit()
        return _Ready() if not original(state).ready else original(state)

    return ready


class _Ready:
    """An empty draft that calls itself ready."""

    ready = True
    duration_ms = 0


@broken_effects("odd-id", "REN-1", kills="client.render.id-shape", scenario=scenarios.export)
def odd_id(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """An export is called otherwise than others call theirs."""
    if endpoint_of(effect) == "render":
        hit()
        effect = _called(effect, lambda name: name.removeprefix("render_"))
    return (yield effect)


def _called(effect: Effect, rename: Callable[[str], str]) -> Call:
    """The start of an export under another id."""
    assert isinstance(effect, Call)
    body = decode_json(effect.json or b"")
    json = encode_json({**body, "id": rename(body["id"])})
    return msgspec.structs.replace(effect, json=json)


@broken_effects(
    "same-id-again", "CLI-8", "REN-6",
    kills="client.retry.new-id", scenario=scenarios.render_fails,
)  # fmt: skip
def same_id_again(effect: Effect, hit: Hit, _: Memory) -> Flow[Any]:
    """A failed export is tried again under the id that it had."""
    if endpoint_of(effect) == "render":
        hit()
        effect = _called(effect, lambda _: "render_1")
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
            def export(*arguments: Any) -> Flow[Any]:
                try:
                    return (yield from original(*arguments))
                except RenderFailed:
                    hit()
                    return (yield from original(*arguments))

            return export

        twist.__doc__ = told.__doc__
        at = "workspace.export"
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
        id, "CLI-8", "REN-6", kills=kills, scenario=scenarios.render_stuck, at="workspace.export"
    )
    def otherwise(original: Any, hit: Hit) -> Any:
        """An export is asked about too often, too seldom, or for too long."""

        def export(session: Any, destination: Any, _: PollPolicy, output: Any) -> Flow[Any]:
            hit()
            return (yield from original(session, destination, policy, output))

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


@broken_client(
    "hands-over-nothing", "CLI-10", "AUTH-7",
    kills="client.claim-link", scenario=scenarios.export, at="workspace.claim_link",
)  # fmt: skip
def hands_over_nothing(original: Any, hit: Hit) -> Any:
    """The link to the project is that of its owner."""
    del original

    def claim_link(session: Any, web_url: str) -> Flow[str]:
        hit()
        return f"{web_url}/workspace/{session.id}"
        yield

    return claim_link


@broken_client(
    "brings-nothing", "CLI-8", "REN-8",
    kills="client.download", scenario=scenarios.export, at="exports.fetch",
)  # fmt: skip
def brings_nothing(original: Any, hit: Hit) -> Any:
    """A finished export stays where it is."""
    del original

    def fetch(account: Any, done: Any, destination: Any) -> Flow[tuple[int, str]]:
        del account, destination
        hit()
        return 0, done.output.url
        yield

    return fetch


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


@broken_client(
    "shows-its-token", "REN-8", "CLI-9",
    kills="client.download.no-token", scenario=scenarios.export, at="transport.download_request",
)  # fmt: skip
def shows_its_token(original: Any, hit: Hit) -> Any:
    """Whoever serves the file is told a token."""

    def request(http: Any, asked: Any) -> Any:
        hit()
        made = original(http, asked)
        made.headers.setdefault("Authorization", "Bearer nmv_usr_told_to_anybody")
        return made

    return request


@broken_client(
    "uploads-twice", "SES-2", "UPL-1",
    kills="client.upload.again", scenario=scenarios.talk, at="workspace.upload_files",
)  # fmt: skip
def uploads_twice(original: Any, hit: Hit) -> Any:
    """A file is uploaded twice, to be sure."""

    def upload(*arguments: Any, **options: Any) -> Flow[Any]:
        yield from original(*arguments, **options)
        hit()
        return (yield from original(*arguments, **options))

    return upload
