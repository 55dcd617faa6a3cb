"""Whether the verb of a clause can be done to its object: nobody rotates a saturation.

A clause whose verb and object do not go together makes no edit, though each of them alone has one.
"""

from collections.abc import Sequence
from itertools import pairwise

from nemolocal_contract.effects import Crop, Flip, Reverse, Rotate, Zoom

from .. import intents
from ..intents import Edit
from .extractors.clause import Clause
from .lexer.tokens import LexToken, Slot, TokenKind, symbol_set

_NO_SYMBOLS = symbol_set("")
# Verbs that change how a picture looks, moves or ends, or leave it as it is.
_CHANGES = symbol_set(
    "keep brighter darker sharpen blur flip mirror rotate crop zoomin zoomout reverse fade"
)
# What is no picture, so that nothing of the above can be done to it.
_ATTRIBUTES = symbol_set(
    "brightness contrast saturation sepia vignette grayscale pad size effect color crossfade "
    "dissolve slideshow blur"
)
# "Darken the brightness" says the same twice.
_SAME = {("brighter", "brightness"), ("darker", "brightness"), ("fade", "crossfade")}
# Effects of a strength that has a direction: "lower the contrast".
_SIGNED = symbol_set("brightness contrast saturation brighter darker color warmer cooler hue")
_REMOVALS = (
    intents.RemoveMusic, intents.RemoveTitle, intents.RemoveTransitions, intents.RemoveOverlays,
    intents.RemoveEffects, intents.RemoveAudioEffects, intents.RemoveSounds,
)  # fmt: skip
_BETWEEN = symbol_set("all")
# Verbs that no such edit can come of, whatever the object: "swap the transition" adds none.
_FORBIDDEN_VERBS: dict[type, frozenset[str]] = {
    intents.AddMusic: symbol_set("split trim cut"),
    intents.AddOverlay: symbol_set("split trim cut swap loop raise lower stop keep merge normal"),
    intents.AddTitle: symbol_set("swap merge split loop trim cut raise lower arrange normal"),
    intents.AddTransition: symbol_set(
        "swap raise lower loop trim stop keep split arrange play reverse normal undo move"
    ),
    intents.ApplyEffect: symbol_set("swap merge split loop arrange play trim cut replace"),
    intents.ApplyLut: symbol_set("swap merge split loop arrange play trim cut"),
    intents.ChangeTitle: symbol_set(
        "swap split loop trim cut merge play generate arrange reverse normal"
    ),
    intents.Compress: symbol_set("swap merge split loop play"),
    intents.Fade: symbol_set("swap split loop merge"),
    intents.SetFit: symbol_set("split swap loop merge lower raise play stop undo redo"),
    intents.SetSpeed: symbol_set("swap split merge"),
    intents.SetVolume: symbol_set("swap split loop merge trim arrange generate"),
    intents.Slideshow: symbol_set(
        "remove trim cut keep swap loop split lower raise stop undo redo normal"
    ),
}
# Effects that a verb of those names: "play it backwards", "cut 10% off each side".
_EFFECTS_OF_VERBS = (Reverse, Crop)
# What no color has: "rotate the colors".
_EFFECTS_OF_SHAPE = (Reverse, Crop, Rotate, Flip, Zoom)
# Edits that use no effect: "compress the sepia".
_EDITS_WITHOUT_EFFECT = frozenset((
    intents.Compress, intents.Merge, intents.SetVolume, intents.Split, intents.Loop,
    intents.KeepSpan, intents.RemoveSpan, intents.ChangeTitle, intents.AddTransition,
    intents.AddMusic, intents.SwapClips, intents.MoveClip,
))  # fmt: skip
_EDITS_OF_FLAWS = (intents.RemoveSpan, intents.CutSilence)
# The edits that an action can be part of, whatever else the clause says.
_EDITS_BY_ACTION: dict[str, tuple[type, ...]] = {
    "mute": (intents.SetVolume, intents.AddMusic, intents.RemoveMusic, intents.CutSilence),
    "compress": (
        intents.Compress, intents.SetResolution, intents.SetAspect, intents.SetSpeed,
        intents.ChangeTitle, intents.AddOverlay,
    ),
}  # fmt: skip
_PLACES = symbol_set("middle halfway part intro outro")


