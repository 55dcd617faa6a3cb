"""Checks that the edits of a clause account for all of its words."""

import re

from ..intents import (
    AddMusic,
    AddOverlay,
    AddSubtitles,
    AddTitle,
    AddTransition,
    ChangeTitle,
    DuckMusic,
    Edit,
    Fade,
    Generate,
    PlaceUploads,
    Redo,
    RemoveMusic,
    RemoveOverlays,
    RemoveTitle,
    RemoveTransitions,
    SetSpeed,
    SetVolume,
    StartOver,
    Undo,
)
from .extractors.clause import Clause
from .lexer.tokens import Slot, TokenKind, slot_pattern

_WORD = slot_pattern(Slot.UNKNOWN_WORD)
_OBJECTS = "clip|video|photo|title|music|slideshow|upload|watermark"
# "For my channel", "with my friends": not about what to do.
_ASIDE = re.compile(rf" (?:for|with) (?:it |of |who )?{_WORD}(?: {_WORD})*(?= )")
_MODIFIER = re.compile(
    rf" {_WORD}(?=(?: {_WORD})* (?:{_OBJECTS}|{slot_pattern(Slot.SCENE, Slot.MOOD)}) )"
)
_UNKNOWN = re.compile(rf" ({_WORD})(?= )")
# A mood can describe anything: "a dramatic zoom". "This 4K footage" describes the uploads.
_IGNORED_SLOTS: dict[type, set[str]] = {
    PlaceUploads: {Slot.MOOD, Slot.RESOLUTION, Slot.ASPECT_RATIO}
}
_ACCEPT_ANY_TEXT = (Generate, Undo, Redo, StartOver)
_TITLES = (AddTitle, ChangeTitle, RemoveTitle, AddSubtitles)
_SOUNDS = (SetVolume, AddMusic, DuckMusic, RemoveMusic)
# The edits that can be about an object: "trim the music" must not trim the video.
_EDITS_BY_OBJECT: dict[str, tuple[type, ...]] = {
    "title": (*_TITLES, Fade),
    "font": _TITLES,
    "subtitles": _TITLES,
    "music": (*_SOUNDS, Fade),
    "voice": (*_SOUNDS, Fade),
    "sound": (*_SOUNDS, Fade),
    "volume": _SOUNDS,
    "speed": (SetSpeed,),
    "watermark": (AddOverlay, RemoveOverlays),
    "pip": (AddOverlay, RemoveOverlays),
    "overlay": (AddOverlay, RemoveOverlays),
    "corner": (*_TITLES, AddOverlay, RemoveOverlays),
    "transition": (AddTransition, RemoveTransitions, Fade),
}


def is_input_covered(clause: Clause, edits: list[Edit]) -> bool:
    """Whether the edits account for the values, objects and unknown words of the clause.

    "Blur the faces" has an unknown object, "shrink the second clip" a clip that compression does
    not use, "sharpen the music" an object that cannot be sharpened.
    """
    if any(isinstance(edit, _ACCEPT_ANY_TEXT) for edit in edits):
        return True
    if clause.unread_slots() - {Slot.MOOD} - _IGNORED_SLOTS.get(type(edits[0]), set()):
        return False
    for word, kinds in _EDITS_BY_OBJECT.items():
        if clause.has_any(word) and not any(isinstance(edit, kinds) for edit in edits):
            return False
    if f" {Slot.UNKNOWN_WORD}" not in clause.line:
        return True
    if any(_is_possible_verb(clause, index) for index in range(len(clause.tokens))):
        return False
    left = _UNKNOWN.findall(_MODIFIER.sub(" ", _ASIDE.sub(" ", clause.line)))
    return all(str(clause.value(slot)).endswith("ly") for slot in left)


def _is_possible_verb(clause: Clause, index: int) -> bool:
    """Whether an unknown Chinese word can be the verb: 检测水印, but not 加酷炫水印."""
    token = clause.tokens[index]
    if token.symbol != Slot.UNKNOWN_WORD or clause.original[token.start].isascii():
        return False
    described = clause.original[token.end : token.end + 1] == "的"
    return not described and all(
        t.kind not in (TokenKind.VERB, TokenKind.ACTION) for t in clause.tokens[:index]
    )
