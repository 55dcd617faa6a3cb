"""Whether the edits of a clause account for its words: nothing said is dropped or guessed."""

import re

from nemolocal_contract.effects import BlurRegion, PixelateRegion

from .. import intents
from ..intents import Edit
from .extractors.clause import Clause
from .extractors.effect_extractors import EFFECT_SYMBOLS
from .extractors.sound_extractors import GENRE_PREFIX, SOUND_EDITS, SOUND_IGNORED_SLOTS
from .lexer.tokens import LexToken, Slot, TokenKind, slot_pattern, symbol_set
from .verb_objects import verbs_fit_objects

TRANSITION_SYMBOLS = symbol_set(
    "crossfade dissolve dipblack dipwhite wipe slide circle transition hardcut"
)
FADE_SYMBOLS = symbol_set("fade fadein fadeout fadeboth")
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
_ALWAYS_IGNORED_SLOTS = frozenset((Slot.MOOD, Slot.FILE_LIMIT))
_ACCEPT_ANY_TEXT = (intents.Generate,)
_TITLES = (intents.AddTitle, intents.ChangeTitle, intents.RemoveTitle, intents.AddSubtitles)
_REGIONS = (BlurRegion, PixelateRegion)
# What a rectangle of the picture can hide.
_REGION_OBJECTS = symbol_set("watermark corner plate area")
_SOUNDS = (
    intents.SetVolume, intents.AddMusic, intents.DuckMusic, intents.RemoveMusic, *SOUND_EDITS,
)  # fmt: skip
_OVERLAYS = (intents.AddOverlay, intents.RemoveOverlays, intents.RemoveWatermark)
# The edits that can be about an object: "trim the music" must not trim the video.
_EDITS_BY_OBJECT: dict[str, tuple[type, ...]] = {
    "title": (*_TITLES, intents.Fade, intents.AddCard),
    "font": _TITLES,
    "subtitles": (*_TITLES, intents.AddCaptions, intents.AddSubtitleFile),
    "music": (*_SOUNDS, intents.Fade),
    "voice": (*_SOUNDS, intents.Fade, intents.ReverseSound),
    "sound": (*_SOUNDS, intents.Fade, intents.ReverseSound),
    "volume": _SOUNDS,
    "speed": (intents.SetSpeed, intents.SpeedRamp),
    "watermark": (*_OVERLAYS, intents.AddTitle),
    "pip": _OVERLAYS,
    "overlay": _OVERLAYS,
    "corner": (*_TITLES, *_OVERLAYS, intents.AddTimer),
    "transition": (intents.AddTransition, intents.RemoveTransitions, intents.Fade),
    "color": (intents.ApplyEffect, intents.ApplyLut, intents.RemoveEffects, *_TITLES),
    "order": (
        intents.ReverseOrder, intents.MoveClip, intents.SwapClips, intents.Merge,
        intents.ShuffleClips,
    ),
    "resolution": (intents.SetResolution, intents.Compress, intents.SetAspect),
    "framerate": (intents.SetFrameRate, intents.SetResolution),
    "effect": (
        intents.ApplyEffect, intents.RemoveEffects, intents.AddTransition,
        intents.RemoveTransitions, intents.Fade, intents.SetSpeed, intents.AddMusic,
        intents.ApplyLut,
        intents.Boomerang, intents.SpeedRamp, intents.FreezeFrame, intents.SeamlessLoop,
        *_TITLES,
    ),
    "audiofx": SOUND_EDITS,
    "audiofault": SOUND_EDITS,
    "sfx": SOUND_EDITS,
    "sounding": SOUND_EDITS,
    "hertz": SOUND_EDITS,
    "semitone": SOUND_EDITS,
    "decibel": SOUND_EDITS,
    "over": SOUND_EDITS,
    "byword": (intents.AddCaptions,),
    "cuts": (intents.AddSound, intents.AddTransition),
    "silentpart": (intents.CutSilence, intents.SetVolume),
    "highlight": (intents.KeepHighlights, *_TITLES),
    "plate": (),
    "area": (),
    "preset": (intents.ApplyEffect, intents.ApplyLut, intents.RemoveEffects),
    "stabilize": (intents.ApplyEffect, intents.RemoveEffects),
    "smoothmotion": (intents.ApplyEffect, intents.RemoveEffects),
    "chromakey": (intents.KeyOut, intents.RemoveEffects),
    "splitscreen": (intents.SplitScreen,),
    "upscale": (intents.SetResolution,),
    "lut": (intents.ApplyLut, intents.RemoveEffects),
    "uploaded": (*_TITLES, intents.AddSubtitleFile),
    "strength": (intents.ApplyLut,),
    "typewriter": _TITLES,
    "karaoke": (*_TITLES, intents.AddCaptions),
    "banner": _TITLES,
    "freeze": (intents.FreezeFrame,),
    "boomerang": (intents.Boomerang,),
    "ramp": (intents.SpeedRamp,),
    "fitinto": (intents.SetSpeed,),
    "seamless": (intents.SeamlessLoop,),
    "shuffle": (intents.ShuffleClips,),
    "gap": (intents.InsertGap, intents.AddCard),
    "card": (intents.AddCard,),
    "creditsroll": (intents.AddCard,),
    "countdown": (intents.AddCountdown, intents.AddTimer),
    "timer": (intents.AddTimer, intents.RemoveTimer),
    "progressbar": (intents.AddProgressBar, intents.RemoveProgressBar),
}  # fmt: skip


