"""What a user can ask for: the edits, which `nlu` produces and `edits` applies."""

from typing import Literal

import msgspec

from .audio_intents import AddMusic, AudioTarget, DuckMusic, Fade, RemoveMusic, SetVolume
from .clip_intents import (
    KeepSpan,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    RemoveClip,
    RemoveSpan,
    ReverseOrder,
    SetSpeed,
    Slideshow,
    Split,
    SwapClips,
)
from .selectors import (
    SELECT_ALL,
    TIMELINE_START,
    Selector,
    TimelinePoint,
    TimelineSpan,
    first_span,
    last_span,
    span_after,
    span_between,
)
from .title_intents import AddSubtitles, AddTitle, ChangeTitle, Cue, RemoveTitle
from .visual_intents import (
    AddOverlay,
    AddTransition,
    ApplyEffect,
    Compress,
    Generate,
    RemoveEffects,
    RemoveOverlays,
    RemoveTransitions,
    SetAspect,
    SetFit,
    SetFrameRate,
    SetResolution,
)

__all__ = [
    "SELECT_ALL",
    "TIMELINE_START",
    "AddMusic",
    "AddOverlay",
    "AddSubtitles",
    "AddTitle",
    "AddTransition",
    "ApplyEffect",
    "AudioTarget",
    "ChangeTitle",
    "Compress",
    "Cue",
    "DuckMusic",
    "Edit",
    "Fade",
    "Generate",
    "KeepSpan",
    "Loop",
    "Merge",
    "MoveClip",
    "NoEdit",
    "PlaceUploads",
    "Redo",
    "RemoveClip",
    "RemoveEffects",
    "RemoveMusic",
    "RemoveOverlays",
    "RemoveSpan",
    "RemoveTitle",
    "RemoveTransitions",
    "ReverseOrder",
    "Selector",
    "SetAspect",
    "SetFit",
    "SetFrameRate",
    "SetResolution",
    "SetSpeed",
    "SetVolume",
    "Slideshow",
    "Split",
    "StartOver",
    "SwapClips",
    "TimelinePoint",
    "TimelineSpan",
    "Topic",
    "Undo",
    "first_span",
    "last_span",
    "span_after",
    "span_between",
]


class Undo(msgspec.Struct, frozen=True):
    """Undo the edits of the last `steps` turns."""

    steps: int = 1


class Redo(msgspec.Struct, frozen=True):
    """Redo the edits of the last `steps` undone turns."""

    steps: int = 1


class StartOver(msgspec.Struct, frozen=True):
    """Empty the timeline; the uploads stay."""


Edit = (
    PlaceUploads
    | KeepSpan
    | RemoveSpan
    | RemoveClip
    | Split
    | MoveClip
    | SwapClips
    | ReverseOrder
    | Merge
    | Loop
    | Slideshow
    | SetSpeed
    | SetVolume
    | AddMusic
    | DuckMusic
    | RemoveMusic
    | Fade
    | AddTitle
    | ChangeTitle
    | RemoveTitle
    | AddSubtitles
    | SetAspect
    | SetFit
    | SetResolution
    | SetFrameRate
    | ApplyEffect
    | RemoveEffects
    | AddTransition
    | RemoveTransitions
    | AddOverlay
    | RemoveOverlays
    | Compress
    | Generate
    | Undo
    | Redo
    | StartOver
)


Topic = Literal["hello", "how", "declined", "unknown", "export", "credits", "status", "upload"]


class NoEdit(msgspec.Struct, frozen=True):
    """Nothing to edit: only a reply, without charge.

    `topic` selects the reply in `replies`, `about` are the words that were not understood.
    """

    topic: Topic
    about: str = ""
