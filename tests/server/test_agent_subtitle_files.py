"""SRT and WebVTT files are read within limits, and markup in them stays text."""

import pytest

from nemolocal_agent.intents import Cue
from nemolocal_agent.subtitle_files import MAX_CUES, SubtitlesRejected, parse_subtitles
from tests.support.tables import check_rows

READ: list[tuple[str, str, str, tuple[Cue, ...]]] = [
    (
        "numbered",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,500\nHello\nthere\n\n2\n00:01:00,000 --> 01:00:00,000\nBye\n",
        (Cue(1000, 2500, "Hello\nthere"), Cue(60_000, 3_600_000, "Bye")),
    ),
    ("no numbers", "srt", "00:01 --> 00:02\nA\n\n\n\n00:03 --> 00:04\nB",
     (Cue(1000, 2000, "A"), Cue(3000, 4000, "B"))),
    ("markup", "srt", "1\n00:00:00,000 --> 00:00:01,000\n<i>Hi</i> {\\an8}<b onclick=x>&lt;\n",
     (Cue(0, 1000, "<i>Hi</i> {\\an8}<b onclick=x>&lt;"),)),
    ("control characters", "srt", "1\n00:00:00,000 --> 00:00:01,000\na\x1b[31mb\x07\t\x7f\n",
     (Cue(0, 1000, "a[31mb"),)),
    ("overlapping and backwards", "srt",
     "00:02 --> 00:04\nlate\n\n00:01 --> 00:03\nearly\n\n00:05 --> 00:05\nnever\n\n"
     "00:06 --> 00:07\n",
     (Cue(2000, 4000, "late"), Cue(1000, 3000, "early"), Cue(5000, 5000, "never"),
      Cue(6000, 7000, ""))),
    ("a byte order mark, and text before the first", "srt",
     "\ufeffMovie\n\n1\n00:01 --> 00:02\nA\n", (Cue(1000, 2000, "A"),)),
    ("blank lines in a text", "srt", "1\n00:01 --> 00:02\nA\n\nB\n\n2\n\n00:03 --> 00:04\nC\n",
     (Cue(1000, 2000, "A\nB"), Cue(3000, 4000, "C"))),
    (
        "WebVTT",
        "vtt",
        "WEBVTT - a title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE 00:01 to 00:02\n"
        "is not shown\n\nintro\n00:01.000 --> 00:02.000 line:0 align:start\n- <v Ann>Tom &amp; "
        "Jerry &#60;\n\nNOTE\nend\n",
        (Cue(1000, 2000, "- <v Ann>Tom & Jerry &#60;"),),
    ),
]  # fmt: skip


def check_read(_: str, extension: str, text: str, cues: tuple[Cue, ...]) -> None:
    assert parse_subtitles(text, extension) == cues


def test_cues_are_read_with_their_times(subtests: pytest.Subtests) -> None:
    check_rows(subtests, READ, check_read)


TIMES = "00:01 --> 00:02\n"
REFUSED: list[tuple[str, str, str]] = [
    ("srt", "", "the file has no subtitles"),
    ("srt", "only some words", "the file has no subtitles"),
    ("srt", TIMES, "the file has no subtitles"),
    ("srt", "00:02 --> 00:01\nA\n", "the file has no subtitles"),
    ("srt", "1\n00:01 -> 00:02\nA\n", "the file has no subtitles"),
    ("srt", "1\n00:01 --> soon\nA\n", "line 2 has no times like"),
    ("srt", "1\n9999:00:01,000 --> 9999:00:02,000\nA\n", "line 2 has no times like"),
    ("srt", "A\nB\n00:01 --> 00:02\nC\n", "line 3 has no times like"),
    ("srt", TIMES + "A\n\n" + TIMES + "x" * 5001, "line 5 has more than 5000 characters"),
    ("srt", TIMES + "x\n" * 1001, "the subtitle of line 1 has more than 2000 characters"),
    ("srt", (TIMES + "A\n\n") * (MAX_CUES + 1), "the file has more than 5000 subtitles"),
    ("vtt", TIMES + "A\n", "line 1 is not WEBVTT"),
    ("vtt", "WEBVTTX\n\n" + TIMES + "A\n", "line 1 is not WEBVTT"),
    ("vtt", "WEBVTT\n\nNOTE\n" + "A\n", "the file has no subtitles"),
]


def check_refused(extension: str, text: str, reason: str) -> None:
    with pytest.raises(SubtitlesRejected) as error:
        parse_subtitles(text, extension)
    assert str(error.value).startswith(reason)


def test_file_that_is_wrong_is_refused_with_its_line(subtests: pytest.Subtests) -> None:
    check_rows(subtests, REFUSED, check_refused)
