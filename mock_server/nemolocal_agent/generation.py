"""Generation has two stages: first the requested clip, then music and a title (SSE-8)."""

from .intents import AddMusic, AddTitle, Edit, Generate, first_span
from .undo_history import is_undo_or_redo

_MOODS = {
    "sunset": "calm",
    "ocean": "ambient",
    "city": "upbeat",
    "forest": "calm",
    "night": "lofi",
    "snow": "calm",
    "fire": "epic",
    "space": "cinematic",
}
_DEFAULT_MOOD = "lofi"
_MUSIC_VOLUME = 0.35
_TITLE_SPAN = first_span(3000)
_MAX_TITLE_LENGTH = 80


def is_generation(edit: Edit) -> bool:
    """Whether the edit generates a clip."""
    return isinstance(edit, Generate)


def is_editing(edit: Edit) -> bool:
    """Whether the edit is charged as editing: a generated clip has its own price, undo is free."""
    return not is_generation(edit) and not is_undo_or_redo(edit)


def split_stages(edits: tuple[Edit, ...]) -> tuple[tuple[Edit, ...], ...]:
    """The requested edits, and those that the backend adds by itself after generating a clip."""
    clip = next((edit for edit in edits if isinstance(edit, Generate)), None)
    if clip is None:
        return (edits,)
    added: list[Edit] = []
    if not any(isinstance(edit, AddMusic) for edit in edits):
        added.append(AddMusic(_MOODS.get(clip.scene, _DEFAULT_MOOD), _MUSIC_VOLUME))
    if not any(isinstance(edit, AddTitle) for edit in edits) and clip.prompt.strip():
        added.append(AddTitle(clip.prompt.title()[:_MAX_TITLE_LENGTH], _TITLE_SPAN))
    return edits, tuple(added)