def verbs_fit_objects(clause: Clause, edits: Sequence[Edit], types: set[type[Edit]]) -> bool:
    """Whether each edit, of these types, is one that its verb can do to its object."""
    said = [token for token in clause.tokens if not _BETWEEN.issuperset(token.symbol.split())]
    return (
        not _changes_attribute(said)
        and _types_fit(clause, types)
        and all(_fits(clause, edit, said) for edit in edits)
    )


def _changes_attribute(said: Sequence[LexToken]) -> bool:
    """Whether a verb is directly before something that it cannot change: "rotate the sepia"."""
    for verb, thing in pairwise(said):
        if verb.symbol in _CHANGES and thing.symbol in _ATTRIBUTES:
            return (verb.symbol, thing.symbol) not in _SAME
        # Only the first verb: "a slow zoom, sharpened".
        if verb.kind in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT):
            return False
    return False


def _types_fit(clause: Clause, types: set[type[Edit]]) -> bool:
    """Whether the actions, effects and flaws of the clause can be about edits of these types."""
    words, effect_kind = clause.symbols, TokenKind.EFFECT
    if types <= _EDITS_WITHOUT_EFFECT and any(
        t.kind is effect_kind and "bigger" not in t.symbol for t in clause.tokens
    ):
        return False
    if "flaw" in words and types.isdisjoint(_EDITS_OF_FLAWS):
        return False
    return not any(
        types.isdisjoint(_EDITS_BY_ACTION[word]) for word in words & _EDITS_BY_ACTION.keys()
    )


def _fits(clause: Clause, edit: Edit, said: Sequence[LexToken]) -> bool:
    words = clause.symbols
    if isinstance(edit, intents.ApplyEffect):
        return _effect_fits(clause, edit, said)
    if not words.isdisjoint(_FORBIDDEN_VERBS.get(type(edit), _NO_SYMBOLS)):
        return False
    if isinstance(edit, intents.Slideshow) and edit.total_ms is not None:
        return "at" not in words  # "a slideshow at 0:05" says no length
    if isinstance(edit, intents.Fade):
        return not (_selects_everything(edit.selector) and "part" in words)
    if isinstance(edit, intents.Merge):
        return words.isdisjoint(_PLACES | {"size", "end"})
    if isinstance(edit, _REMOVALS):
        return "add" not in words or "negation" in words  # "add a beat drop"
    if isinstance(edit, intents.Split | intents.AddTitle):
        return not any(token.kind == TokenKind.TRANSITION for token in said)
    return True


def _effect_fits(clause: Clause, edit: intents.ApplyEffect, said: Sequence[LexToken]) -> bool:
    words, effect = clause.symbols, edit.effect
    if "color" in words and isinstance(effect, _EFFECTS_OF_SHAPE):
        return False
    if not isinstance(effect, _EFFECTS_OF_VERBS) and not words.isdisjoint(
        _FORBIDDEN_VERBS[intents.ApplyEffect]
    ):
        return False
    verbs = {word for t in said if t.kind == TokenKind.VERB for word in t.symbol.split()}
    effects = {t.symbol for t in said if t.kind == TokenKind.EFFECT}
    if isinstance(effect, Zoom):
        return True  # "into the middle" is a place of the picture
    if "size" in words:
        return False
    weaker = "lower" in verbs and not effects & _SIGNED
    if weaker and words.isdisjoint((Slot.PERCENT, Slot.NUMBER, Slot.FACTOR)):
        return False  # how strong it is now is not known: "reduce the blur"
    # "Sharpen all the middle" names a place that was not understood.
    return not _selects_everything(edit.selector) or _PLACES.isdisjoint(clause.line.split())


def _selects_everything(selector: intents.Selector) -> bool:
    """Whether it names neither a clip by its number nor a stretch of time."""
    return selector.span is None and selector.number is None
