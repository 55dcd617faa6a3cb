"""What befalls clients: short stories in which a client shows how it deals with something."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .client_fixture import EDIT, ClientFixture, catch_error, route_message


class MutationScenario(msgspec.Struct, frozen=True):
    """A story, and the settings of the server that it needs.

    `spoils` are the checks that the story itself breaks, whoever the client is.
    """

    name: str
    run: Callable[[ClientFixture], None]
    settings: dict[str, Any] = {}
    expected_failures: tuple[str, ...] = ()


def scenario(
    *spoils: str, **settings: Any
) -> Callable[[Callable[[ClientFixture], None]], MutationScenario]:
    """Make a scenario of a function, by whose name it is called."""
    return lambda play: MutationScenario(play.__name__, play, settings, spoils)


@scenario()
def talk(on: ClientFixture) -> None:
    """An edit, told in words."""
    client = on.open_client_with_clip()
    client.connect()
    client.say(EDIT)
    client.balance()


@scenario()
def talk_or_not(on: ClientFixture) -> None:
    """The way to a session, as far as it goes."""
    catch_error(on.open_client().open_session)


@scenario()
def export(on: ClientFixture) -> None:
    """An edit, its export, and a link to the project."""
    client = on.open_client_with_edit()
    client.export(on.output)
    client.claim_link()


@scenario()
def exports_twice(on: ClientFixture) -> None:
    """Two exports, with something new in between."""
    client = on.open_client_with_edit()
    client.export(on.output)
    client.upload(on.second_clip)
    client.export(on.output)
    client.claim_link()


@scenario()
def words(on: ClientFixture) -> None:
    """A word for every route."""
    client = on.open_client()
    for message in ("clip.mp4", EDIT, "credits", "show tracks", "upload", "export"):
        route_message(on, client, message)
    client.claim_link()


@scenario(silence=SilentTurnPolicy(script="a."))
def silent(on: ClientFixture) -> None:
    """An edit that ends without a word."""
    client = on.open_client_with_clip()
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario(silence=SilentTurnPolicy(script="n."))
def silent_unchanged(on: ClientFixture) -> None:
    """An edit that ends without a word, and that nothing came of."""
    client = on.open_client_with_clip()
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def cut(on: ClientFixture) -> None:
    """An edit whose stream breaks after it has been told."""
    client = on.open_client_with_clip()
    on.arm_fault("cut-fin", "chat", after=3)
    catch_error(lambda: client.say(EDIT))


@scenario(silence=SilentTurnPolicy(script="n."))
def cut_unchanged(on: ClientFixture) -> None:
    """An edit whose stream breaks, and that nothing came of."""
    client = on.open_client_with_clip()
    on.arm_fault("cut-fin", "chat", after=1)
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def reply_lost(on: ClientFixture) -> None:
    """An edit whose stream never begins for the client."""
    client = on.open_client_with_clip()
    on.arm_fault("commit-then-drop", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def stalled(on: ClientFixture) -> None:
    """A turn of nothing but heartbeats."""
    client = on.open_client_with_clip()
    on.arm_fault("stall", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def token_expired(on: ClientFixture) -> None:
    """The token is refused, once."""
    client = on.open_client()
    client.balance()
    on.arm_fault("token-expired", "balance")
    catch_error(client.balance)
    catch_error(client.balance)


@scenario()
def token_expired_last(on: ClientFixture) -> None:
    """The token is refused, and that is the end."""
    client = on.open_client()
    client.balance()
    on.arm_fault("token-expired", "balance")
    catch_error(client.balance)


@scenario()
def tokens_expired(on: ClientFixture) -> None:
    """Every token is refused."""
    client = on.open_client()
    client.connect()
    on.arm_fault("token-expired", "balance", times=5)
    catch_error(client.balance)


@scenario()
def manual_token_expired(on: ClientFixture) -> None:
    """The token that the client was given is refused."""
    client = on.open_client(token=on.make_token())
    client.balance()
    on.arm_fault("token-expired", "balance")
    catch_error(client.balance)


@scenario()
def session_lost(on: ClientFixture) -> None:
    """The session is not known any more."""
    client = on.open_client_with_clip()
    on.arm_fault("session-lost", "chat")
    catch_error(lambda: client.say(EDIT))
    client.open_session()
    client.upload(on.second_clip)
    catch_error(lambda: client.say(EDIT))


@scenario()
def no_credits(on: ClientFixture) -> None:
    """The turn is refused for want of credits."""
    client = on.open_client_with_clip()
    on.arm_fault("out-of-credits", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def no_credits_midway(on: ClientFixture) -> None:
    """The turn breaks off for want of credits."""
    client = on.open_client_with_clip()
    on.arm_fault("out-of-credits-mid-turn", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def unsupported_file(on: ClientFixture) -> None:
    """A file of a kind that is not accepted."""
    client = on.open_client()
    catch_error(lambda: client.upload(on.text_file))


@scenario(upload_limit=5)
def large_file(on: ClientFixture) -> None:
    """A file over the limit."""
    client = on.open_client()
    catch_error(lambda: client.upload(on.clip))


@scenario()
def export_blocked(on: ClientFixture) -> None:
    """The plan does not export."""
    client = on.open_client_with_edit()
    on.arm_fault("export-blocked", "render")
    catch_error(lambda: client.export(on.output))
    client.claim_link()


@scenario()
def limited(on: ClientFixture) -> None:
    """Too many requests, once."""
    client = on.open_client()
    client.connect()
    on.arm_fault("rate-limited", "balance")
    catch_error(client.balance)
    catch_error(client.balance)


@scenario()
def limited_for_long(on: ClientFixture) -> None:
    """Too many requests, again and again."""
    client = on.open_client()
    client.connect()
    on.arm_fault("rate-limited", "balance", times=5)
    catch_error(client.balance)


@scenario()
def token_limited(on: ClientFixture) -> None:
    """Too many tokens, once."""
    on.arm_fault("rate-limited", "token", times=2)
    catch_error(on.open_client().connect)


@scenario()
def two_runs(on: ClientFixture) -> None:
    """The same user, twice."""
    profile = on.new_profile()
    for _ in range(2):
        catch_error(on.open_client(profile=profile).balance)


@scenario("client.client-id")
def bad_client_id(on: ClientFixture) -> None:
    """A client id that the backend does not take."""
    profile = on.new_profile()
    profile.client_id = lambda *_: "x" * 65  # type: ignore[method-assign]
    catch_error(on.open_client(profile=profile).connect)


@scenario()
def render_fails(on: ClientFixture) -> None:
    """An export that fails, and another one that does not."""
    client = on.open_client_with_edit()
    on.arm_fault("render-fails-once", "render")
    catch_error(lambda: client.export(on.output))
    client.claim_link()


@scenario()
def renders_fail(on: ClientFixture) -> None:
    """Exports that all fail."""
    client = on.open_client_with_edit()
    on.arm_fault("render-fails-once", "render", times=5)
    catch_error(lambda: client.export(on.output))
    client.claim_link()


@scenario()
def render_stuck(on: ClientFixture) -> None:
    """An export that never ends."""
    client = on.open_client_with_edit()
    on.arm_fault("render-stuck", "render")
    catch_error(lambda: client.export(on.output))
    client.balance()


@scenario()
def nothing_to_export(on: ClientFixture) -> None:
    """A session with nothing on its timeline."""
    client = on.open_client()
    client.open_session()
    catch_error(lambda: client.export(on.output))


@scenario()
def url_gone(on: ClientFixture) -> None:
    """A finished export whose URL is dead."""
    client = on.open_client_with_edit()
    on.arm_fault("url-gone", "render")
    catch_error(lambda: client.export(on.output))
    client.claim_link()


def scenarios() -> dict[str, MutationScenario]:
    """Every scenario by its name."""
    return {
        found.name: found for found in globals().values() if isinstance(found, MutationScenario)
    }
