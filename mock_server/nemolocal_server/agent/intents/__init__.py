"""What a user can want: the vocabulary between understanding and editing."""

from typing import Literal

import msgspec

from .cuts import (
    Keep,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    Remove,
    RemoveClip,
    ReverseOrder,
    SetSpeed,
    Slideshow,
    Split,
    SwapClips,
)
from .history import Redo, StartOver, Undo
from .pictures import (
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
from .reach import ALL, START, Moment, Span, Which, after, between, first, last
from .sound import AddMusic, Audible, DuckMusic, Fade, RemoveMusic, SetVolume
from .texts import AddSubtitles, AddTitle, ChangeTitle, Cue, RemoveTitle

__all__ = [
    "ALL",
    "START",
    "AddMusic",
    "AddOverlay",
    "AddSubtitles",
    "AddTitle",
    "AddTransition",
    "ApplyEffect",
    "Audible",
    "ChangeTitle",
    "Compress",
    "Cue",
    "DuckMusic",
    "Edit",
    "Fade",
    "Generate",
    "Keep",
    "Loop",
    "Merge",
    "Moment",
    "MoveClip",
    "PlaceUploads",
    "Redo",
    "Remove",
    "RemoveClip",
    "RemoveEffects",
    "RemoveMusic",
    "RemoveOverlays",
    "RemoveTitle",
    "RemoveTransitions",
    "ReverseOrder",
    "SetAspect",
    "SetFit",
    "SetFrameRate",
    "SetResolution",
    "SetSpeed",
    "SetVolume",
    "Slideshow",
    "Span",
    "Split",
    "StartOver",
    "SwapClips",
    "Talk",
    "Topic",
    "Undo",
    "Which",
    "after",
    "between",
    "first",
    "last",
]

Edit = (
    PlaceUploads
    | Keep
    | Remove
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


class Talk(msgspec.Struct, frozen=True):
    """Nothing to do: answer and charge nothing.

    `topic` names the answer in `speech`, `about` holds the words that were not understood.
    """

    topic: Topic
    about: str = ""
