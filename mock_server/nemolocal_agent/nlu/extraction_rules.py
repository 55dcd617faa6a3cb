"""The rules that extract edits from a clause: the first one that matches its symbols decides.

The edits must account for every word of the clause.
"""

import re
from collections.abc import Callable, Iterable

from .. import intents
from ..intents import Edit
from .extractors.addition_extractors import extract_generation, extract_overlay, extract_transition
from .extractors.audio_extractors import extract_fade, extract_music, extract_volume
from .extractors.clause import Clause
from .extractors.clip_extractors import (
    extract_history,
    extract_loop,
    extract_merge,
    extract_move,
    extract_place_uploads,
    extract_remove_clip,
    extract_reverse_order,
    extract_slideshow,
    extract_speed,
    extract_split,
    extract_split_into_parts,
    extract_swap,
)
from .extractors.cut_extractors import extract_cut
from .extractors.effect_extractors import (
    EFFECT_SYMBOLS,
    extract_effect,
    extract_remove_effects,
    extract_side_crop,
)
from .extractors.format_extractors import extract_compression, extract_format
from .extractors.sound_extractors import (
    SOUND_EDITS,
    SOUND_IGNORED_SLOTS,
    SOUND_RULES,
)
from .extractors.title_extractors import extract_subtitles, extract_title
from .lexer.tokens import LexToken, Slot, TokenKind, slot_pattern, symbol_set

_Extractor = Callable[[Clause], list[Edit] | None]


_NO_SYMBOLS = symbol_set("")
_TRANSITIONS = symbol_set(
    "crossfade dissolve dipblack dipwhite wipe slide circle transition hardcut"
)
_FADES = symbol_set("fade fadein fadeout fadeboth")
_SPEED = symbol_set("speed speedup slowdown faster slower slow fast slowmo timelapse", Slot.FACTOR)
_SOUND = symbol_set("volume sound voice louder quieter loud mute unmute")
_FORMAT = symbol_set(
    "fill pad blurfit framerate resolution",
    Slot.ASPECT_RATIO,
    Slot.RESOLUTION,
    Slot.FRAME_RATE,
    Slot.PIXEL_SIZE,
)
_ATTRIBUTES = symbol_set(
    "volume speed size font opacity framerate resolution aspect", Slot.FRAME_RATE
)
_CUTS = symbol_set(
    "trim cut keep remove only take long set lower max start end stop move short removeends give "
    "later"
)

