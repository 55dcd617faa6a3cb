"""Subtitles in messages: any line ends, with or without numbers, unordered, too long."""

import pytest
from hypothesis import given, settings, strategies as st

from nemolocal_agent.intents import AddSubtitles, Cue, SetVolume
from nemolocal_agent.nlu import parse_message
from tests.support.profiles import examples

ONE = "1\n00:00:01,000 --> 00:00:02,000\n"
TWO = "2\n00:00:03,000 --> 00:00:04,000\n"
HELLO, WORLD = Cue(1000, 2000, "hello"), Cue(3000, 4000, "world")
USUAL = f"{ONE}hello\n\n{TWO}world\n"

PASTED: dict[str, tuple[str, tuple[Cue, ...]]] = {
    "as it should be": (USUAL, (HELLO, WORLD)),
    "a byte order mark": ("\ufeff" + USUAL, (HELLO, WORLD)),
    "a byte order mark, no number": ("\ufeff" + USUAL[2:], (HELLO, WORLD)),
    "carriage returns alone": (USUAL.replace("\n", "\r"), (HELLO, WORLD)),
    "carriage returns and line feeds": (USUAL.replace("\n", "\r\n"), (HELLO, WORLD)),
    "all of these at once": ("\ufeff" + USUAL.replace("\n", "\r\n"), (HELLO, WORLD)),
    "line separators": (USUAL.replace("\n", "\u2028"), (HELLO, WORLD)),
    "a number as text": (
        f"{ONE}42\n\n{TWO}7\n", (Cue(1000, 2000, "42"), Cue(3000, 4000, "7")),
    ),
    "a number as text, without blank lines": (
        f"{ONE}42\n{TWO}7", (Cue(1000, 2000, "42"), Cue(3000, 4000, "7")),
    ),
    "numbers as text, without numbers": (
        f"{ONE[2:]}42\n{TWO[2:]}7", (Cue(1000, 2000, "42"), Cue(3000, 4000, "7")),
    ),
    "a number below words": (
        f"{ONE}hello\n10\n\n{TWO}world", (Cue(1000, 2000, "hello\n10"), WORLD),
    ),
    "the next number as text": (
        f"{ONE}2\n\n{TWO}world", (Cue(1000, 2000, "2"), WORLD),
    ),
    "a blank line within a cue": (
        f"{ONE}hello\n\nthere\n\n{TWO}world", (Cue(1000, 2000, "hello\nthere"), WORLD),
    ),
    "overlapping": (
        USUAL.replace("02,000", "09,000"), (Cue(1000, 9000, "hello"), WORLD),
    ),
    "beyond any end": (
        USUAL.replace("00:00:03", "01:00:03"), (HELLO, Cue(3_603_000, 4000, "world")),
    ),
    "times that run backwards": (
        USUAL.replace("02,000", "00,500"), (Cue(1000, 500, "hello"), WORLD),
    ),
    "out of order": (
        f"{TWO}world\n\n{ONE}hello", (WORLD, HELLO),
    ),
    "without words": (f"{ONE}\n{TWO}world", (Cue(1000, 2000, ""), WORLD)),
    "WebVTT": (
        "WEBVTT - made by hand\n\n00:01.000 --> 00:02.000 align:left\nhello\n\n"
        "00:03.000 --> 00:04.000\nworld",
        (HELLO, WORLD),
    ),
    "whole seconds": (USUAL.replace(",000", ""), (HELLO, WORLD)),
    "hundreds of hours": (
        USUAL.replace("00:00:03", "100:00:03"), (HELLO, Cue(360_003_000, 4000, "world")),
    ),
    "one line": (f"{ONE}hello", (HELLO,)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("text", "cues"), PASTED.values(), ids=PASTED)
def test_pasted_subtitles_are_parsed_in_any_form(text: str, cues: tuple[Cue, ...]) -> None:
    assert parse_message(text) == (AddSubtitles(cues),)
    assert parse_message(f"add these subtitles:\n\n{text.strip()}\n\nand mute it") == (
        AddSubtitles(cues),
        SetVolume(0.0),
    )


words = st.text("ab 7", min_size=1, max_size=5).map(str.strip).filter(bool)
cues = st.builds(Cue, st.integers(0, 9_999_999), st.integers(0, 9_999_999), words)


def clock(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{rest:03}"


@pytest.mark.slow
@settings(max_examples=examples(30, 1000))
@given(
    st.lists(cues, min_size=1, max_size=5),
    st.sampled_from(["\n", "\r", "\r\n", "\u2028"]),
    st.booleans(),
    st.booleans(),
)
def test_srt_round_trip(written: list[Cue], line_end: str, numbered: bool, marked: bool) -> None:
    lines = [
        line
        for number, cue in enumerate(written, 1)
        for line in (
            *([str(number)] if numbered else []),
            f"{clock(cue.start_ms)} --> {clock(cue.end_ms)}",
            cue.text,
            "",
        )
    ]
    text = "\ufeff" * marked + line_end.join(lines)
    if any(cue.start_ms < cue.end_ms for cue in written):
        assert parse_message(text) == (AddSubtitles(tuple(written)),)
