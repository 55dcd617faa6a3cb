"""Extractors of cards: intros, outros, text cards and credits."""

import re
from typing import Literal, cast

from nemolocal_contract.effect_presets import PRESET_COLORS, PresetColor

from ...intents import SELECT_ALL, AddCard, Edit, Selector, TimelinePoint
from ..lexer.tokens import Slot, slot_pattern, symbol_set
from .clause import Clause
from .structure_extractors import PLAIN, insertion_place, knows_all, only_time

_Role = Literal["intro", "outro", "card", "credits"]
_ROLES: dict[str, _Role] = {
    "creditsroll": "credits", "intro": "intro", "outro": "outro", "card": "card", "gap": "card",
}  # fmt: skip
_KNOWN = (
    "title says called intro outro card creditsroll gap start end after before first last clip "
    "hash frame from later earlier when top"
)
_THANKS = {False: "Thanks for watching", True: "感谢观看"}
_EXISTING = re.compile(r"(?:\bthe|\bmy|\bthis|\bits|把|将)\s*$", re.IGNORECASE)
_PLACES = symbol_set("start end after before clip", Slot.NUMBER, Slot.ORDINAL, Slot.FILE_NAME)
# "Ada Lovelace, Grace Hopper": a line each.
_LIST = re.compile(r"\s*[,;，；、]\s*")
_COLOR = re.compile(rf" {slot_pattern(Slot.COLOR)}(?= )")


def extract_card(clause: Clause) -> list[Edit] | None:
    """Insert a card: "add an intro saying Welcome", "a blue card with 'Part 2' after clip 1"."""
    slots = (Slot.QUOTED_TEXT, Slot.TIME, Slot.COLOR, Slot.NUMBER, Slot.ORDINAL, Slot.FILE_NAME)
    if not knows_all(clause, _KNOWN, *slots) or clause.has_any("give"):
        return None
    role = next(_ROLES[word] for word in _ROLES if word in clause.symbols)
    texts = [str(text) for text in clause.values(Slot.QUOTED_TEXT)]
    if len(texts) > 1 or not _is_new(clause) or (role in ("card", "credits") and not texts):
        return None
    colors = clause.values(Slot.COLOR)
    if len(colors) > 1 or any(color not in PRESET_COLORS for color in colors):
        return None
    clause.line = _COLOR.sub("", clause.line)
    place = _place(clause, role)
    length = only_time(clause)
    if length is None or place is None:
        return None
    text = texts[0] if texts else _THANKS[_is_chinese(clause)] if role == "outro" else ""
    if role == "credits":
        text = _LIST.sub("\n", text)
    color = cast(PresetColor, colors[0]) if colors else AddCard().color
    return [AddCard(text, role, length or None, color, *place)]


def _place(clause: Clause, role: _Role) -> tuple[TimelinePoint | None, Selector] | None:
    """Where the card stands; an intro and an outro need no words for it."""
    if clause.symbols.isdisjoint(_PLACES) and " at " not in clause.line:
        return None, SELECT_ALL
    if role == "intro" and " end " not in clause.line and "clip" not in clause.symbols:
        return None, SELECT_ALL
    if role in ("outro", "credits") and "clip" not in clause.symbols:
        return None if " start " in clause.line else (None, SELECT_ALL)
    return insertion_place(clause)


def _is_new(clause: Clause) -> bool:
    """Whether a card is made, not one that is there meant: "the intro"."""
    named = next(t for t in clause.tokens if _ROLES.keys() & set(t.symbol.split()))
    if _EXISTING.search(clause.original[: named.start]):
        return False
    adds = clause.has_any("add", "generate", "set")
    return adds or clause.has_any("creditsroll", Slot.QUOTED_TEXT) or _is_alone(clause)


def _is_alone(clause: Clause) -> bool:
    return clause.has_any("intro", "outro") and clause.symbols <= PLAIN | _ROLES.keys()


def _is_chinese(clause: Clause) -> bool:
    return not clause.original.isascii() and not any(
        letter.isascii() and letter.isalpha() for letter in clause.original
    )
