"""A recorded request as code, for a shell and for Python."""

import ast
import subprocess

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.journal import Entry
from nemolocal_dashboard.request_snippets import recorded_body, write_curl, write_httpx
from tests.support.journal_builder import JournalBuilder

BASE = "http://127.0.0.1:8787"
HOSTILE = [
    "it's",
    "$(touch x) `id` !! \\",
    '"quoted"',
    "a\nb\tc\r",
    "\x1b[2J\x07",
    "\u202eevil\u2028",
    "剪掉 🎬",
    "\\'",
    "\x9b31m",
]


def entry_of(body: str = "", **fields: object) -> Entry:
    size = len(body.encode("utf-8", "replace"))
    return JournalBuilder().request("chat", body=body, request_size=size, **fields).entries[0]  # type: ignore[arg-type]


def words_of(line: str) -> list[str]:
    """The arguments that bash makes of a line, without running it."""
    script = f'curl() {{ printf "%s\\0" "$@"; }}\nNEMO_TOKEN=mine\n{line}'
    output = subprocess.run(["bash", "-c", script], check=True, capture_output=True).stdout
    return output.decode().split("\0")[:-1]


def test_bash_reads_every_text_of_a_stranger_as_it_is() -> None:
    entry = entry_of(
        "\0".join(HOSTILE).replace("\0", " | "), headers={"X-Odd": " ".join(HOSTILE[:3])}
    )
    line = write_curl(entry, BASE)
    words = words_of(line)
    assert words[words.index("--data-raw") + 1] == entry.request_body
    assert f"x-odd: {' '.join(HOSTILE[:3])}" in words
    assert "Authorization: Bearer mine" in words
    assert not any(ord(character) < 32 and character != "\n" for character in line)


def test_path_that_the_server_decoded_is_encoded_again() -> None:
    entry = entry_of(path="/api/state/a b/ä?x=%20")
    assert f"{BASE}/api/state/a%20b/%C3%A4?x=%20" in words_of(write_curl(entry, BASE))


@pytest.mark.parametrize(
    ("content_type", "body", "size", "problem"),
    [
        ("multipart/form-data; boundary=x", "<multipart/form-data: 9 bytes>", 9, "body_is_upload"),
        ("video/mp4", "<video/mp4: 100 bytes>", 100, "body_is_binary"),
        ("application/json", '{"a":"[token]"}', 60, "body_has_token"),
        ("application/json", "x" * 10, 11, "body_is_cut"),
        ("application/json", "x" * 10, 10, ""),
    ],
)
def test_what_the_journal_does_not_keep_is_said(
    content_type: str, body: str, size: int, problem: str
) -> None:
    entry = (
        JournalBuilder()
        .request("chat", body=body, request_size=size, headers={"Content-Type": content_type})
        .entries[0]
    )
    assert recorded_body(entry).problem == problem


def test_an_upload_names_the_field_and_leaves_the_boundary_to_the_program() -> None:
    journal = JournalBuilder().request(
        "upload",
        body="<multipart/form-data: 300 bytes, files '$(id).mp4'>",
        request_size=300,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    words = words_of(write_curl(journal.entries[0], BASE))
    assert words[-2:] == ["-F", "files=@FILE"]
    assert not any("boundary" in word or "$(id)" in word for word in words)


@given(st.text(max_size=60).filter(lambda text: text.isprintable() or text.isascii()))
def test_python_reads_every_body_as_it_is(body: str) -> None:
    tree = ast.parse(write_httpx(entry_of(f"x{body}"), BASE))
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert f"x{body}" in constants
