"""Names of headers: common words are kept, of anything else only its length."""

import string

import pytest
from hypothesis import given, strategies as st

from nemolocal_recording.header_names import HEADER_WORDS, kept_header_name, type_of_header


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("x-request-id", "x-request-id"),
        ("x-ratelimit-remaining", "x-ratelimit-remaining"),
        ("x_session_id", "x_session_id"),
        ("x-7hf0a1-id", "x-<text:6>-id"),
        ("swordfish", "<text:9>"),
        ("x-" * 9 + "id", "<text:20>"),
        ("x--id", "<text:5>"),
        ("x-id\u00e9", "<text:5>"),
        ("x" * 21, "<text:21>"),
    ],
)
def test_common_words_are_kept(name: str, kept: str) -> None:
    assert kept_header_name(name) == kept


@given(st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=60))
def test_nothing_is_kept_but_listed_words(name: str) -> None:
    rest = kept_header_name(name)
    while "<text:" in rest:
        before, _, after = rest.partition("<text:")
        rest = before + after.partition(">")[2]
    assert set(rest.replace("_", "-").split("-")) <= HEADER_WORDS | {""}


@pytest.mark.parametrize(
    ("value", "kind"),
    [("7", "number"), (" 0.5", "number"), ("-3", "number"), ("", "string"), ("1-2", "string")],
)
def test_type_of_a_value_is_told(value: str, kind: str) -> None:
    assert type_of_header(value) == kind
