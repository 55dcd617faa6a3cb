"""What the rules for clients require (CLI-1 to CLI-10), as functions that fail where it is not so.

They are called with the client as it is, and with broken ones. Waits of minutes pass on the manual
clock.
"""

import stat
from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from nemolocal_client import (
    BadReply,
    BadToken,
    ExportBlocked,
    FileTooLarge,
    NemoError,
    NothingToExport,
    OutOfCredits,
    RateLimited,
    RenderFailed,
    SessionNotFound,
    StreamTimeout,
    TurnFailed,
    UnsupportedFile,
)
from nemolocal_contract.endpoints import ATTRIBUTION
from tests.support.client_setup import Setup

CHAT, STATE, RENDER, TOKEN = "/run_sse", "/api/state", "/api/render/proxy/lambda", "/api/auth/anon"
BEAT = b"data:\n\n"


def failure(error: type[NemoError], call: Callable[[], object]) -> str:
    """What is said by the error that a call must raise."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


Check = Callable[[Setup], None]


class Requirement(msgspec.Struct, frozen=True):
    """A function that fails where a client does not do what the rules say."""

    rules: tuple[str, ...]
    check: Check


REQUIREMENTS: dict[str, Requirement] = {}
"""Every requirement by its name."""


def requirement(*rules: str) -> Callable[[Check], Check]:
    """Make a requirement of a function."""

    def register(check: Check) -> Check:
        REQUIREMENTS[check.__name__] = Requirement(rules, check)
        return check

    return register


@requirement("CLI-1")
def names_itself(setup: Setup) -> None:
    with setup.client() as client:
        client.say("hi")
    for request in setup.backend.received:
        assert all(request.headers.get(name.lower()) for name in ATTRIBUTION)


@requirement("CLI-2")
def keeps_talk_of_files_in_the_chat(setup: Setup) -> None:
    assert setup.route("downloaded clips look dark") == "chat"
    assert setup.route("don't export yet") == "chat"
    assert setup.route("roll the credits at the end") == "chat"
    assert setup.route("export it") == "export"


@requirement("CLI-3")
def tells_what_a_silent_turn_changed(setup: Setup) -> None:
    wire = setup.backend.wire
    setup.backend.arm(CHAT, setup.changing(wire.stream(wire.tool(), BEAT)))
    with setup.client() as client:
        changes = client.say("clear it").changes
    assert any("emoved" in change for change in changes)
    assert len(setup.backend.of(CHAT)) == 1


@requirement("CLI-3")
def looks_five_times_after_a_silence(setup: Setup) -> None:
    setup.backend.arm(CHAT, setup.backend.wire.stream(BEAT))
    with setup.client() as client:
        failure(TurnFailed, lambda: client.say("trim"))
    assert setup.gaps(STATE) == [0, 30, 60, 60, 60]


@requirement("CLI-4")
def looks_five_times_after_a_cut(setup: Setup) -> None:
    setup.backend.arm(CHAT, setup.backend.wire.stream(BEAT, setup.cut))
    with setup.client() as client:
        failure(TurnFailed, lambda: client.say("trim"))
    assert setup.gaps(STATE) == [30, 60, 60, 60, 60]
    assert len(setup.backend.of(CHAT)) == 1


@requirement("CLI-4")
def never_sends_again(setup: Setup) -> None:
    setup.backend.arm(CHAT, setup.changing([setup.cut]))
    with setup.client() as client:
        assert client.say("clear it").changes
    assert len(setup.backend.of(CHAT)) == 1


@requirement("CLI-5")
def says_that_it_works_every_two_minutes(setup: Setup) -> None:
    assert setup.hear([(15, BEAT)] * 33) == ["⏳ Still working..."] * 4


@requirement("CLI-5")
def gives_up_after_ten_minutes_of_heartbeats(setup: Setup) -> None:
    setup.hear([(15, BEAT)] * 39)
    for beat in (BEAT, b'data: {"type":"heartbeat"}\n\n'):
        failure(StreamTimeout, partial(setup.hear, [(15, beat)] * 40))


@requirement("CLI-5")
def gives_up_after_fifteen_minutes(setup: Setup) -> None:
    tool = b'data: {"type":"tool_call","name":"x","args":{}}\n\n'
    setup.hear([(60, tool)] * 14)
    failure(StreamTimeout, lambda: setup.hear([(60, tool)] * 15))


@requirement("CLI-6")
def shows_no_tools_and_no_gui(setup: Setup) -> None:
    wire = setup.backend.wire
    words = wire.text("Title added. Click [Export] to download it.")
    issue = wire.text("I encountered a temporary issue.")
    setup.backend.arm(CHAT, wire.stream(wire.tool("hidden"), words, issue))
    with setup.client() as client:
        lines = client.say("title").lines
    assert lines == ("Title added.", 'Say "export" to get the file.')


@requirement("CLI-7")
def renews_its_token_once(setup: Setup) -> None:
    refused = setup.backend.wire.fail(1001)
    setup.backend.arm("/api/credits", refused)
    with setup.client() as client:
        assert client.balance().total == 100
        setup.backend.arm("/api/credits", refused, refused)
        failure(BadToken, client.balance)
    first, second, third = setup.backend.of(TOKEN)
    assert first.headers["x-client-id"] == second.headers["x-client-id"]
    assert third


@requirement("CLI-7")
def waits_thirty_seconds_when_told_that_it_asks_too_often(setup: Setup) -> None:
    often = setup.backend.wire.fail(429, status=429)
    setup.backend.arm("/api/credits", often, often)
    with setup.client() as client:
        failure(RateLimited, client.balance)
    assert setup.gaps("/api/credits") == [30]


@requirement("CLI-7")
def makes_a_client_id_when_it_is_refused(setup: Setup) -> None:
    setup.backend.arm(TOKEN, setup.backend.wire.fail(400, status=400))
    with setup.client() as client:
        client.connect()
    first, second = setup.backend.of(TOKEN)
    assert first.headers["x-client-id"] != second.headers["x-client-id"]


@requirement("CLI-7")
def says_what_to_do_about_a_refusal(setup: Setup) -> None:
    fail = setup.backend.wire.fail
    ways: tuple[tuple[int, type[NemoError], str], ...] = (
        (1002, SessionNotFound, "new session"),
        (2001, OutOfCredits, "?bind=anon_7"),
        (4001, UnsupportedFile, "mp4, mov"),
        (4002, FileTooLarge, "compress or trim"),
    )
    with setup.client() as client:
        client.open_session()
        for code, error, way in ways:
            setup.backend.arm(CHAT, fail(code))
            assert way in failure(error, lambda: client.say("trim"))
        setup.backend.arm(RENDER, fail(402, "you have no credits", 402))
        said = failure(ExportBlocked, lambda: client.export(setup.folder / "out.mp4"))
    assert "upgrade" in said
    assert "credits" not in said


@requirement("CLI-8")
def exports_nothing_that_is_empty(setup: Setup) -> None:
    setup.backend.draft = {"t": [{"tt": 0, "sg": []}]}
    with setup.client() as client:
        failure(NothingToExport, lambda: client.export(setup.folder / "out.mp4"))
    assert not setup.backend.of(RENDER)


@requirement("CLI-8", "CLI-10")
def polls_ten_times_thirty_seconds_apart(setup: Setup) -> None:
    working = setup.backend.wire.json({"id": "render_1", "status": "processing"})
    setup.backend.arm(f"{RENDER}/", *[working] * 30)
    with setup.client() as client:
        failure(RenderFailed, lambda: client.export(setup.folder / "out.mp4"))
    assert setup.gaps(f"{RENDER}/") == [30] * 9
    assert "Rendering" in setup.said()


@requirement("CLI-8")
def renders_once_more_with_a_new_id(setup: Setup) -> None:
    failed = setup.backend.wire.json({"id": "render_1", "status": "failed"})
    setup.backend.arm(RENDER, failed)
    with setup.client() as client:
        client.export(setup.folder / "out.mp4")
    first, second = [r.json["id"] for r in setup.backend.of(RENDER) if r.method == "POST"]
    assert first != second


@requirement("CLI-8")
def downloads_from_elsewhere_where_the_url_is_gone(setup: Setup) -> None:
    setup.backend.arm("/cdn/", setup.backend.wire.html(404))
    with setup.client() as client:
        assert client.export(setup.folder / "out.mp4").url.endswith("/download")


@requirement("CLI-9")
def shows_its_token_to_nobody_else(setup: Setup) -> None:
    setup.backend.arm("/api/credits", setup.backend.wire.fail(7777, "nmv_usr_secret1 clm_2"))
    with setup.client() as client:
        client.export(setup.folder / "out.mp4")
        said = failure(BadReply, client.balance)
    assert "authorization" not in setup.backend.of("/cdn/")[0].headers
    assert not [request.path for request in setup.backend.received if "nmv_usr" in request.path]
    assert "nmv_usr" not in said
    assert "clm_" not in said


@requirement("CLI-9")
def comes_back_as_the_same_client(setup: Setup) -> None:
    for _ in range(2):
        with setup.client(profile=setup.store(setup.folder)) as client:
            client.open_session()
    assert len(setup.backend.of(TOKEN)) == 1
    store = setup.store(setup.folder)
    url = setup.backend.base_url
    assert store.client_id(url) == store.client_id(url)
    for path in setup.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@requirement("CLI-10")
def begins_and_ends_politely(setup: Setup) -> None:
    setup.backend.arm(
        "/api/auth/claim", setup.backend.wire.ok({"claim_token": "clm_1", "expires_in": 1})
    )
    with setup.client() as client:
        client.connect()
        link = client.claim_link()
    assert setup.said()[:1] == ["Connecting…"]
    assert link == f"{setup.backend.base_url}/workspace/claim?ct=clm_1"
