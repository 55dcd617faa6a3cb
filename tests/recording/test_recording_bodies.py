"""What is kept of bodies that are damaged, too large or of an unknown kind."""

import gzip
from typing import Any

import pytest

from nemolocal_contract.turn_events import SseEventTooLarge, SseParser
from nemolocal_recording.allowlist_redactor import AllowlistRedactor
from nemolocal_recording.body_recorder import BodyRecorder
from nemolocal_recording.event_capture import EventCapture
from nemolocal_recording.form_capture import FormCapture
from nemolocal_recording.pseudonyms import Pseudonyms


@pytest.fixture
def redactor() -> AllowlistRedactor:
    return AllowlistRedactor(Pseudonyms(b"a secret"))


def kept_of(
    redactor: AllowlistRedactor, body: bytes, kind: str = "application/json", encoding: str = ""
) -> dict[str, Any]:
    recorder = BodyRecorder({"content-type": kind, "content-encoding": encoding}, redactor)
    for at in range(0, len(body), 7):
        recorder.feed(body[at : at + 7])
    return recorder.finish()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"<html>", {"kind": "text", "size": 6}),
        (b'data: {"a": 1}\n\n', {"kind": "text", "size": 16, "begins": "data:"}),
        (b"[" * 5_000, {"kind": "text", "size": 5_000}),
        (b"", {}),
    ],
)
def test_of_a_body_that_is_no_json_only_the_size_is_kept(
    body: bytes, kept: dict[str, Any], redactor: AllowlistRedactor
) -> None:
    assert kept_of(redactor, body) == kept


def test_compressed_body_is_kept_as_its_json(redactor: AllowlistRedactor) -> None:
    assert kept_of(redactor, gzip.compress(b'{"code": 0}'), encoding="gzip") == {
        "kind": "json",
        "json": {"code": 0},
    }


def test_body_that_is_not_compressed_as_it_says_is_kept_as_media(
    redactor: AllowlistRedactor,
) -> None:
    kept = kept_of(redactor, b'{"code": 0}', encoding="gzip")
    assert (kept["kind"], kept["size"]) == ("media", 11)


def test_json_that_is_too_long_is_not_kept(
    redactor: AllowlistRedactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nemolocal_recording.body_recorder._MOST_JSON", 20)
    assert kept_of(redactor, b'{"message": "a longer text"}') == {
        "kind": "json",
        "is_too_long": True,
    }


def test_stream_that_is_no_utf_8_is_told(redactor: AllowlistRedactor) -> None:
    capture = EventCapture(redactor)
    assert len(capture.feed(b'data: {"a": 1}\n\ndata: \xff\n\ndata: torn')) == 2
    kept = capture.finish()
    assert (kept["frames"], kept["utf8"], len(kept["torn"])) == (2, False, 1)


def test_event_that_is_too_large_ends_what_is_kept(
    redactor: AllowlistRedactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SseEventTooLarge

    capture = EventCapture(redactor)
    assert len(capture.feed(b"data:\n\n")) == 1
    monkeypatch.setattr(SseParser, "feed", refuse)
    assert capture.feed(b"data:\n\n") == []
    monkeypatch.undo()
    assert capture.feed(b"data:\n\n") == []
    assert capture.finish() == {
        "kind": "events",
        "frames": 1,
        "utf8": True,
        "torn": [],
        "is_too_large": True,
    }


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=b"])
def test_form_that_cannot_be_read_is_told(kind: str, redactor: AllowlistRedactor) -> None:
    capture = FormCapture(kind, redactor)
    capture.feed(b"no form at all")
    capture.feed(b"--b\r\n")
    assert capture.finish() == {"kind": "form", "parts": [], "is_readable": False}


def test_names_and_urls_outside_of_the_contract_become_lengths(
    redactor: AllowlistRedactor,
) -> None:
    assert redactor.filename("secret") == "<text:6>"
    assert redactor.filename("secret.mp4") == "<text:6>.mp4"
    assert redactor.url("http://[secret/x") == "<text:16>"
    assert redactor.url("ftp://secret.example/x.mp4") == "<text:26>"


def test_values_below_unknown_names_and_deep_values_are_not_kept(
    redactor: AllowlistRedactor,
) -> None:
    deep: Any = "secret"
    for _ in range(200):
        deep = {"data": deep}
    assert "secret" not in str(redactor.json(deep))
    assert "<nested>" in str(redactor.json(deep))
    ((name, value),) = redactor.json({"my secret": [7, "word", None, True]}).items()
    assert name.startswith("<key:9 ")
    assert value == ["<number>", "<text:4>", None, True]


def test_kept_texts_lose_their_tokens() -> None:
    redactor = AllowlistRedactor(Pseudonyms(b"a secret"), keep_text=True)
    token = "nmv_usr_0123456789abcdef"
    assert redactor.filename("clip.mp4") == "clip.mp4"
    assert token not in redactor.filename(f"{token}.mp4")
    assert token not in redactor.url(f"https://example.com/{token}")
    assert token not in str(redactor.json({f"my {token}": token, "message": token}))
    assert redactor.json({"my words": "hello"}) == {"my words": "hello"}


@pytest.mark.parametrize(
    "header",
    [
        {"date": "Tue, 99 Nov 2026 10:00:00 GMT"},
        {"allow": "GET, SECRET"},
        {"retry-after": "secret"},
        {"x-skill-platform": "secret"},
    ],
)
def test_header_with_an_unusual_value_keeps_its_length_only(
    header: dict[str, str], redactor: AllowlistRedactor
) -> None:
    (kept,) = redactor.headers(header).values()
    assert "SECRET" not in kept.upper()
