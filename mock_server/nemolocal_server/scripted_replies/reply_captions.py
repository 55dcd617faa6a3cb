"""The words that a reply gives for captions: one text for each, or subtitles with their times."""

from collections.abc import Sequence

import msgspec

from nemolocal_agent import Edit
from nemolocal_agent.intents import AddCaptions, AddSubtitles, Cue
from nemolocal_agent.nlu.lexer.srt import find_subtitles

from .reply_spec import ReplyError

_PATH = "captions"
_MAX_LENGTH = 2000
Captions = tuple[str, ...] | AddSubtitles
"""Texts in the order of the captions, or the subtitles that take their place."""


def read_captions(given: str | Sequence[str]) -> Captions:
    """Return the captions of a reply; raises `ReplyError` with the path of what is wrong."""
    if not isinstance(given, str):
        for number, text in enumerate(given):
            _check_text(text, f"{_PATH}[{number}]")
        return tuple(given)
    found = find_subtitles(given)
    if found is None or given[: found.start].strip() or given[found.end :].strip():
        reason = "must be SRT, WebVTT or a list with one text for each caption"
        raise ReplyError(_PATH, reason)
    for cue in found.cues:
        _check_cue(cue)
    return AddSubtitles(found.cues)


def _check_cue(cue: Cue) -> None:
    at = f"the caption at {cue.start_ms / 1000:g} s"
    if cue.start_ms >= cue.end_ms:
        raise ReplyError(_PATH, f"{at} ends before it begins")
    if not cue.text:
        raise ReplyError(_PATH, f"{at} has no words")
    if len(cue.text) > _MAX_LENGTH:
        raise ReplyError(_PATH, f"{at} has more than {_MAX_LENGTH} characters")


def _check_text(text: str, path: str) -> None:
    if not text.strip():
        raise ReplyError(path, "has no words")
    if len(text) > _MAX_LENGTH:
        raise ReplyError(path, f"has more than {_MAX_LENGTH} characters")


def with_captions(edits: Sequence[Edit], captions: Captions) -> tuple[Edit, ...]:
    """Return the edits with these words for the captions that they add."""

    def changed(edit: Edit) -> Edit:
        if not isinstance(edit, AddCaptions):
            return edit
        if isinstance(captions, AddSubtitles):
            return captions
        return msgspec.structs.replace(edit, words=captions)

    return tuple(map(changed, edits))


def adds_captions(edits: Sequence[Edit]) -> bool:
    """Whether one of the edits adds captions, whose words a reply can give."""
    return any(isinstance(edit, AddCaptions) for edit in edits)
