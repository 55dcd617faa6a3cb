"""Whether the verb of a clause can be done to its object: nobody rotates a saturation.

A clause whose verb and object do not go together makes no edit, though each of them alone has one.
"""

from collections.abc import Sequence
from itertools import pairwise

from nemolocal_contract.effects import Zoom

from .. import intents
from ..intents import Edit
from .extractors.clause import Clause
from .lexer.tokens import LexToken, Slot, TokenKind, symbol_set

_NOTHING = symbol_set("")
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
# Removals for sounds, titles and effects; a film that is stopped or hidden is still there.
_NO_REMOVAL_OF_MATERIAL = frozenset(
    "stop|undo|revert|hide|turn off|switch off|停掉|停了|撤销|撤下|关掉|关闭|关了|关上|隐藏".split(
        "|"
    )
)
_MATERIAL = (intents.RemoveClip, intents.RemoveSpan, intents.KeepSpan, intents.StartOver)
_REMOVALS = (
    intents.RemoveMusic, intents.RemoveTitle, intents.RemoveTransitions, intents.RemoveOverlays,
    intents.RemoveEffects, intents.RemoveAudioEffects, intents.RemoveSounds,
)  # fmt: skip
_BETWEEN = symbol_set("all")
# The verbs that an edit cannot come of, whatever its object.
_WRONG_VERBS: dict[type, frozenset[str]] = {
    intents.Slideshow: symbol_set(
        "remove trim cut keep swap loop split lower raise stop undo redo normal"
    ),
    intents.SetFit: symbol_set("split swap loop merge lower raise play stop undo redo"),
    intents.ChangeTitle: symbol_set("reverse normal"),
    intents.AddTransition: symbol_set("reverse normal undo move"),
    intents.ApplyEffect: symbol_set("replace"),
}
_PLACES = symbol_set("middle halfway part intro outro")


def verbs_fit_objects(clause: Clause, edits: Sequence[Edit]) -> bool:
    """Whether each edit is one that its verb can do to its object."""
    said = [token for token in clause.tokens if not _BETWEEN.issuperset(token.symbol.split())]
    return not _changes_attribute(said) and all(_fits(clause, edit, said) for edit in edits)


def _changes_attribute(said: Sequence[LexToken]) -> bool:
    """Whether a verb is directly before something that it cannot change: "rotate the sepia"."""
    for verb, thing in pairwise(said):
        if verb.symbol in _CHANGES and thing.symbol in _ATTRIBUTES:
            return (verb.symbol, thing.symbol) not in _SAME
        # Only the first verb: "a slow zoom, sharpened".
        if verb.kind in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT):
            return False
    return False


def _fits(clause: Clause, edit: Edit, said: Sequence[LexToken]) -> bool:
    words = clause.symbols
    if not words.isdisjoint(_WRONG_VERBS.get(type(edit), _NOTHING)):
        return False
    if isinstance(edit, _MATERIAL):
        return not _takes_by_other_verb(clause)
    if isinstance(edit, intents.ApplyEffect):
        return _effect_fits(clause, edit, said)
    if isinstance(edit, intents.Slideshow) and edit.total_ms is not None:
        return "at" not in words  # "a slideshow at 0:05" says no length
    if isinstance(edit, intents.Fade):
        return not (_is_whole(edit.selector) and "part" in words)
    if isinstance(edit, intents.Merge):
        return words.isdisjoint(_PLACES | {"size", "end"})
    if isinstance(edit, _REMOVALS):
        return "add" not in words or "negation" in words  # "add a beat drop"
    if isinstance(edit, intents.Split | intents.AddTitle):
        return not any(token.kind == TokenKind.TRANSITION for token in said)
    return True


def _takes_by_other_verb(clause: Clause) -> bool:
    """Whether material would go by a verb that takes none away: "stop all the clips"."""
    return any(
        token.symbol == "remove"
        and clause.original[token.start : token.end].lower() in _NO_REMOVAL_OF_MATERIAL
        for token in clause.tokens
    )


def _effect_fits(clause: Clause, edit: intents.ApplyEffect, said: Sequence[LexToken]) -> bool:
    words = clause.symbols
    verbs = {word for t in said if t.kind == TokenKind.VERB for word in t.symbol.split()}
    effects = {t.symbol for t in said if t.kind == TokenKind.EFFECT}
    if isinstance(edit.effect, Zoom):
        return True  # "into the middle" is a place of the picture
    if "size" in words:
        return False
    weaker = "lower" in verbs and not effects & _SIGNED
    if weaker and words.isdisjoint((Slot.PERCENT, Slot.NUMBER, Slot.FACTOR)):
        return False  # how strong it is now is not known: "reduce the blur"
    # "Sharpen all the middle" names a place that was not understood.
    return not _is_whole(edit.selector) or _PLACES.isdisjoint(clause.line.split())


def _is_whole(selector: intents.Selector) -> bool:
    return selector.span is None and selector.number is None