# A rule applies to a clause with one of the first symbols and none of the second ones.
_RULES: list[tuple[frozenset[str], frozenset[str], _Extractor]] = [
    (symbol_set("", Slot.SUBTITLES), _NO_SYMBOLS, extract_subtitles),
    *SOUND_RULES,
    (symbol_set("undo redo restart"), symbol_set("normal"), extract_history),
    (symbol_set("slideshow"), _NO_SYMBOLS, extract_slideshow),
    (symbol_set("watermark pip overlay"), _NO_SYMBOLS, extract_overlay),
    (
        symbol_set("corner", Slot.POSITION),
        symbol_set("title subtitles font music remove", Slot.QUOTED_TEXT),
        extract_overlay,
    ),
    (symbol_set("duck duckhint music"), symbol_set("title", *_TRANSITIONS), extract_music),
    (symbol_set("title subtitles font"), _NO_SYMBOLS, extract_title),
    (symbol_set("", Slot.QUOTED_TEXT), symbol_set("clip music watermark photo"), extract_title),
    (symbol_set("swap"), _NO_SYMBOLS, extract_swap),
    (_TRANSITIONS, _NO_SYMBOLS, extract_transition),
    (_FADES, symbol_set("remove"), extract_fade),
    (_FADES, symbol_set("remove"), extract_transition),
    (
        symbol_set("compress resolution", Slot.FILE_SIZE),
        symbol_set("", Slot.RESOLUTION, Slot.ASPECT_RATIO),
        extract_compression,
    ),
    (symbol_set("generate"), _NO_SYMBOLS, extract_generation),
    (
        symbol_set("", Slot.SCENE),
        symbol_set(
            "corner remove cut trim effect keep move first last loop speed compress edit",
            Slot.FILE_NAME,
            Slot.MOOD,
            Slot.ORDINAL,
            *EFFECT_SYMBOLS,
        ),
        extract_generation,
    ),
    (
        _SOUND,
        symbol_set("brightness contrast saturation speed blur sharpen corner resolution order"),
        extract_volume,
    ),
    (symbol_set("order inorder"), _NO_SYMBOLS, extract_reverse_order),
    (symbol_set("together"), _NO_SYMBOLS, extract_merge),
    (symbol_set("merge"), _NO_SYMBOLS, extract_merge),
    (symbol_set("split"), symbol_set("remove"), extract_split),
    (symbol_set("cut"), symbol_set("remove keep"), extract_split_into_parts),
    (symbol_set("cut trim"), symbol_set("", Slot.TIME), extract_side_crop),
    (symbol_set("play"), symbol_set("backwards reverse title", *_SPEED), extract_loop),
    (
        symbol_set("cut"),
        symbol_set(
            "remove keep out off long only first last start end from between part to after before "
            "music speed",
            *_SOUND,
        ),
        extract_split,
    ),
    (symbol_set("loop"), _NO_SYMBOLS, extract_loop),
    (_SPEED, symbol_set("corner zoomin zoomout"), extract_speed),
    (symbol_set("fill pad blurfit", Slot.ASPECT_RATIO), symbol_set("remove"), extract_format),
    (symbol_set("", Slot.DEGREES, *EFFECT_SYMBOLS), symbol_set("order"), extract_effect),
    (symbol_set("slowly"), _NO_SYMBOLS, extract_speed),
    (symbol_set("color"), symbol_set("title font remove", Slot.COLOR), extract_effect),
    (symbol_set("effect"), _NO_SYMBOLS, extract_remove_effects),
    (_FORMAT, symbol_set("edit"), extract_format),
    (symbol_set("move add set"), _NO_SYMBOLS, extract_move),
    (_CUTS, _ATTRIBUTES, extract_cut),
    (symbol_set("remove cancel"), _NO_SYMBOLS, extract_remove_clip),
    (symbol_set("edit add arrange generate"), _NO_SYMBOLS, extract_place_uploads),
]

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
    intents.PlaceUploads: {Slot.MOOD, Slot.RESOLUTION, Slot.ASPECT_RATIO},
    **SOUND_IGNORED_SLOTS,
}
_ACCEPT_ANY_TEXT = (intents.Generate, intents.Undo, intents.Redo, intents.StartOver)
_TITLES = (intents.AddTitle, intents.ChangeTitle, intents.RemoveTitle, intents.AddSubtitles)
_SOUNDS = (
    intents.SetVolume,
    intents.AddMusic,
    intents.DuckMusic,
    intents.RemoveMusic,
    *SOUND_EDITS,
)
_OVERLAYS = (intents.AddOverlay, intents.RemoveOverlays)
# The edits that can be about an object: "trim the music" must not trim the video.
_EDITS_BY_OBJECT: dict[str, tuple[type, ...]] = {
    "title": (*_TITLES, intents.Fade),
    "font": _TITLES,
    "subtitles": (*_TITLES, intents.AddCaptions, intents.Unavailable),
    "music": (*_SOUNDS, intents.Fade),
    "voice": (*_SOUNDS, intents.Fade),
    "sound": (*_SOUNDS, intents.Fade),
    "volume": _SOUNDS,
    "speed": (intents.SetSpeed,),
    "watermark": _OVERLAYS,
    "pip": _OVERLAYS,
    "overlay": _OVERLAYS,
    "corner": (*_TITLES, *_OVERLAYS),
    "audiofx": SOUND_EDITS,
    "audiofault": SOUND_EDITS,
    "sfx": SOUND_EDITS,
    "silentpart": (intents.CutSilence, intents.SetVolume),
    "highlight": (intents.KeepHighlights, *_TITLES),
    "transition": (intents.AddTransition, intents.RemoveTransitions, intents.Fade),
}


def extract_edits(tokens: Iterable[LexToken], original: str) -> list[Edit] | None:
    """The edits that the tokens ask for; None if they are not understood."""
    clause = Clause(tokens, original)
    words = clause.symbols
    for needed, forbidden, extract in _RULES:
        if words.isdisjoint(needed) or not words.isdisjoint(forbidden):
            continue
        if "except" in words and extract is not extract_cut:
            continue
        if edits := extract(clause):
            return edits if _is_input_covered(clause, edits) else None
        clause.reset_line()
    return None


def _is_input_covered(clause: Clause, edits: list[Edit]) -> bool:
    """Whether the edits account for the values, objects and unknown words of the clause.

    "Blur the faces" has an unknown object, "shrink the second clip" a clip that compression does
    not use, "sharpen the music" an object that cannot be sharpened.
    """
    if any(isinstance(edit, _ACCEPT_ANY_TEXT) for edit in edits):
        return True
    if clause.unread_slots() - {Slot.MOOD} - _IGNORED_SLOTS.get(type(edits[0]), set()):
        return False
    for word in clause.symbols & _EDITS_BY_OBJECT.keys():
        if not any(isinstance(edit, _EDITS_BY_OBJECT[word]) for edit in edits):
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
