"""Clients that export what they should not, ask too often, or do not bring the file."""

from collections.abc import Callable
from typing import Any

from nemolocal_client.effects import Call, Flow, Wait
from nemolocal_client.errors import DownloadFailed, NemoError, RenderFailed
from nemolocal_client.exports import _attempt
from nemolocal_client.identity import authorized
from nemolocal_client.polling import PollPolicy
from nemolocal_contract.endpoints import RENDER_STATUS

from . import scenarios
from .mutant import ClientMutant, Hit, broken_client


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


@broken_client(
    "odd-id", "REN-1",
    kills="client.render.id-shape", scenario=scenarios.export, at="exports._new_id",
)  # fmt: skip
def odd_id(original: Any, hit: Hit) -> Any:
    """An export is called otherwise than others call theirs."""

    def new_id(session: Any) -> Flow[str]:
        hit()
        name: str = yield from original(session)
        return name.removeprefix("render_")

    return new_id


@broken_client(
    "same-id-again", "CLI-8", "REN-6",
    kills="client.retry.new-id", scenario=scenarios.render_fails, at="exports._new_id",
)  # fmt: skip
def same_id_again(original: Any, hit: Hit) -> Any:
    """A failed export is tried again under the id that it had."""
    del original

    def new_id(session: Any) -> Flow[str]:
        del session
        hit()
        return "render_1"
        yield

    return new_id


@broken_client(
    "fails-once-for-all", "CLI-8", "REN-6",
    kills="client.retry", scenario=scenarios.renders_fail, at="exports._render",
)  # fmt: skip
def fails_once_for_all(original: Any, hit: Hit) -> Any:
    """A failed export is not tried again."""
    del original

    def render(session: Any, draft: Any, policy: Any, output: Any) -> Flow[Any]:
        status = yield from _attempt(session, draft, policy, output)
        hit()
        raise RenderFailed(f"the export is {status.status}")

    return render


@broken_client(
    "fails-for-ever", "CLI-8", "REN-6",
    kills="client.retry.once", scenario=scenarios.renders_fail, at="exports._render",
)  # fmt: skip
def fails_for_ever(original: Any, hit: Hit) -> Any:
    """A failed export is tried again and again."""

    def render(*arguments: Any) -> Flow[Any]:
        try:
            return (yield from original(*arguments))
        except RenderFailed:
            hit()
            return (yield from original(*arguments))

    return render


@broken_client(
    "exports-anew", "REN-6", "REN-8", "CLI-8",
    kills="client.render.one-at-a-time", scenario=scenarios.render_stuck, at="exports._render",
)  # fmt: skip
def exports_anew(original: Any, hit: Hit) -> Any:
    """An export that takes long is begun anew beside itself."""

    def render(*arguments: Any) -> Flow[Any]:
        try:
            return (yield from original(*arguments))
        except RenderFailed:
            hit()
            return (yield from original(*arguments))

    return render


def _polling(id: str, kills: str, policy: PollPolicy) -> ClientMutant:
    """A client that asks about an export in its own way."""

    @broken_client(
        id, "CLI-8", "REN-6", kills=kills, scenario=scenarios.render_stuck, at="exports._poll"
    )
    def otherwise(original: Any, hit: Hit) -> Any:
        """An export is asked about too often, too seldom, or for too long."""

        def poll(session: Any, status: Any, _: PollPolicy) -> Flow[Any]:
            hit()
            return (yield from original(session, status, policy))

        return poll

    return otherwise


inquisitive = _polling("inquisitive", "client.poll.rhythm", PollPolicy(5.0, 10))
leisurely = _polling("leisurely", "client.poll.slow", PollPolicy(120.0, 10))
undaunted = _polling("undaunted", "client.poll.count", PollPolicy(30.0, 20))


@broken_client(
    "asks-on", "CLI-8", "REN-5", "REN-6",
    kills="client.poll.stops", scenario=scenarios.export, at="exports._poll",
)  # fmt: skip
def asks_on(original: Any, hit: Hit) -> Any:
    """An export that is finished is asked about once more."""

    def poll(session: Any, status: Any, policy: PollPolicy) -> Flow[Any]:
        done = yield from original(session, status, policy)
        hit()
        yield Wait(policy.seconds)
        path = RENDER_STATUS.path(render=done.id)
        yield from authorized(session.account, Call(method="GET", path=path))
        return done

    return poll


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


def _bringing(
    id: str, kills: str, scenario: scenarios.Scenario, *breaks: str
) -> Callable[[Callable[..., Flow[int]]], ClientMutant]:
    """Make a mutant of a function that brings a file in its own way."""

    def make(bring: Callable[..., Flow[int]]) -> ClientMutant:
        def twist(original: Any, hit: Hit) -> Any:
            def brought(account: Any, request: Any, expected: int) -> Flow[int]:
                hit()
                size: int = yield from bring(original, account, request, expected)
                return size

            return brought

        twist.__doc__ = bring.__doc__
        at = "downloads._bring"
        return broken_client(id, *breaks, kills=kills, scenario=scenario, at=at)(twist)

    return make


@_bringing("detour", "client.download.order", scenarios.export, "CLI-8", "REN-8")
def detour(original: Any, account: Any, request: Any, expected: int) -> Flow[int]:
    """The file is fetched from the fallback only."""
    if account is None:
        raise DownloadFailed()
    return int((yield from original(account, request, expected)))


@_bringing("one-way", "client.download.fallback", scenarios.url_gone, "CLI-8", "REN-8")
def one_way(original: Any, account: Any, request: Any, expected: int) -> Flow[int]:
    """Where `output.url` is dead, that is the end."""
    if account is not None:
        raise NemoError("the file is gone")
    return int((yield from original(account, request, expected)))


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
