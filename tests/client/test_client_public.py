"""What the library shows of itself, and what it never shows."""

import inspect
import os
from pathlib import Path
from types import ModuleType

import pytest

import nemolocal_client
from nemolocal_client import (
    AsyncClient,
    Attribution,
    BadAttribution,
    CannotConnect,
    Client,
    NemoError,
    host_of,
    is_loopback,
)
from nemolocal_client.file_transfer import ProgressFile
from nemolocal_client.operations import HttpCall, HttpResponse, SavedToken, Secret
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import Piece, ReceivedRequest, ScriptedBackend


def test_all_is_exactly_what_is_visible() -> None:
    visible = {
        name
        for name, value in vars(nemolocal_client).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(nemolocal_client.__all__) == visible
    assert len(nemolocal_client.__all__) == len(visible)


@pytest.mark.rule("CLI-1")
@pytest.mark.parametrize("field", ["source", "version", "platform"])
@pytest.mark.parametrize("text", ["one\ntwo", "one\r\ntwo: 2", "\x00", "a\x7fb", "\udcff"])
def test_attribution_that_no_header_can_carry_is_refused_before_anything_is_sent(
    make_client: ClientFactory, backend: ScriptedBackend, field: str, text: str
) -> None:
    whole = {"source": "a-skill", "version": "1", "platform": "cursor"}
    with pytest.raises(BadAttribution, match=f"^X-Skill-{field.title()} .* set `{field}` of the"):
        make_client(attribution=Attribution(**{**whole, field: text}))
    assert not backend.received


def test_attribution_may_be_in_any_alphabet_and_have_space_around_it(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    make_client(attribution=Attribution(" 技能\u3000一 ", "1\n", "\u2028x")).connect()
    sent = backend.received[0].headers
    assert sent["x-skill-source"].encode().decode() == "技能\u3000一"
    assert sent["x-skill-version"] == "1"


def test_everything_public_is_described() -> None:
    public = [getattr(nemolocal_client, name) for name in nemolocal_client.__all__]
    for thing in public:
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, thing


def signature_of(face: type, name: str) -> list[str]:
    """The parameters of a method, all but who is told: that may be a coroutine function."""
    parameters = inspect.signature(getattr(face, name)).parameters.values()
    return [str(each) for each in parameters if each.name != "notify"]


def summary_of(face: type, name: str) -> str:
    return (getattr(face, name).__doc__ or "").partition("\n")[0].partition(";")[0].rstrip(".")


@pytest.mark.slow
def test_both_faces_have_the_same_methods_parameters_and_descriptions() -> None:
    def public(face: type) -> set[str]:
        return {name for name in vars(face) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)
    for name in public(Client):
        assert signature_of(Client, name) == signature_of(AsyncClient, name), name
        assert summary_of(Client, name) == summary_of(AsyncClient, name), name
        waits = inspect.iscoroutinefunction(getattr(AsyncClient, name))
        assert waits is (name not in ("stream", "lines")), name
    assert signature_of(Client, "__init__") == signature_of(AsyncClient, "__init__")


def test_error_tree_in_the_docstring_names_every_error() -> None:
    tree = nemolocal_client.errors.__doc__ or ""
    for value in vars(nemolocal_client.errors).values():
        if isinstance(value, type) and issubclass(value, NemoError):
            assert value.__name__ in tree


def test_tokens_show_in_no_repr(make_client: ClientFactory, backend: ScriptedBackend) -> None:
    client = make_client(token="very-secret")
    client.open_session()
    secret = Secret("very-secret")
    shown = [
        repr(client),
        repr(secret),
        str(SavedToken(secret, 1.0)),
        repr(HttpCall(method="GET", path="/", token=secret)),
        repr(HttpResponse("POST /token", 200, b'{"token":"very-secret"}')),
    ]
    assert not [text for text in shown if "very-secret" in text]
    assert (
        repr(client).removeprefix("Async") == f"Client({backend.base_url!r}, session={'1' * 19!r})"
    )


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_client_needs_no_notify_and_works_as_a_context_manager(backend: ScriptedBackend) -> None:
    attribution = nemolocal_client.Attribution("s", "1")
    profile = nemolocal_client.MemoryProfile()
    address = f"{backend.base_url}/"
    with Client(address, attribution=attribution, profile=profile, environment={}) as client:
        client.connect()
    assert client.base_url == backend.base_url


def test_default_base_url_is_the_cloud_and_the_default_policy_is_the_contract() -> None:
    parameters = inspect.signature(Client).parameters
    assert parameters["base_url"].default == nemolocal_client.CLOUD_BASE_URL
    assert parameters["polling"].default == nemolocal_client.PollPolicy(30.0, 10)


@pytest.mark.parametrize("base_url", ["", "localhost:1", "ftp://x", "http://", "http://a\0"])
def test_base_url_that_is_none_is_refused_with_an_example(
    make_client: ClientFactory, base_url: str
) -> None:
    with pytest.raises(CannotConnect, match="use one like http"):
        make_client(base_url=base_url)


def test_connection_refused_names_the_address_without_its_password(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    backend.stop()
    client = make_client(base_url=backend.base_url.replace("//", "//me:hidden@"))
    with pytest.raises(CannotConnect) as caught:
        client.connect()
    assert backend.base_url in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "nemolocal serve" in str(caught.value)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("x.localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("example.com", False),
    ],
)
def test_loopback_is_this_machine(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def test_host_of_a_base_url() -> None:
    assert host_of("https://a.example:1/x") == "a.example"


def test_proxy_of_the_environment_is_not_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, make_client: ClientFactory
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    make_client().connect()


@pytest.mark.rule("CLI-1")
def test_skill_may_be_named_in_any_alphabet(
    make_client: ClientFactory, backend: ScriptedBackend
) -> None:
    make_client(attribution=nemolocal_client.Attribution("快剪", "1.0.0")).open_session()
    sent = {request.headers["x-skill-source"] for request in backend.received}
    assert sent == {"快剪"}


def test_file_that_breaks_while_it_is_sent_is_a_problem_of_the_file(clip: Path) -> None:
    with ProgressFile(clip, lambda _: None) as file:
        unreadable = os.open(clip, os.O_WRONLY)
        os.dup2(unreadable, file.fileno())
        os.close(unreadable)
        with pytest.raises(NemoError, match="cannot be used"):
            file.read()


def test_file_that_is_gone_when_it_is_sent_again_is_a_problem_of_the_file(
    client: Client, backend: ScriptedBackend, clip: Path
) -> None:
    def take_it_away(_: ReceivedRequest) -> list[Piece]:
        clip.unlink()
        return backend.wire.fail(1001)

    backend.arm("/api/upload-video", take_it_away)
    with pytest.raises(NemoError, match="file not found"):
        client.upload(clip)
