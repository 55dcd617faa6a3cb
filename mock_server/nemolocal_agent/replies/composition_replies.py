"""Replies about chroma keys and split screens."""

from nemolocal_contract.describe.labels import COLOR_LABELS, Language, translate_label

from ..intents import KeyOut, SplitScreen
from .clip_replies import in_language

_LAYOUTS = {
    "columns": ("side by side", "左右并排"),
    "rows": ("one above the other", "上下排列"),
    "grid": ("in a grid", "以宫格排列"),
}


def describe_key_out(edit: KeyOut, language: Language) -> str:
    """A chroma key."""
    color = translate_label(COLOR_LABELS, edit.color, language)
    done = in_language(language, f"made {color} areas transparent", f"把{color}部分变为透明")
    if edit.background is None:
        return done
    behind = translate_label(COLOR_LABELS, edit.background, language)
    return in_language(language, f"{done}, over {behind}", f"{done}，背景为{behind}")


def describe_split_screen(edit: SplitScreen, language: Language) -> str:
    """A split screen."""
    layout = in_language(language, *_LAYOUTS[edit.layout])
    return in_language(language, f"placed the clips {layout}", f"让片段{layout}")
