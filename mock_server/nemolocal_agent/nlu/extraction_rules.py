"""The rules that extract edits from a clause: the first one that matches its symbols decides.

The edits must account for every word of the clause.
"""

import re
from collections.abc import Callable, Iterable

from nemolocal_contract.effects import Crop, Flip, Reverse, Rotate, Zoom

from .. import intents
from ..intents import Edit, Note
from .extractors.addition_extractors import extract_generation, extract_overlay, extract_transition
from .extractors.audio_extractors import extract_fade, extract_music, extract_volume
from .extractors.clause import Clause
from .extractors.clip_extractors import (
    extract_extension,
    extract_history,
    extract_loop,
    extract_merge,
    extract_move,
    extract_picture_video,
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
    extract_tint,
)
from .extractors.format_extractors import extract_compression, extract_format
from .extractors.title_extractors import extract_subtitles, extract_title
from .lexer.tokens import LexToken, Slot, TokenKind, slot_pattern, symbol_set

_Extractor = Callable[[Clause], list[Edit] | None]


_NO_SYMBOLS = symbol_set("")
_TRANSITIONS = symbol_set(
    "crossfade dissolve dipblack dipwhite wipe slide circle transition hardcut"
)
_FADES = symbol_set("fade fadein fadeout fadeboth")
_SPEED = symbol_set("speed speedup slowdown faster slower slow fast slowmo timelapse", Slot.FACTOR)
_SOUND = symbol_set("volume sound voice louder quieter loud mute unmute", Slot.DECIBELS)
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
    (symbol_set("undo redo restart"), symbol_set("normal"), extract_history),
    (symbol_set("slideshow"), _NO_SYMBOLS, extract_slideshow),
    (
        symbol_set("photo"),
        symbol_set("title music corner cut trim remove", Slot.SCENE, *EFFECT_SYMBOLS),
        extract_picture_video,
    ),
    (symbol_set("longer"), symbol_set("title music"), extract_extension),
    (
        symbol_set("", Slot.COLOR),
        symbol_set("title subtitles font music watermark corner pad fill", Slot.QUOTED_TEXT),
        extract_tint,
    ),
    (
        symbol_set("", Slot.FILE_LIMIT),
        symbol_set("title music clip", Slot.FILE_SIZE, Slot.ASPECT_RATIO, Slot.RESOLUTION),
        extract_compression,
    ),
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
    intents.PlaceUploads: {Slot.MOOD, Slot.RESOLUTION, Slot.ASPECT_RATIO}
}
_ACCEPT_ANY_TEXT = (intents.Generate,)
_TITLES = (intents.AddTitle, intents.ChangeTitle, intents.RemoveTitle, intents.AddSubtitles)
_SOUNDS = (intents.SetVolume, intents.AddMusic, intents.DuckMusic, intents.RemoveMusic)
_OVERLAYS = (intents.AddOverlay, intents.RemoveOverlays)
# The edits that can be about an object: "trim the music" must not trim the video.
_EDITS_BY_OBJECT: dict[str, tuple[type, ...]] = {
    "title": (*_TITLES, intents.Fade),
    "font": _TITLES,
    "subtitles": _TITLES,
    "music": (*_SOUNDS, intents.Fade),
    "voice": (*_SOUNDS, intents.Fade),
    "sound": (*_SOUNDS, intents.Fade),
    "volume": _SOUNDS,
    "speed": (intents.SetSpeed,),
    "watermark": (*_OVERLAYS, intents.AddTitle),
    "pip": _OVERLAYS,
    "overlay": _OVERLAYS,
    "corner": (*_TITLES, *_OVERLAYS),
    "transition": (intents.AddTransition, intents.RemoveTransitions, intents.Fade),
    "color": (intents.ApplyEffect, intents.RemoveEffects, *_TITLES),
    "order": (intents.ReverseOrder, intents.MoveClip, intents.SwapClips, intents.Merge),
    "resolution": (intents.SetResolution, intents.Compress, intents.SetAspect),
    "framerate": (intents.SetFrameRate, intents.SetResolution),
    "effect": (
        intents.ApplyEffect, intents.RemoveEffects, intents.AddTransition,
        intents.RemoveTransitions, intents.Fade, intents.SetSpeed, intents.AddMusic,
    ),
    "typewriter": (),
}  # fmt: skip


