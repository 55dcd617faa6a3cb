"""Subtitle files: SRT and WebVTT, read within limits. Markup stays text."""

import html
import re
from collections.abc import Sequence

from .intents import Cue
from .nlu.lexer.srt import parse_cue_times

MAX_SUBTITLE_BYTES = 2 << 20
MAX_CUES = 5000
MAX_CUE_LENGTH = 2000
_MAX_LINE = 5000
_SIGNATURE = "WEBVTT"
# What WebVTT escapes.
_ENTITIES = re.compile(r"&(?:amp|lt|gt|nbsp|lrm|rlm);")
_NO_CUES = "the file has no subtitles: each needs a line like 00:00:01,000 --> 00:00:02,000"


class SubtitlesRejected(ValueError):
    """A file that cannot be used as subtitles; the message is one line for the user."""


def parse_subtitles(text: str, extension: str) -> tuple[Cue, ...]:
    r"""Return the cues of an `srt` or `vtt` file, in their order; lines end in `\n`.

    Empty cues and those whose times run backwards are included; `fit_cues` reports them. Raises
    `SubtitlesRejected` with the line that is wrong.
    """
    is_vtt = extension == "vtt"
    lines = text.removeprefix("\ufeff").split("\n")
    if is_vtt and lines[0].split(maxsplit=1)[:1] != [_SIGNATURE]:
        raise SubtitlesRejected(f"line 1 is not {_SIGNATURE}: not a WebVTT file")
    cues: list[Cue] = []
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and lines[end].strip():
            end += 1
        if (cue := _cue(lines[at:end], at, is_vtt)) is not None:
            cues.append(cue)
        elif cues and not is_vtt:
            cues[-1] = _continued(cues[-1], lines[at:end], at)
        if len(cues) > MAX_CUES:
            raise SubtitlesRejected(f"the file has more than {MAX_CUES} subtitles")
        at = end + 1
    if not any(cue.start_ms < cue.end_ms and cue.text for cue in cues):
        raise SubtitlesRejected(_NO_CUES)
    return tuple(cues)


def _cue(block: Sequence[str], first: int, is_vtt: bool) -> Cue | None:
    """Return the cue of a block of lines; None for a note, a style or the head of a WebVTT file."""
    for number, line in enumerate(block, first + 1):
        if len(line) > _MAX_LINE:
            raise SubtitlesRejected(f"line {number} has more than {_MAX_LINE} characters")
    # Above the times there is at most a number or a name.
    heads = [at for at, line in enumerate(block[:2]) if "-->" in line]
    if not heads:
        if is_vtt or not block or not any("-->" in line for line in block):
            return None
        heads = [next(at for at, line in enumerate(block) if "-->" in line)]
    number = first + heads[0] + 1
    times = parse_cue_times(block[heads[0]])
    if times is None or heads[0] > 1:
        raise SubtitlesRejected(f"line {number} has no times like 00:00:01,000 --> 00:00:02,000")
    text = "\n".join(_shown(line, is_vtt) for line in block[heads[0] + 1 :])
    _check_length(text, number)
    return Cue(*times, text)


def _continued(cue: Cue, block: Sequence[str], first: int) -> Cue:
    """Return an SRT cue whose text continues after a blank line."""
    if not block or (len(block) == 1 and block[0].strip().isdecimal()):
        return cue
    text = "\n".join([cue.text, *(_shown(line, False) for line in block)])
    _check_length(text, first + 1)
    return Cue(cue.start_ms, cue.end_ms, text)


def _check_length(text: str, number: int) -> None:
    if len(text) > MAX_CUE_LENGTH:
        raise SubtitlesRejected(
            f"the subtitle of line {number} has more than {MAX_CUE_LENGTH} characters"
        )


def _shown(line: str, is_vtt: bool) -> str:
    """Return the text of a line, without control characters."""
    text = _ENTITIES.sub(lambda found: html.unescape(found[0]), line) if is_vtt else line
    return "".join(c for c in text.strip() if c >= " " and c != "\x7f")
