"""What befalls clients: short stories in which a client shows how it deals with something."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_server.silence import Silence

from .stage import EDIT, ClientStage, attempt, tell


class Scenario(msgspec.Struct, frozen=True):
    """A story, and the settings of the server that it needs.

    `spoils` are the checks that the story itself breaks, whoever the client is.
    """

    name: str
    play: Callable[[ClientStage], None]
    settings: dict[str, Any] = {}
    spoils: tuple[str, ...] = ()


def scenario(*spoils: str, **settings: Any) -> Callable[[Callable[[ClientStage], None]], Scenario]:
    """Make a scenario of a function, by whose name it is called."""
    return lambda play: Scenario(play.__name__, play, settings, spoils)


@scenario()
def talk(on: ClientStage) -> None:
    """An edit, told in words."""
    client = on.ready()
    client.connect()
    client.say(EDIT)
    client.balance()


@scenario()
def talk_or_not(on: ClientStage) -> None:
    """The way to a session, as far as it goes."""
    attempt(on.client().open_session)


@scenario()
def export(on: ClientStage) -> None:
    """An edit, its export, and a link to the project."""
    client = on.edited()
    client.export(on.output)
    client.claim_link()


@scenario()
def exports_twice(on: ClientStage) -> None:
    """Two exports, with something new in between."""
    client = on.edited()
    client.export(on.output)
    client.upload(on.second_clip)
    client.export(on.output)
    client.claim_link()


@scenario()
def words(on: ClientStage) -> None:
    """A word for every route."""
    client = on.client()
    for message in ("clip.mp4", EDIT, "credits", "show tracks", "upload", "export"):
        tell(on, client, message)
    client.claim_link()


@scenario(silence=Silence(script="a."))
def silent(on: ClientStage) -> None:
    """An edit that ends without a word."""
    client = on.ready()
    attempt(lambda: client.say(EDIT))
    client.balance()


@scenario(silence=Silence(script="n."))
def silent_unchanged(on: ClientStage) -> None:
    """An edit that ends without a word, and that nothing came of."""
    client = on.ready()
    attempt(lambda: client.say(EDIT))
    client.balance()


@scenario()
def cut(on: ClientStage) -> None:
    """An edit whose stream breaks after it has been told."""
    client = on.ready()
    on.arm("cut-fin", "chat", after=3)
    attempt(lambda: client.say(EDIT))


@scenario(silence=Silence(script="n."))
def cut_unchanged(on: ClientStage) -> None:
    """An edit whose stream breaks, and that nothing came of."""
    client = on.ready()
    on.arm("cut-fin", "chat", after=1)
    attempt(lambda: client.say(EDIT))
    client.balance()


@scenario()
def reply_lost(on: ClientStage) -> None:
    """An edit whose stream never begins for the client."""
    client = on.ready()
    on.arm("commit-then-drop", "chat")
    attempt(lambda: client.say(EDIT))
    client.balance()


@scenario()
def stalled(on: ClientStage) -> None:
    """A turn of nothing but heartbeats."""
    client = on.ready()
    on.arm("stall", "chat")
    attempt(lambda: client.say(EDIT))
    client.balance()


@scenario()
def token_expired(on: ClientStage) -> None:
    """The token is refused, once."""
    client = on.client()
    client.balance()
    on.arm("token-expired", "balance")
    attempt(client.balance)
    attempt(client.balance)


@scenario()
def token_expired_last(on: ClientStage) -> None:
    """The token is refused, and that is the end."""
    client = on.client()
    client.balance()
    on.arm("token-expired", "balance")
    attempt(client.balance)


@scenario()
def tokens_expired(on: ClientStage) -> None:
    """Every token is refused."""
    client = on.client()
    client.connect()
    on.arm("token-expired", "balance", times=5)
    attempt(client.balance)


@scenario()
def manual_token_expired(on: ClientStage) -> None:
    """The token that the client was given is refused."""
    client = on.client(token=on.manual_token())
    client.balance()
    on.arm("token-expired", "balance")
    attempt(client.balance)


@scenario()
def session_lost(on: ClientStage) -> None:
    """The session is not known any more."""
    client = on.ready()
    on.arm("session-lost", "chat")
    attempt(lambda: client.say(EDIT))
    client.open_session()
    client.upload(on.second_clip)
    attempt(lambda: client.say(EDIT))


@scenario()
def no_credits(on: ClientStage) -> None:
    """The turn is refused for want of credits."""
    client = on.ready()
    on.arm("out-of-credits", "chat")
    attempt(lambda: client.say(EDIT))
    client.balance()


@scenario()
def no_credits_midway(on: ClientStage) -> None:
    """The turn breaks off for want of credits."""
    client = on.ready()
    on.arm("out-of-credits-mid-turn", "chat")
    attempt(lambda: client.say(EDIT))
    client.balance()


@scenario()
def unsupported_file(on: ClientStage) -> None:
    """A file of a kind that is not accepted."""
    client = on.client()
    attempt(lambda: client.upload(on.notes))


@scenario(upload_limit=5)
def large_file(on: ClientStage) -> None:
    """A file over the limit."""
    client = on.client()
    attempt(lambda: client.upload(on.clip))


@scenario()
def export_blocked(on: ClientStage) -> None:
    """The plan does not export."""
    client = on.edited()
    on.arm("export-blocked", "render")
    attempt(lambda: client.export(on.output))
    client.claim_link()


@scenario()
def limited(on: ClientStage) -> None:
    """Too many requests, once."""
    client = on.client()
    client.connect()
    on.arm("rate-limited", "balance")
    attempt(client.balance)
    attempt(client.balance)


@scenario()
def limited_for_long(on: ClientStage) -> None:
    """Too many requests, again and again."""
    client = on.client()
    client.connect()
    on.arm("rate-limited", "balance", times=5)
    attempt(client.balance)


@scenario()
def token_limited(on: ClientStage) -> None:
    """Too many tokens, once."""
    on.arm("rate-limited", "token", times=2)
    attempt(on.client().connect)


@scenario()
def two_runs(on: ClientStage) -> None:
    """The same user, twice."""
    profile = on.profile()
    for _ in range(2):
        attempt(on.client(profile=profile).balance)


@scenario("client.client-id")
def bad_client_id(on: ClientStage) -> None:
    """A client id that the backend does not take."""
    profile = on.profile()
    profile.client_id = lambda *_: "x" * 65  # type: ignore[method-assign]
    attempt(on.client(profile=profile).connect)


@scenario()
def render_fails(on: ClientStage) -> None:
    """An export that fails, and another one that does not."""
    client = on.edited()
    on.arm("render-fails-once", "render")
    attempt(lambda: client.export(on.output))
    client.claim_link()


@scenario()
def renders_fail(on: ClientStage) -> None:
    """Exports that all fail."""
    client = on.edited()
    on.arm("render-fails-once", "render", times=5)
    attempt(lambda: client.export(on.output))
    client.claim_link()


@scenario()
def render_stuck(on: ClientStage) -> None:
    """An export that never ends."""
    client = on.edited()
    on.arm("render-stuck", "render")
    attempt(lambda: client.export(on.output))
    client.balance()


@scenario()
def nothing_to_export(on: ClientStage) -> None:
    """A session with nothing on its timeline."""
    client = on.client()
    client.open_session()
    attempt(lambda: client.export(on.output))


@scenario()
def url_gone(on: ClientStage) -> None:
    """A finished export whose URL is dead."""
    client = on.edited()
    on.arm("url-gone", "render")
    attempt(lambda: client.export(on.output))
    client.claim_link()


def scenarios() -> dict[str, Scenario]:
    """Every scenario by its name."""
    return {found.name: found for found in globals().values() if isinstance(found, Scenario)}
