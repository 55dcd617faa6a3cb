"""Nobody is locked out of a server for a week, and no kept token is lost (AUTH-3, CLI-9)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from nemolocal_client import CLOUD_BASE_URL, MemoryProfile, Profile, RateLimited
from nemolocal_client.operations import SavedToken, Secret
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import Piece, ReceivedRequest, ScriptedBackend

TOKEN = "/api/auth/anonymous-token"
BALANCE = "/api/credits"
CLOUD = CLOUD_BASE_URL
WEEK = 7 * 24 * 3600.0

AnyProfile = MemoryProfile | Profile


class OneTokenEach:
    """The token calls of a server that gives a client id one token, and knows its own only."""

    def __init__(self, backend: ScriptedBackend, name: str) -> None:
        self._backend = backend
        self._name = name
        self._given: dict[str, str] = {}

    def take_over(self) -> None:
        """Answer from now on, as a container does that is started behind the same port."""
        self._backend.always(TOKEN, self._give)
        self._backend.always(BALANCE, self._answer)

    def _give(self, request: ReceivedRequest) -> list[Piece]:
        client_id = request.headers["x-client-id"]
        if client_id in self._given:
            return self._backend.wire.fail(429, "already has a token for this week", 429)
        self._given[client_id] = f"nmv_usr_{self._name}{len(self._given)}"
        return self._backend.wire.ok(self._backend.token_reply(token=self._given[client_id]))

    def _answer(self, request: ReceivedRequest) -> list[Piece]:
        wire = self._backend.wire
        known = request.token in self._given.values()
        balance = {"available": 50, "frozen": 0, "total": 50}
        return wire.ok(balance) if known else wire.fail(1001)


def kept(name: str, expires: float = 9e9) -> SavedToken:
    return SavedToken(Secret(name), expires)


@pytest.fixture(params=["file", "memory"])
def profile(request: pytest.FixtureRequest, tmp_path: Path) -> AnyProfile:
    return Profile(tmp_path / "config") if request.param == "file" else MemoryProfile()


@pytest.mark.rule("AUTH-3", "CLI-9")
def test_each_name_of_a_server_has_a_client_id_of_its_own(profile: AnyProfile) -> None:
    names = ["http://127.0.0.1:8810", "http://localhost:8810", "http://nemo:8787", CLOUD]
    ids = [profile.client_id(name) for name in names]
    assert len(set(ids)) == len(names)
    assert ids == [profile.client_id(name) for name in names]


def test_client_id_of_the_cloud_is_the_same_however_its_address_is_written(tmp_path: Path) -> None:
    client_id = Profile(tmp_path).client_id()
    for name in (CLOUD, f"{CLOUD}:443", CLOUD.upper().replace("HTTPS", "https")):
        assert Profile(tmp_path).client_id(name) == client_id


def test_deleted_token_takes_its_client_id_along_but_for_the_cloud(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    before = {name: profile.client_id(name) for name in ("http://x", CLOUD)}
    for name in before:
        profile.keep(name, kept("nmv_usr_1"))
    for file in tmp_path.glob("token-*"):
        file.unlink()
    assert profile.client_id("http://x") != before["http://x"]
    assert profile.client_id(CLOUD) == before[CLOUD]


def test_client_id_stays_when_its_token_is_replaced(profile: AnyProfile) -> None:
    client_id = profile.client_id("http://x")
    profile.keep("http://x", kept("nmv_usr_1", expires=1.0))
    profile.keep("http://x", kept("nmv_usr_2"))
    assert profile.client_id("http://x") == client_id
    renewed = profile.renew_client_id("http://x")
    assert renewed == profile.client_id("http://x") != client_id
    assert profile.token("http://x") == kept("nmv_usr_2")


def test_no_token_that_was_kept_is_lost(profile: AnyProfile) -> None:
    tokens = [kept(f"nmv_usr_{number}") for number in range(4)]
    for token in (*tokens, tokens[1]):
        profile.keep("http://x", token)
    assert profile.token("http://x") == tokens[1]
    assert profile.earlier_tokens("http://x") == (tokens[3], tokens[2], tokens[0])
    assert profile.earlier_tokens("http://y") == ()


@pytest.mark.slow
@given(urls=st.lists(st.text("ab/-:.", min_size=1, max_size=4), min_size=2, max_size=5))
def test_base_urls_never_share_or_overwrite_what_is_kept(
    tmp_path_factory: pytest.TempPathFactory, urls: list[str]
) -> None:
    profile = Profile(tmp_path_factory.mktemp("config"))
    names = [f"http://h/{url}" for url in dict.fromkeys(urls)]
    wanted = {}
    for number, name in enumerate(names):
        wanted[name] = profile.client_id(name), kept(f"nmv_usr_{number}")
        profile.keep(name, wanted[name][1])
    found = {name: (profile.client_id(name), profile.token(name)) for name in names}
    assert found == wanted
    assert len({client_id for client_id, _ in found.values()}) == len(names)


@pytest.mark.parametrize("broken", ["", "{", '{"base_url": 1}', "\0"])
def test_broken_file_is_replaced(tmp_path: Path, broken: str) -> None:
    Profile(tmp_path).client_id("http://x")
    (file,) = tmp_path.iterdir()
    file.write_text(broken)
    client_id = Profile(tmp_path).client_id("http://x")
    assert Profile(tmp_path).client_id("http://x") == client_id
    Profile(tmp_path).keep("http://x", kept("nmv_usr_1"))
    assert Profile(tmp_path).client_id("http://x") == client_id
    assert list(tmp_path.iterdir()) == [file]


def test_token_file_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    record = {"base_url": "http://x", "token": "nmv_usr_1", "expires_at": 9e9, "user_id": "anon_1"}
    (tmp_path / "token-http-x.json").write_text(json.dumps(record))
    profile = Profile(tmp_path)
    assert profile.client_id("http://x") == profile.client_id("http://x")
    assert profile.token("http://x") == SavedToken(Secret("nmv_usr_1"), 9e9, "anon_1")


@pytest.mark.parametrize("hard_links", [True, False])
def test_first_of_two_processes_decides_on_the_client_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    """Both have found none, and both write one down."""
    first, second = Profile(tmp_path), Profile(tmp_path)
    write: Callable[..., None] = second._files.write
    ids: list[str] = []

    def overtaken(*args: object, **options: object) -> None:
        if not ids:
            ids.append(first.client_id("http://x"))
        write(*args, **options)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(second._files, "write", overtaken)
    if not hard_links:
        monkeypatch.setattr("os.link", refuse)
    ids.append(second.client_id("http://x"))
    # Where no disk can decide it the last one counts for all who come after.
    assert (ids[0] == ids[1]) == hard_links
    assert Profile(tmp_path).client_id("http://x") == ids[1]
    assert len(list(tmp_path.iterdir())) == 1


def test_without_keeping_each_run_is_another_client_and_leaves_nothing(tmp_path: Path) -> None:
    ids = set()
    for _ in range(2):
        profile = Profile(tmp_path, keep_tokens=False)
        ids |= {profile.client_id("http://x"), profile.client_id("http://x")}
        profile.keep("http://x", kept("nmv_usr_1"))
        assert profile.token("http://x") == kept("nmv_usr_1")
    assert len(ids) == 2
    assert not list(tmp_path.iterdir())


def test_without_keeping_the_cloud_is_asked_under_the_kept_client_id(tmp_path: Path) -> None:
    client_id = Profile(tmp_path).client_id()
    Profile(tmp_path).keep(CLOUD, kept("nmv_usr_saved"))
    profile = Profile(tmp_path, keep_tokens=False)
    assert profile.client_id(CLOUD) == client_id
    assert profile.token(CLOUD) == kept("nmv_usr_saved")
    profile.keep(CLOUD, kept("nmv_usr_new"))
    assert Profile(tmp_path).token(CLOUD) == kept("nmv_usr_saved")


@pytest.mark.rule("CLI-7", "CLI-9", "AUTH-3")
def test_servers_that_take_turns_behind_one_address_keep_their_tokens(
    make_client: ClientFactory, backend: ScriptedBackend, profile: AnyProfile
) -> None:
    servers = [OneTokenEach(backend, name) for name in "abc"]
    used: dict[int, str | None] = {}
    for number in (0, 1, 2, 0, 2, 1, 1, 0):
        servers[number].take_over()
        assert make_client(profile=profile).balance().available == 50
        token = backend.of(BALANCE)[-1].token
        assert used.setdefault(number, token) == token
    assert len({request.headers["x-client-id"] for request in backend.of(TOKEN)}) == 1


@pytest.mark.slow
def test_servers_that_take_turns_under_a_client_that_lives_on(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    client = make_client()
    servers = [OneTokenEach(backend, name) for name in "ab"]
    for number in (0, 1, 0, 1):
        servers[number].take_over()
        assert client.balance().available == 50
    assert len({request.token for request in backend.of(BALANCE)}) == 2


def test_token_that_has_expired_is_not_tried(
    make_client: ClientFactory, backend: ScriptedBackend, profile: AnyProfile
) -> None:
    profile.keep(backend.base_url, kept("nmv_usr_old", backend.clock.time()))
    profile.keep(backend.base_url, kept("nmv_usr_new", backend.clock.time() + WEEK))
    backend.arm(BALANCE, backend.wire.fail(1001))
    refusal = backend.wire.fail(429, "already has a token for this week", 429)
    backend.arm(TOKEN, refusal, refusal)
    with pytest.raises(RateLimited):
        make_client(profile=profile).balance()
    assert [request.token for request in backend.of(BALANCE)] == ["nmv_usr_new"]


LOCAL = (
    "This X-Client-Id already has a token for this week. Use it, or retry in 604797 s. This is a "
    "local server: another X-Client-Id gets one, and POST /__nemolocal__/reset begins anew"
)
RUN = LOCAL.replace("POST /__nemolocal__/reset", "each run of this program")
ADDRESS = (
    "This address has had its 10 tokens for this week. Use it, or retry in 9 s. This is a local "
    "server: address_limit in its settings can be higher"
)


@pytest.mark.parametrize(
    ("said", "helps", "never"),
    [
        ("This X-Client-Id already has a token", "set NEMO_TOKEN", "minutes|reset"),
        (LOCAL, "use a new client id", "minutes|7 days|NEMO_TOKEN"),
        (LOCAL, "or reset the server", "run it again"),
        (RUN, "client id.*, or run it again", "reset|7 days"),
        (ADDRESS, "raise its address_limit", "minutes|7 days|client id|NEMO_TOKEN|reset|run"),
        (
            f"{ADDRESS}, and POST /__nemolocal__/reset begins anew",
            "or reset the server",
            "run it again",
        ),
        ("slow down", "wait a few minutes", "7 days|NEMO_TOKEN|reset"),
    ],
)
def test_way_out_of_a_429_is_one_of_the_server_that_sent_it(
    make_client: ClientFactory, backend: ScriptedBackend, said: str, helps: str, never: str
) -> None:
    refusal = backend.wire.fail(429, said, 429)
    backend.arm(TOKEN, refusal, refusal)
    with pytest.raises(RateLimited, match=helps) as caught:
        make_client().connect()
    for word in never.split("|"):
        assert word not in caught.value.remedy


def test_429_of_another_call_speaks_of_no_token(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    refusal = backend.wire.fail(429, "too many calls with this token", 429)
    backend.arm(BALANCE, refusal, refusal)
    with pytest.raises(RateLimited) as caught:
        make_client().balance()
    assert caught.value.remedy == "wait a few minutes, then try again"


@pytest.mark.slow
@pytest.mark.rule("AUTH-3", "CLI-9")
def test_server_answers_to_two_names_and_to_who_keeps_nothing(
    make_client: ClientFactory, backend: ScriptedBackend, tmp_path: Path
) -> None:
    OneTokenEach(backend, "a").take_over()
    other_name = backend.base_url.replace("127.0.0.1", "localhost")
    for url in (backend.base_url, other_name, backend.base_url, other_name):
        make_client(base_url=url, profile=Profile(tmp_path)).balance()
    assert len(backend.of(TOKEN)) == 2
    for _ in range(2):
        make_client(profile=Profile(tmp_path, keep_tokens=False)).balance()
    for file in tmp_path.glob("token-*"):
        file.unlink()
    make_client(profile=Profile(tmp_path)).balance()
    assert len(backend.of(TOKEN)) == 5