# What takes something away must account for every word: beside these symbols, only words without
# a meaning of their own (prepositions, positions, numbers) may stand in such a clause.
_TAKING_WORDS = symbol_set("remove cancel stop take cut trim split set edit move video all")
_CLIP_NOUNS = symbol_set("clip photo upload part order")
_HISTORY = symbol_set("undo redo edit set step") - symbol_set("video")
_EXPLAINED_BY_EDIT: dict[type, frozenset[str]] = {
    intents.Undo: _HISTORY,
    intents.Redo: _HISTORY,
    intents.StartOver: symbol_set("restart remove edit set video cut take"),
    intents.RemoveClip: _TAKING_WORDS | _CLIP_NOUNS | symbol_set("keep"),
    intents.RemoveSpan: _TAKING_WORDS | _CLIP_NOUNS | symbol_set(
        "keep removeends short lower start play end raise speaks"
    ),
    intents.KeepSpan: _TAKING_WORDS | _CLIP_NOUNS | symbol_set(
        "keep removeends short lower start play end add give need raise flaw"
    ),
    intents.RemoveMusic: _TAKING_WORDS | symbol_set("music sound play add negation"),
    intents.RemoveTitle: _TAKING_WORDS | symbol_set("title subtitles font"),
    intents.RemoveTransitions: _TAKING_WORDS | _TRANSITIONS | _FADES | _CLIP_NOUNS | symbol_set(
        "effect add negation keep play loop merge"
    ),
    intents.RemoveOverlays: _TAKING_WORDS | symbol_set("watermark pip overlay corner photo clip"),
    intents.RemoveEffects: _TAKING_WORDS | _CLIP_NOUNS | EFFECT_SYMBOLS | symbol_set(
        "effect color frame corner add play"
    ),
}  # fmt: skip
# Words in the symbol of a verb that are none by themselves: "trim to", "keep first".
_PARTS_OF_VERBS = symbol_set(
    "to for by in at on first last max fine enough part all except before after bit double"
)
_MEANINGFUL_KINDS = (
    TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT, TokenKind.TRANSITION, TokenKind.NOUN,
    TokenKind.UNKNOWN,
)  # fmt: skip
_MEANINGFUL_MODIFIERS = symbol_set("flaw white_balance name_of speaks goes lacks")
_EDITS_OF_SPANS = (intents.RemoveSpan, intents.KeepSpan)
# Places that an edit must use, if the clause names them: "speed up the middle part".
_PLACES = re.compile(r" (?:middle|halfway|start|end|first|last|part|intro|outro) (?!~)")
_PLACES_OF_MUSIC = re.compile(r" (?:middle|halfway|end|outro) (?!~)")
_EDITS_WITH_PLACE = (
    intents.SetSpeed, intents.SetVolume, intents.RemoveEffects, intents.Compress,
    intents.SetAspect, intents.SetFit, intents.SetResolution, intents.SetFrameRate,
    intents.StartOver, intents.RemoveClip, intents.RemoveMusic, intents.RemoveTransitions,
    intents.Loop, intents.ReverseOrder,
)  # fmt: skip
# Verbs that do not go with an edit: "swap the transition" adds none.
_FORBIDDEN_VERBS: dict[type, frozenset[str]] = {
    intents.AddOverlay: symbol_set("split trim cut swap loop raise lower stop keep merge"),
    intents.AddTransition: symbol_set("swap raise lower loop trim stop keep split arrange play"),
    intents.AddTitle: symbol_set("swap merge split loop trim cut raise lower arrange"),
    intents.ChangeTitle: symbol_set("swap split loop trim cut merge play generate arrange"),
    intents.ApplyEffect: symbol_set("swap merge split loop arrange play trim cut"),
    intents.SetVolume: symbol_set("swap split loop merge trim arrange generate"),
    intents.Compress: symbol_set("swap merge split loop play"),
    intents.Fade: symbol_set("swap split loop merge"),
    intents.SetSpeed: symbol_set("swap split merge"),
    intents.AddMusic: symbol_set("split trim cut"),
}
# Effects that a verb of those names: "play it backwards", "cut 10% off each side".
_EFFECTS_OF_VERBS = (Reverse, Crop)
# What no color has: "rotate the colors".
_EFFECTS_OF_SHAPE = (Reverse, Crop, Rotate, Flip, Zoom)
# Edits that use no effect: "compress the sepia".
_EDITS_WITHOUT_EFFECT = (
    intents.Compress, intents.Merge, intents.SetVolume, intents.Split, intents.Loop,
    intents.KeepSpan, intents.RemoveSpan, intents.ChangeTitle, intents.AddTransition,
    intents.AddMusic, intents.SwapClips, intents.MoveClip,
)  # fmt: skip
_ADDING_EDITS = (intents.AddOverlay, intents.AddTransition, intents.AddTitle)
_EDITS_BY_ACTION: dict[str, tuple[type, ...]] = {
    "mute": (intents.SetVolume, intents.AddMusic, intents.RemoveMusic),
    "compress": (
        intents.Compress,
        intents.SetResolution,
        intents.SetAspect,
        intents.SetSpeed,
        intents.ChangeTitle,
        intents.AddOverlay,
    ),
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
    if not _fits_words(clause, edits):
        return False
    if (
        clause.unread_slots()
        - {Slot.MOOD, Slot.FILE_LIMIT}
        - _IGNORED_SLOTS.get(type(edits[0]), set())
    ):
        return False
    for word in clause.symbols & _EDITS_BY_OBJECT.keys():
        if not any(isinstance(edit, _EDITS_BY_OBJECT[word]) for edit in edits):
            return False
    if f" {Slot.UNKNOWN_WORD}" not in clause.line:
        return True
    line = _ASIDE.sub(" ", clause.line)
    rewords = any(isinstance(edit, intents.ChangeTitle) and edit.text for edit in edits)
    verbs = (_is_possible_verb(clause, int(slot[1:])) for slot in _UNKNOWN.findall(line))
    if not rewords and any(verbs):
        return False
    left = _UNKNOWN.findall(_MODIFIER.sub(" ", line))
    return all(str(clause.value(slot)).endswith("ly") for slot in left)


def find_notes(tokens: Iterable[LexToken], edits: Iterable[Edit], original: str) -> list[Note]:
    """What the answer must say because the edits differ from the words: "no jazz: calm"."""
    tokens = list(tokens)
    words = [token for token in tokens if token.kind == TokenKind.UNKNOWN]
    notes = [
        Note("no_box", original[token.start : token.end])
        for token in tokens
        if token.symbol == "boxed"
    ]
    for edit in edits:
        if isinstance(edit, intents.AddMusic) and edit.name is None and words:
            said = " ".join(original[word.start : word.end] for word in words)
            notes.append(Note("no_such_music", said))
        elif isinstance(edit, intents.Generate) and edit.scene == "abstract" and words:
            notes.append(Note("no_such_scene", edit.prompt))
    return notes


def _fits_words(clause: Clause, edits: list[Edit]) -> bool:
    """Whether the edits use the places of the clause, and its verbs go with them."""
    placed = any(isinstance(edit, _EDITS_WITH_PLACE) for edit in edits)
    if placed and _PLACES.search(clause.line):
        return False
    music = any(isinstance(edit, intents.AddMusic) for edit in edits)
    if music and _PLACES_OF_MUSIC.search(clause.line):
        return False
    explained = all(_is_removal_explained(clause, edit) for edit in edits)
    return explained and _fits_verbs(clause, edits)


def _fits_verbs(clause: Clause, edits: list[Edit]) -> bool:
    """Whether verbs, actions and effects of the clause go with the edits made of it."""
    words = clause.symbols
    verbs = {w for t in clause.tokens if t.kind == TokenKind.VERB for w in t.symbol.split()}
    effects = any(
        token.kind == TokenKind.EFFECT and "bigger" not in token.symbol for token in clause.tokens
    )
    for edit in edits:
        effect = edit.effect if isinstance(edit, intents.ApplyEffect) else None
        if "color" in words and isinstance(effect, _EFFECTS_OF_SHAPE):
            return False
        if isinstance(effect, _EFFECTS_OF_VERBS):
            continue
        if not verbs.isdisjoint(_FORBIDDEN_VERBS.get(type(edit), _NO_SYMBOLS)):
            return False
        if "normal" in words and isinstance(edit, _ADDING_EDITS):
            return False  # "reset the watermark"
    if effects and all(isinstance(edit, _EDITS_WITHOUT_EFFECT) for edit in edits):
        return False
    if "flaw" in words and not any(isinstance(edit, intents.RemoveSpan) for edit in edits):
        return False
    return all(
        any(isinstance(edit, _EDITS_BY_ACTION[word]) for edit in edits)
        for word in words & _EDITS_BY_ACTION.keys()
    )


def _is_removal_explained(clause: Clause, edit: Edit) -> bool:
    """Whether every word explains an edit that takes something away; True for other edits."""
    explained = _EXPLAINED_BY_EDIT.get(type(edit))
    if explained is None:
        return True
    spans = isinstance(edit, _EDITS_OF_SPANS)
    for token in clause.tokens:
        words = token.symbol.split()
        if token.kind == TokenKind.UNKNOWN:
            # An unknown word before a noun can describe it: "my wedding video".
            if not spans and not _is_name_of_clip(edit, token):
                return False
        elif token.kind in _MEANINGFUL_KINDS:
            known = explained | _PARTS_OF_VERBS if token.kind == TokenKind.VERB else explained
            if not known.issuperset(words):
                return False
        elif not spans and not _MEANINGFUL_MODIFIERS.isdisjoint(words):
            return False
    return True


def _is_name_of_clip(edit: Edit, token: LexToken) -> bool:
    """Whether an unknown word is the name of the clip: "remove the beach clip"."""
    name = edit.selector.name if isinstance(edit, intents.RemoveClip | intents.RemoveTitle) else ""
    return str(token.value).lower() in (name or "").lower().split()


def _is_possible_verb(clause: Clause, index: int) -> bool:
    """Whether an unknown word can be the verb: 检测水印, "flip off the music"; not 加酷炫水印."""
    token = clause.tokens[index]
    described = clause.original[token.end : token.end + 1] == "的"
    before = [TokenKind.VERB, TokenKind.ACTION]
    if clause.original[token.start].isascii():
        before.append(TokenKind.NOUN)  # "slideshow from my holiday pics"
    return not described and all(t.kind not in before for t in clause.tokens[:index])
