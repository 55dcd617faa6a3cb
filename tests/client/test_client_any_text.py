"""Whatever texts and names a method is given, it raises `NemoError` and nothing else."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_client import (
    Assistant,
    AsyncClient,
    Attribution,
    BadText,
    CannotConnect,
    Client,
    FileProblem,
    KeptSession,
    MemoryProfile,
    NemoError,
    Profile,
    SessionNotFound,
    httpx_adapter,
)
from nemolocal_client.assistant import AsyncAssistant
from tests.support import scripted_backend
from tests.support.client_faces import FACES, BlockingAsyncClient
from tests.support.scripted_backend import ScriptedBackend

UPLOAD, CHAT, STATE = "/api/upload-video", "/run_sse", "/api/state"

ODD = (
    "", " ", ".", "..", "...", "/", "//", "./", "../..", "a/b", "../../etc/passwd", "~", "-", "-o",
    "a\0b", "\0", "bad\udcff.mp4", "half \ud83d", "\udc80", "\ud83d\ude00", "line\nbreak", "\r\n",
    "\x1b]0;x\x07", "\u202e", "\ufeff", "字" * 300, "x" * 300 + ".mp4", "x" * 5000, "a" * 70_000,
    "%2e%2e", "%", "%00", "?x=1", "#x", "{}", "{session}", "http://", "https://[", "http://a\0",
    "http://\udcff/a.mp4", "HTTP://example.com", "ftp://x/y.mp4", "file:///etc/passwd", "\\\\x\\y",
    "C:\\x.mp4", "nul", "/dev/null", "empty.mp4", "folder", "pipe.mp4", "upload a\0b",
    "export \udcff", 'upload "\udcff.mp4"', "upload http://\udcff", "credits \ud800",
    "导出 \udfff", "\U0010ffff",
)  # fmt: skip
TEXTS = st.sampled_from(ODD) | st.text(
    st.characters() | st.characters(categories=["Cs"]) | st.sampled_from("\0./\\ \n%\udcff"),
    max_size=20,
).filter(lambda text: not text.startswith("/"))

Use = Callable[[Any, str], object]
METHODS: dict[str, Use] = {
    "connect": lambda client, _: client.connect(),
    "open_session": lambda client, text: client.open_session(text),
    "resume": lambda client, text: client.resume(text),
    "sessions": lambda client, _: client.sessions(),
    "upload": lambda client, text: client.upload(text),
    "upload of a path": lambda client, text: client.upload(Path(text)),
    "upload of several": lambda client, text: client.upload("clip.mp4", text, f"http://x/{text}"),
    "say": lambda client, text: client.say(text),
    "stream": lambda client, text: list(client.stream(text)),
    "balance": lambda client, _: client.balance(),
    "state": lambda client, _: client.state(),
    "timeline": lambda client, _: client.timeline(),
    "export": lambda client, text: client.export(text),
    "export over": lambda client, text: client.export(f"out/{text}", overwrite=True),
    "cancel_export": lambda client, _: client.cancel_export(),
    "claim_link": lambda client, _: client.claim_link(),
}
ASSISTANT: dict[str, Use] = {
    "reply": lambda assistant, text: assistant.reply(text),
    "upload": lambda assistant, text: assistant.upload(text),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedBackend]:
    """A backend, and a folder with files of every kind to be in."""
    monkeypatch.chdir(tmp_path)
    for name in ("clip.mp4", os.fsdecode(b"bad\xff.mp4"), "\u202e"):
        (tmp_path / name).write_bytes(b"bytes")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "out").mkdir()
    os.mkfifo("pipe.mp4")
    with scripted_backend.listening() as backend:
        yield backend


@contextlib.contextmanager
def opened(face: str, backend: ScriptedBackend) -> Iterator[Client]:
    with FACES[face](
        backend.base_url,
        attribution=Attribution("a", "1"),
        profile=MemoryProfile(),
        clock=backend.clock,
        environment={},
    ) as client:
        yield client


def test_every_public_method_is_tried() -> None:
    tried = {name.split()[0] for name in METHODS} | {"run", "lines", "close"}
    for face in (Client, AsyncClient):
        assert {name for name in vars(face) if not name.startswith("_")} == tried
    for assistant in (Assistant, AsyncAssistant):
        own = {name for name in vars(assistant) if not name.startswith("_")}
        assert own == {*ASSISTANT, "stream", "export"}


@pytest.mark.slow
def test_any_text_is_taken_or_refused_with_an_error_of_ours(place: ScriptedBackend) -> None:
    with opened("sync", place) as sync, opened("async", place) as asynchronous:
        faces: dict[str, Any] = {"sync": sync, "async": asynchronous}

        @given(
            face=st.sampled_from(sorted(faces)), method=st.sampled_from(sorted(METHODS)), text=TEXTS
        )
        def law(face: str, method: str, text: str) -> None:
            attempt(METHODS[method], faces[face], text)

        law()


@pytest.mark.slow
@pytest.mark.parametrize("face", sorted(FACES))
def test_every_method_takes_or_refuses_every_odd_text(
    place: ScriptedBackend, face: str, subtests: pytest.Subtests
) -> None:
    for method, use in METHODS.items():
        with opened(face, place) as client:
            for text in ODD:
                with subtests.test(method=method, text=text[:30]):
                    attempt(use, client, text)


@pytest.mark.slow
@pytest.mark.parametrize("face", sorted(FACES))
def test_every_assistant_takes_or_refuses_every_odd_text(
    place: ScriptedBackend, face: str, subtests: pytest.Subtests
) -> None:
    for text in ODD:
        with opened(face, place) as client:
            inner = client._client if isinstance(client, BlockingAsyncClient) else None
            for name, use in ASSISTANT.items():
                with subtests.test(method=name, text=text[:30]):
                    if inner is None:
                        attempt(use, Assistant(client, "film.mp4"), text)
                    else:
                        created = use(AsyncAssistant(inner, "film.mp4"), text)
                        attempt(lambda c, created: c._wait_for(created), client, created)


def attempt(use: Use, client: Any, text: Any) -> None:
    """Do it; one line with a way out where that is refused."""
    refused = ""
    try:
        use(client, text)
    except NemoError as error:
        refused = str(error)
    refused.encode()
    assert "\n" not in refused


@pytest.mark.slow
def test_any_text_makes_a_client_or_is_refused_with_an_error_of_ours(
    subtests: pytest.Subtests,
) -> None:
    skill = Attribution("a", "1")
    for text in ODD:
        with subtests.test(text=text[:30]):
            for base_url in (text, f"http://{text}", f"http://h/{text}", f"http://h:{text}"):
                with contextlib.suppress(NemoError):
                    Client(base_url, attribution=skill, environment={}).close()
            for option in ("token", "language"):
                options: dict[str, Any] = {option: text}
                with contextlib.suppress(NemoError):
                    Client("http://h", attribution=skill, environment={}, **options).close()


@pytest.mark.parametrize("name", ["a\0b", "half \ud83d"])
def test_profile_in_a_folder_that_cannot_be_is_a_problem_of_the_file(name: str) -> None:
    profile = Profile(Path(name))
    uses: tuple[Callable[[], object], ...] = (
        profile.client_id,
        profile.renew_client_id,
        lambda: profile.sessions("http://h"),
        lambda: profile.token("http://h"),
        lambda: profile.keep_session("http://h", KeptSession("1")),
    )
    for use in uses:
        with pytest.raises(FileProblem, match="set NEMOLOCAL_CONFIG_DIR to a writable folder"):
            use()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "socks5h://127.0.0.1:1"),
        ("NO_PROXY", "[::1"),
        ("SSL_CERT_FILE", "/none"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_environment_with_a_proxy_or_certificates_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(httpx_adapter, "_ssl_context", httpx_adapter._ssl_context.__wrapped__)
    with pytest.raises(CannotConnect, match=f"correct or unset .*{variable}"):
        Client("https://example.invalid", attribution=Attribution("a", "1"), environment={})


@pytest.mark.parametrize("text", ["half \ud83d", "\udcff"])
def test_text_that_is_no_unicode_is_refused_before_anything_is_sent(
    place: ScriptedBackend, text: str
) -> None:
    with opened("sync", place) as client:
        for use in (client.say, client.open_session, lambda text: list(client.stream(text))):
            with pytest.raises(
                BadText, match=r"is not valid Unicode at character \d+: write it again"
            ):
                use(text)
        with pytest.raises(BadText, match="the URL is not valid Unicode"):
            client.upload(f"http://x/{text}")
    assert not place.received


@pytest.mark.parametrize("given", ["", ".", "..", "\udcff", "x" * 5000])
def test_id_that_can_be_no_part_of_a_path_is_unknown_before_anything_is_sent(
    place: ScriptedBackend, given: str
) -> None:
    with (
        opened("sync", place) as client,
        pytest.raises(SessionNotFound, match="is not a session id"),
    ):
        client.resume(given)
    assert not place.received


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("../..", "..%2F.."),
        ("a/b", "a%2Fb"),
        ("?x#y", "%3Fx%23y"),
        ("%2e", "%252e"),
        ("字", "%E5%AD%97"),
    ],
)
def test_id_is_one_part_of_the_path_whatever_is_in_it(
    place: ScriptedBackend, given: str, sent: str
) -> None:
    with opened("sync", place) as client:
        client.resume(given)
    assert place.of(STATE)[0].path == f"/api/state/nemo_agent/me/{sent}/latest"


@pytest.mark.slow
def test_file_whose_name_is_not_utf_8_is_sent(place: ScriptedBackend) -> None:
    for face in sorted(FACES):
        with opened(face, place) as client:
            client.upload(os.fsdecode(b"bad\xff.mp4"))
        assert b'filename="bad_.mp4"' in place.of(UPLOAD)[-1].body


@pytest.mark.parametrize("name", ["", "a\0b.mp4", "half \ud83d.mp4"])
def test_name_that_no_file_has_is_refused(place: ScriptedBackend, name: str) -> None:
    with opened("sync", place) as client:
        for use in (client.upload, client.export):
            with pytest.raises(FileProblem):
                use(name)
    assert not place.received