# What takes something away must account for every word: beside these symbols, only words without
# a meaning of their own (prepositions, positions, numbers) may stand in such a clause.
_TAKING_WORDS = symbol_set("remove cancel stop take cut trim split set edit move video all")
# What is hidden, halted or undone is still there: such a verb takes no material away.
_UNDOING_WORDS = _TAKING_WORDS | symbol_set("hide halt undone")
_CLIP_NOUNS = symbol_set("clip photo upload part order")
_HISTORY = symbol_set("undo redo edit set step") - symbol_set("video")
_EXPLAINED_BY_EDIT: dict[type, frozenset[str]] = {
    intents.Undo: _HISTORY,
    intents.Redo: _HISTORY,
    intents.StartOver: symbol_set("restart remove edit set video cut take"),
    intents.RemoveClip: _TAKING_WORDS | _CLIP_NOUNS | symbol_set("keep intro outro card"),
    intents.RemoveSpan: _TAKING_WORDS | _CLIP_NOUNS | symbol_set(
        "keep removeends short lower start play end raise speaks"
    ),
    intents.KeepSpan: _TAKING_WORDS | _CLIP_NOUNS | symbol_set(
        "keep removeends short lower start play end add give need flaw"
    ),
    intents.RemoveMusic: _UNDOING_WORDS | symbol_set("music sound play add negation"),
    intents.RemoveTitle: _UNDOING_WORDS | symbol_set("uploaded title subtitles font"),
    intents.RemoveTransitions: _UNDOING_WORDS | TRANSITION_SYMBOLS | FADE_SYMBOLS | _CLIP_NOUNS
    | symbol_set("effect add negation keep play loop merge"),
    intents.RemoveOverlays: _UNDOING_WORDS | symbol_set("watermark pip overlay corner photo clip"),
    intents.RemoveEffects: _UNDOING_WORDS | _CLIP_NOUNS | EFFECT_SYMBOLS | symbol_set(
        "effect color frame corner add play undo restart without preset pixelate stabilize "
        "smoothmotion chromakey lut"
    ),
    intents.RemoveAudioEffects: _UNDOING_WORDS | symbol_set(
        "without audiofx audiofault sound voice music clip effect"
    ),
    intents.RemoveSounds: _UNDOING_WORDS | symbol_set("without sfx sound clip"),
    intents.CutSilence: _UNDOING_WORDS | _CLIP_NOUNS | symbol_set(
        "silentpart jumpcut mute flaw sound find generate voice"
    ),
    intents.RemoveWatermark: _UNDOING_WORDS | symbol_set("watermark corner clip"),
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
# Music has no end of its own; "intro music" says which, not where.
_PLACES_OF_MUSIC = re.compile(r" (?:middle|halfway|end|outro|intro(?! music)) (?!~)")
_EDITS_WITH_PLACE = (
    intents.SetSpeed, intents.SetVolume, intents.RemoveEffects, intents.Compress,
    intents.SetAspect, intents.SetFit, intents.SetResolution, intents.SetFrameRate,
    intents.StartOver, intents.RemoveClip, intents.RemoveMusic, intents.RemoveTransitions,
    intents.Loop, intents.ReverseOrder,
)  # fmt: skip


def covers_clause(clause: Clause, edits: list[Edit]) -> bool:
    """Whether the edits account for the values, objects and unknown words of the clause.

    "Blur the faces" has an unknown object, "shrink the second clip" a clip that compression does
    not use, "sharpen the music" an object that cannot be sharpened.
    """
    types = {type(edit) for edit in edits}
    if not types.isdisjoint(_ACCEPT_ANY_TEXT):
        return True
    if not _fits_words(clause, edits, types) or not verbs_fit_objects(clause, edits, types):
        return False
    unread = clause.unread_slots()
    if unread and unread - _ALWAYS_IGNORED_SLOTS - _IGNORED_SLOTS.get(type(edits[0]), set()):
        return False
    if intents.AddMusic not in types and any(
        word.startswith(GENRE_PREFIX) for word in clause.symbols
    ):
        return False
    for word in clause.symbols & _EDITS_BY_OBJECT.keys():
        if not any(_can_be_about(edit, word) for edit in edits):
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


def _can_be_about(edit: Edit, word: str) -> bool:
    if word in _REGION_OBJECTS and isinstance(edit, intents.ApplyEffect):
        return isinstance(edit.effect, _REGIONS)
    return isinstance(edit, _EDITS_BY_OBJECT[word])


def _fits_words(clause: Clause, edits: list[Edit], types: set[type[Edit]]) -> bool:
    """Whether the edits, of these types, use the places of the clause, and removals its words."""
    if not types.isdisjoint(_EDITS_WITH_PLACE) and _PLACES.search(clause.line):
        return False
    if intents.AddMusic in types and _PLACES_OF_MUSIC.search(clause.line):
        return False
    return types.isdisjoint(_EXPLAINED_BY_EDIT) or all(
        _is_removal_explained(clause, edit) for edit in edits
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
        elif not spans and not (_MEANINGFUL_MODIFIERS - explained).isdisjoint(words):
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
