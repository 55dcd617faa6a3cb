"""Somebody else's text: it is shown as it is, and does nothing to who shows it."""

import json
import unicodedata

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.text_escaping import escape_controls, escape_markup, needs_escaping

ACTIVE = [
    "\x1b]0;PWNED\x07",
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1b[2J\x1b[1;1H",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x9b2J",
    "\x9d0;PWNED\x9c",
    "\x90q\x9c",
    "over\rwritten",
    "a\x08\x08b",
    "\x0e\x0f\x00\x7f",
    "\u202egnp.exe",
    "\u2066a\u2069",
    "\u2028",
    "\x85",
    "\ufff9a\ufffab\ufffb",
    "\udc9b2J",
]
READABLE = {
    "English": "Trim it to 10 s — “please”\t…",
    "Chinese": "请把视频剪到10秒。",
    "Japanese": "動画を10秒に、ば\u3099",
    "Korean": "동영상을 10초로",
    "Arabic": "اجعل الفيديو عشر ثوانٍ",
    "Persian with a non-joiner": "می\u200cخواهم",
    "Hebrew with points and marks": "שָׁלוֹם \u200fABC\u200e!",
    "Hindi with a joiner": "क्\u200dष और क्ष",
    "Thai": "ตัดวิดีโอให้เหลือ ๑๐ วินาที",
    "Tamil": "வீடியோவை",
    "Vietnamese, decomposed": unicodedata.normalize("NFD", "Cắt vidéo còn mười giây"),
    "a family": "👨\u200d👩\u200d👧\u200d👦",
    "a skin and a heart": "👍🏽 ❤\ufe0f",
    "a flag": "🇩🇪 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a keycap": "1\ufe0f\u20e3",
    "marks upon marks": "Z\u0351\u036b\u0343a\u0489",
    "soft hyphens and word joiners": "a\u00adb\u2060c\u200bd\ufeffe",
    "private use": "\ue000\U000f0000",
    "lines": "one\ntwo\tthree\n",
    "what an escape looks like": "\\u001b[2J",
}
any_text = st.text(st.characters() | st.sampled_from("\x1b\x9b\x07\r\n\u202e\u2066\u2028\x85"))


@pytest.mark.slow
@pytest.mark.parametrize("text", ACTIVE)
def test_what_does_something_to_a_terminal_is_written_out(text: str) -> None:
    shown = escape_controls(text)
    assert "\\u" in shown
    assert all(character.isprintable() for character in shown)


@pytest.mark.slow
@pytest.mark.parametrize("script", READABLE)
def test_texts_stay_as_they_are_in_any_script(script: str) -> None:
    assert escape_controls(READABLE[script]) == READABLE[script]


@pytest.mark.slow
@given(any_text)
def test_nothing_active_is_left_and_nothing_changes_again(text: str) -> None:
    shown = escape_controls(text)
    categories = {unicodedata.category(c) for c in shown if c not in "\n\t"}
    assert not categories & {"Cc", "Cs", "Zl", "Zp"}
    bidirectional = {unicodedata.bidirectional(c) for c in shown}
    assert not bidirectional & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert escape_controls(shown) == shown


@pytest.mark.slow
@given(any_text)
def test_json_means_the_same_when_it_is_printed(text: str) -> None:
    written = json.dumps({text: [text]}, ensure_ascii=False)
    assert json.loads(escape_controls(written)) == {text: [text]}


def test_line_ends_of_windows_are_line_ends() -> None:
    assert escape_controls("a\r\nb\rc") == "a\nb\\u000dc"


@pytest.mark.slow
@given(any_text)
def test_markup_has_neither(text: str) -> None:
    shown = escape_markup(text)
    assert not set(shown) & set("<>\"'")
    assert escape_controls(shown) == shown
    assert needs_escaping(text) == (shown != text)
