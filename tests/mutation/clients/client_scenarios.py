"""Scenarios of client mutants: short programs that meet one situation each."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .client_fixture import EDIT, ClientFixture, catch_error, route_message


class MutationScenario(msgspec.Struct, frozen=True):
    """A program, and the settings of the server that it needs.

    `expected_failures` are the checks that fail for every client. With `fixed_job` the program is
    judged as one that has no user.
    """

    name: str
    run: Callable[[ClientFixture], None]
    settings: dict[str, Any] = {}
    expected_failures: tuple[str, ...] = ()
    fixed_job: bool = False


def scenario(
    *spoils: str, fixed_job: bool = False, **settings: Any
) -> Callable[[Callable[[ClientFixture], None]], MutationScenario]:
    """Make a scenario of a function, with its name."""
    return lambda play: MutationScenario(play.__name__, play, settings, spoils, fixed_job)


@scenario()
def talk(fixture: ClientFixture) -> None:
    """An edit, told in words."""
    client = fixture.open_client_with_clip()
    client.connect()
    client.say(EDIT)
    client.balance()


@scenario(fixed_job=True)
def job(fixture: ClientFixture) -> None:
    """An edit, told in words by a program that has no user."""
    client = fixture.open_client_with_clip()
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def talk_or_not(fixture: ClientFixture) -> None:
    """The way to a session, as far as it goes."""
    catch_error(fixture.open_client().open_session)


@scenario()
def export(fixture: ClientFixture) -> None:
    """An edit, its export, and a link to the project."""
    client = fixture.open_client_with_edit()
    client.export(fixture.output)
    client.claim_link()


@scenario()
def exports_twice(fixture: ClientFixture) -> None:
    """Two exports, with something new in between."""
    client = fixture.open_client_with_edit()
    client.export(fixture.output)
    client.upload(fixture.second_clip)
    client.export(fixture.output)
    client.claim_link()


@scenario()
def words(fixture: ClientFixture) -> None:
    """A word for every route."""
    client = fixture.open_client()
    for message in ("clip.mp4", EDIT, "credits", "show tracks", "upload", "export"):
        route_message(fixture, client, message)
    client.claim_link()


@scenario(silence=SilentTurnPolicy(script="a."))
def silent(fixture: ClientFixture) -> None:
    """An edit that ends without a word."""
    client = fixture.open_client_with_clip()
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario(silence=SilentTurnPolicy(script="n."))
def silent_unchanged(fixture: ClientFixture) -> None:
    """An edit that ends without a word, and that nothing came of."""
    client = fixture.open_client_with_clip()
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def cut(fixture: ClientFixture) -> None:
    """An edit whose stream breaks after it has been told."""
    client = fixture.open_client_with_clip()
    fixture.arm_fault("cut-fin", "chat", after=3)
    catch_error(lambda: client.say(EDIT))


@scenario(silence=SilentTurnPolicy(script="n."))
def cut_unchanged(fixture: ClientFixture) -> None:
    """An edit whose stream breaks, and that nothing came of."""
    client = fixture.open_client_with_clip()
    fixture.arm_fault("cut-fin", "chat", after=1)
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def reply_lost(fixture: ClientFixture) -> None:
    """An edit whose stream never begins for the client."""
    client = fixture.open_client_with_clip()
    fixture.arm_fault("commit-then-drop", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def stalled(fixture: ClientFixture) -> None:
    """A turn of nothing but heartbeats."""
    client = fixture.open_client_with_clip()
    fixture.arm_fault("stall", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def token_expired(fixture: ClientFixture) -> None:
    """The token is refused, once."""
    client = fixture.open_client()
    client.balance()
    fixture.arm_fault("token-expired", "balance")
    catch_error(client.balance)
    catch_error(client.balance)


@scenario()
def token_expired_last(fixture: ClientFixture) -> None:
    """The token is refused, and that is the end."""
    client = fixture.open_client()
    client.balance()
    fixture.arm_fault("token-expired", "balance")
    catch_error(client.balance)


@scenario()
def tokens_expired(fixture: ClientFixture) -> None:
    """Every token is refused."""
    client = fixture.open_client()
    client.connect()
    fixture.arm_fault("token-expired", "balance", times=5)
    catch_error(client.balance)


@scenario()
def manual_token_expired(fixture: ClientFixture) -> None:
    """The token that the client was given is refused."""
    client = fixture.open_client(token=fixture.make_token())
    client.balance()
    fixture.arm_fault("token-expired", "balance")
    catch_error(client.balance)


@scenario(fixed_job=True)
def session_lost(fixture: ClientFixture) -> None:
    """The session is not known any more."""
    client = fixture.open_client_with_clip()
    fixture.arm_fault("session-lost", "chat")
    catch_error(lambda: client.say(EDIT))
    client.open_session()
    client.upload(fixture.second_clip)
    catch_error(lambda: client.say(EDIT))


@scenario()
def no_credits(fixture: ClientFixture) -> None:
    """The turn is refused for want of credits."""
    client = fixture.open_client_with_clip()
    fixture.arm_fault("out-of-credits", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def no_credits_midway(fixture: ClientFixture) -> None:
    """The turn breaks off for want of credits."""
    client = fixture.open_client_with_clip()
    fixture.arm_fault("out-of-credits-mid-turn", "chat")
    catch_error(lambda: client.say(EDIT))
    client.balance()


@scenario()
def unsupported_file(fixture: ClientFixture) -> None:
    """A file of a kind that is not accepted."""
    client = fixture.open_client()
    catch_error(lambda: client.upload(fixture.text_file))


@scenario(upload_limit=5)
def large_file(fixture: ClientFixture) -> None:
    """A file over the limit."""
    client = fixture.open_client()
    catch_error(lambda: client.upload(fixture.clip))


@scenario()
def export_blocked(fixture: ClientFixture) -> None:
    """The plan does not export."""
    client = fixture.open_client_with_edit()
    fixture.arm_fault("export-blocked", "render")
    catch_error(lambda: client.export(fixture.output))
    client.claim_link()


@scenario()
def limited(fixture: ClientFixture) -> None:
    """Too many requests, once."""
    client = fixture.open_client()
    client.connect()
    fixture.arm_fault("rate-limited", "balance")
    catch_error(client.balance)
    catch_error(client.balance)


@scenario()
def limited_for_long(fixture: ClientFixture) -> None:
    """Too many requests, again and again."""
    client = fixture.open_client()
    client.connect()
    fixture.arm_fault("rate-limited", "balance", times=5)
    catch_error(client.balance)


@scenario()
def token_limited(fixture: ClientFixture) -> None:
    """Too many tokens, once."""
    fixture.arm_fault("rate-limited", "token", times=2)
    catch_error(fixture.open_client().connect)


@scenario()
def two_runs(fixture: ClientFixture) -> None:
    """The same user, twice."""
    profile = fixture.new_profile()
    for _ in range(2):
        catch_error(fixture.open_client(profile=profile).balance)


@scenario("client.client-id")
def bad_client_id(fixture: ClientFixture) -> None:
    """A client id that the backend does not take."""
    profile = fixture.new_profile()
    profile.client_id = lambda *_: "x" * 65  # type: ignore[method-assign]
    catch_error(fixture.open_client(profile=profile).connect)


@scenario()
def render_fails(fixture: ClientFixture) -> None:
    """An export that fails, and another one that does not."""
    client = fixture.open_client_with_edit()
    fixture.arm_fault("render-fails-once", "render")
    catch_error(lambda: client.export(fixture.output))
    client.claim_link()


@scenario()
def renders_fail(fixture: ClientFixture) -> None:
    """Exports that all fail."""
    client = fixture.open_client_with_edit()
    fixture.arm_fault("render-fails-once", "render", times=5)
    catch_error(lambda: client.export(fixture.output))
    client.claim_link()


@scenario()
def render_stuck(fixture: ClientFixture) -> None:
    """An export that never ends."""
    client = fixture.open_client_with_edit()
    fixture.arm_fault("render-stuck", "render")
    catch_error(lambda: client.export(fixture.output))
    client.balance()


@scenario(fixed_job=True)
def long_job(fixture: ClientFixture) -> None:
    """A program whose export takes long."""
    client = fixture.open_client_with_edit()
    fixture.arm_fault("render-stuck", "render")
    catch_error(lambda: client.export(fixture.output))
    client.balance()


@scenario()
def nothing_to_export(fixture: ClientFixture) -> None:
    """A session with nothing on its timeline."""
    client = fixture.open_client()
    client.open_session()
    catch_error(lambda: client.export(fixture.output))


@scenario()
def url_gone(fixture: ClientFixture) -> None:
    """A finished export whose URL is dead."""
    client = fixture.open_client_with_edit()
    fixture.arm_fault("url-gone", "render")
    catch_error(lambda: client.export(fixture.output))
    client.claim_link()


def scenarios() -> dict[str, MutationScenario]:
    """Return all scenarios by name."""
    return {
        found.name: found for found in globals().values() if isinstance(found, MutationScenario)
    }
