"""Extractors of what shows several clips at once: chroma keys and split screens."""

from typing import Literal, cast

from nemolocal_contract.effect_presets import PRESET_COLORS, PresetColor

from ...intents import Edit, KeyOut, SplitScreen
from ..lexer.tokens import Slot
from .clause import Clause


def extract_key_out(clause: Clause) -> list[Edit] | None:
    """Key a screen out: "replace the green screen with beach.mp4"."""
    if clause.has_any("after", "before"):
        return None  # a screen that is not there cannot be put behind somebody
    key: Literal["green", "blue"] = "blue" if clause.has_any("bluescreen") else "green"
    colors = [color for color in clause.values(Slot.COLOR) if color != key]
    if any(color not in PRESET_COLORS for color in colors):
        return None
    background = cast(PresetColor, colors[-1]) if colors else None
    return [KeyOut(key, background, clause.first_value(Slot.FILE_NAME))]


def extract_split_screen(clause: Clause) -> list[Edit] | None:
    """Show clips at once: "put them side by side"."""
    if clause.has_any("remove", "undo", "restart", "cancel", "stop", "without"):
        return None
    layout: Literal["columns", "rows", "grid"] = "columns"
    if clause.has_any("grid"):
        layout = "grid"
    elif clause.has_any("rows"):
        layout = "rows"
    return [SplitScreen(layout, clause.first_value(Slot.FILE_NAME))]
