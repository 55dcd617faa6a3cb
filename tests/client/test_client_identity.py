"""Who calls: NEMO_TOKEN, a kept token, or a fresh one; renewed once, waited for once."""

from pathlib import Path

import pytest

from nemolocal_client import BadRequest, BadToken, Client, MemoryProfile, Notice, RateLimited
from nemolocal_client.operations import SavedToken, Secret
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import Piece, ReceivedRequest, ScriptedBackend

TOKEN = "/api/auth/anonymous-token"
BALANCE = "/api/credits"


@pytest.mark.rule("AUTH-8")
def test_token_of_the_environment_is_used_and_none_is_asked_for(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    make_client(environment={"NEMO_TOKEN": " mine "}).balance()
    assert backend.paths() == ["GET /api/credits/balance/simple"]
    assert backend.received[0].token == "mine"


def test_token_given_goes_before_the_environment(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    make_client(token="given", environment={"NEMO_TOKEN": "other"}).balance()
    assert backend.received[0].token == "given"


def test_environment_of_the_process_counts_by_default(
    make_client: ClientFactory, backend: ScriptedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMO_TOKEN", "of-process")
    make_client(environment=None).balance()
    assert backend.received[0].token == "of-process"


def test_token_that_no_header_can_carry_is_refused_without_being_quoted(
    make_client: ClientFactory,
) -> None:
    with pytest.raises(BadToken) as caught:
        make_client(token="sec\nret")
    assert "ret" not in str(caught.value)


@pytest.mark.slow
def test_every_request_carries_attribution_and_all_but_the_first_the_token(
    client: Client, backend: ScriptedBackend, clip: Path, tmp_path: Path
) -> None:
    client.upload(clip)
    client.say("hello")
    client.export(tmp_path / "out.mp4")
    for request in backend.received:
        assert request.headers["x-skill-source"] == "test-skill"
        assert request.headers["x-skill-version"] == "1.2.3"
        assert request.headers["x-skill-platform"] == "cursor"
        assert "nmv_usr_" not in request.path
    assert {r.token for r in backend.of("/api/") if r.path != TOKEN} == {"nmv_usr_secret1"}


def test_token_call_carries_the_client_id_and_no_token(
    client: Client, backend: ScriptedBackend
) -> None:
    client.connect()
    headers = backend.received[0].headers
    assert 0 < len(headers["x-client-id"]) <= 64
    assert "authorization" not in headers


def test_connecting_is_said_before_the_first_call(
    client: Client, backend: ScriptedBackend, notices: list[Notice]
) -> None:
    said_by_then: list[str] = []

    def answer(_: ReceivedRequest) -> list[Piece]:
        said_by_then.extend(notice.text for notice in notices)
        return backend.wire.ok(backend.token_reply())

    backend.arm(TOKEN, answer)
    client.connect()
    assert said_by_then == ["Connecting…"]


@pytest.mark.slow
def test_kept_token_is_used_until_it_expires(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    profile = MemoryProfile()
    kept = SavedToken(Secret("kept"), backend.clock.time() + 10, "anon_1")
    profile.keep(backend.base_url, kept)
    make_client(profile=profile).balance()
    backend.clock.wait(10)
    make_client(profile=profile).balance()
    assert [r.token for r in backend.of(BALANCE)] == ["kept", "nmv_usr_secret1"]


def test_fresh_token_is_kept_with_its_end(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    profile = MemoryProfile()
    backend.arm(TOKEN, backend.wire.ok(backend.token_reply(expires_at="2023-11-15T00:00:00")))
    make_client(profile=profile).connect()
    kept = profile.token(backend.base_url)
    assert kept == SavedToken(Secret("nmv_usr_secret1"), 1_700_006_400.0, "anon_7")


def test_token_without_a_readable_end_lives_seven_days(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    profile = MemoryProfile()
    backend.arm(TOKEN, backend.wire.ok(backend.token_reply(expires_at="soon")))
    make_client(profile=profile).connect()
    kept = profile.token(backend.base_url)
    assert kept is not None
    assert kept.expires_at == backend.clock.time() + 7 * 24 * 3600


def test_1001_gets_a_new_token_for_the_same_client_id_and_repeats_once(
    client: Client, backend: ScriptedBackend
) -> None:
    client.connect()
    backend.arm(BALANCE, backend.wire.fail(1001))
    assert client.balance().available == 50
    first, second = backend.of(TOKEN)
    assert first.headers["x-client-id"] == second.headers["x-client-id"]
    assert [r.token for r in backend.of(BALANCE)] == ["nmv_usr_secret1", "nmv_usr_secret2"]


def test_1001_twice_is_an_error(client: Client, backend: ScriptedBackend) -> None:
    backend.arm(BALANCE, backend.wire.fail(1001), backend.wire.fail(1001))
    with pytest.raises(BadToken):
        client.balance()
    assert len(backend.of(BALANCE)) == 2


def test_1001_for_the_token_of_the_environment_is_an_error_at_once(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    backend.arm(BALANCE, backend.wire.fail(1001, "bad token mine"))
    with pytest.raises(BadToken, match="NEMO_TOKEN") as caught:
        make_client(token="mine").balance()
    assert len(backend.received) == 1
    assert "mine" not in str(caught.value)


def test_1001_takes_the_token_that_another_process_has_renewed(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    profile = MemoryProfile()
    client = make_client(profile=profile)
    client.connect()
    profile.keep(backend.base_url, SavedToken(Secret("renewed"), backend.clock.time() + 10))
    backend.arm(BALANCE, backend.wire.fail(1001))
    client.balance()
    assert len(backend.of(TOKEN)) == 1
    assert backend.of(BALANCE)[-1].token == "renewed"


def test_400_on_the_token_call_makes_a_new_client_id_once(
    client: Client, backend: ScriptedBackend
) -> None:
    refusal = backend.wire.fail(400, "X-Client-Id is missing", 400)
    backend.arm(TOKEN, refusal)
    client.connect()
    first, second = backend.of(TOKEN)
    assert first.headers["x-client-id"] != second.headers["x-client-id"]


def test_400_on_the_token_call_twice_is_an_error(client: Client, backend: ScriptedBackend) -> None:
    refusal = backend.wire.fail(400, "X-Client-Id is missing", 400)
    backend.arm(TOKEN, refusal, refusal)
    with pytest.raises(BadRequest, match="X-Client-Id is missing"):
        client.connect()
    assert len(backend.of(TOKEN)) == 2


def test_429_waits_thirty_seconds_and_tries_once_more(
    client: Client, backend: ScriptedBackend, notices: list[Notice]
) -> None:
    backend.arm(TOKEN, backend.wire.fail(429, "slow down", 429))
    client.connect()
    first, second = backend.of(TOKEN)
    assert second.at - first.at == 30
    assert "waiting" in [notice.kind for notice in notices]


def test_429_twice_is_an_error(client: Client, backend: ScriptedBackend) -> None:
    refusal = backend.wire.fail(429, "slow down", 429)
    backend.arm(TOKEN, refusal, refusal)
    with pytest.raises(RateLimited, match="slow down: wait"):
        client.connect()
    assert len(backend.of(TOKEN)) == 2


def test_429_twice_takes_the_token_that_another_process_got(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    profile = MemoryProfile()
    kept = SavedToken(Secret("theirs"), backend.clock.time() + 1000)

    def refuse_and_keep(_: ReceivedRequest) -> list[Piece]:
        profile.keep(backend.base_url, kept)
        return refusal

    refusal = backend.wire.fail(429, "slow down", 429)
    backend.arm(TOKEN, refusal, refuse_and_keep)
    make_client(profile=profile).balance()
    assert backend.of(BALANCE)[0].token == "theirs"


def test_429_on_any_other_call_waits_once_too(client: Client, backend: ScriptedBackend) -> None:
    backend.arm(BALANCE, backend.wire.fail(429, "slow down", 429))
    client.balance()
    first, second = backend.of(BALANCE)
    assert second.at - first.at == 30
