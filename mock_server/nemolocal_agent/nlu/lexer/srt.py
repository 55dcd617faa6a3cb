"""Finds SRT or WebVTT subtitles in a message, with any line ends."""

import re

import msgspec

from ...intents import Cue

# Keeps every index: each line end becomes one line feed, with blanks before it.
_LINE_ENDS = str.maketrans(dict.fromkeys("\r\x85\u2028\u2029", "\n") | {"\ufeff": " "})
_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[,.]\d{1,3})?"
_CUE = re.compile(rf"[ \t]*({_CLOCK})[ \t]*-->[ \t]*({_CLOCK})[^\n]{{0,80}}")
_HEADER = re.compile(r"[ \t]*WEBVTT[^\n]{0,80}")
_MAX_DIGITS = 9


class PastedSubtitles(msgspec.Struct, frozen=True):
    """Subtitles as they were written, and their place in the message."""

    cues: tuple[Cue, ...]
    start: int
    end: int


class _CueHeader(msgspec.Struct, frozen=True):
    """The line with the times of a cue, and the number above it."""

    line: int
    times: tuple[int, int]
    number: int | None


def parse_cue_times(line: str) -> tuple[int, int] | None:
    """The start and end of a cue in milliseconds, by its line; None if it is no such line."""
    found = _CUE.fullmatch(line.rstrip())
    return (_milliseconds(found[1]), _milliseconds(found[2])) if found else None


def find_subtitles(message: str) -> PastedSubtitles | None:
    """The subtitles in a message; None if there are none.

    Cues that cannot be shown are included; `fit_cues` reports them.
    """
    lines = message.replace("\r\n", " \n").translate(_LINE_ENDS).split("\n")
    heads = [
        _CueHeader(at, (_milliseconds(found[1]), _milliseconds(found[2])), _number(lines, at - 1))
        for at, line in enumerate(lines)
        if (found := _CUE.fullmatch(line.rstrip()))
    ]
    if not heads:
        return None
    cues, end = [], len(lines)
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        words, end = _cue_text(lines, head, after)
        cues.append(Cue(*head.times, "\n".join(words)))
    if not any(cue.start_ms < cue.end_ms and cue.text for cue in cues):
        return None
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return PastedSubtitles(
        tuple(cues), starts[_first_line(lines, heads[0])], min(starts[end], len(message))
    )


def _cue_text(
    lines: list[str], head: _CueHeader, after: _CueHeader | None
) -> tuple[list[str], int]:
    """The text of a cue, and the line after it.

    The text of the last cue ends at a blank line, after which the message continues; that of any
    other cue goes up to the next cue, across blank lines.
    """
    begin = head.line + 1
    if after is None:
        rest = range(begin, len(lines))
        end = next((at for at in rest if not lines[at].strip()), len(lines))
    else:
        end = after.line - _is_numbered(lines, head, after)
    return [line.strip() for line in lines[begin:end] if line.strip()], end


def _is_numbered(lines: list[str], head: _CueHeader, after: _CueHeader) -> bool:
    """Whether the number above the next cue is its number, not text of this one."""
    if after.number is None:
        return False
    above = [line.strip() for line in lines[head.line + 1 : after.line - 1]]
    if above and not above[-1]:
        return True
    return head.number is not None and (any(above) or after.number == head.number + 1)


def _first_line(lines: list[str], first: _CueHeader) -> int:
    """The line where the subtitles start: a number, or the WEBVTT header."""
    top = first.line - (first.number is not None)
    above = next((at for at in range(top - 1, -1, -1) if lines[at].strip()), None)
    return above if above is not None and _HEADER.fullmatch(lines[above].rstrip()) else top


def _number(lines: list[str], at: int) -> int | None:
    text = lines[at].strip() if at >= 0 else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def _milliseconds(clock: str) -> int:
    whole, _, fraction = clock.replace(",", ".").partition(".")
    seconds = 0
    for part in whole.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds * 1000 + int(fraction.ljust(3, "0") or 0)
