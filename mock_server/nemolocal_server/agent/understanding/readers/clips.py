"""Commands about whole clips: their order, merging, and what is put on the timeline."""

import re

from ...intents import (
    ALL,
    AddMusic,
    Edit,
    Merge,
    MoveClip,
    PlaceUploads,
    RemoveClip,
    ReverseOrder,
    SwapClips,
    Which,
)
from .clause import Clause
from .selection import read_clips


def read_swap(clause: Clause) -> list[Edit] | None:
    """Exchange two clips."""
    which = read_clips(clause, bare=True)
    if len(which) < 2:
        numbers = re.findall(r" (N\d+)(?= )", clause.line)
        which += [Which(number=int(clause.value(slot))) for slot in numbers]
    return [SwapClips(which[0], which[1])] if len(which) == 2 else None


def read_order(clause: Clause) -> list[Edit] | None:
    """The clips in the opposite order."""
    if not clause.has("order") and (not clause.has("clip") or read_clips(clause)):
        return None  # one clip, or all as one, is played backwards
    turned = clause.has("reverse", "backwards", "flip", "upsidedown")
    return [ReverseOrder()] if turned and not clause.has("C", "T") else None


_NTH = r"(?:hash )?(?P<nth>[NO]\d+)"
_SPOT = r"(?: (?:position|it|clip|photo|last))*(?= )"
_PLACES = [
    (where, re.compile(pattern))
    for where, pattern in [
        ("before", rf" before (?:clip |photo )?{_NTH}{_SPOT}"),
        ("after", rf" after (?:clip |photo )?{_NTH}{_SPOT}"),
        ("start", rf" before first{_SPOT}"),
        ("end", rf" after last{_SPOT}"),
        ("start", r" (?:to |at |in |on )?start(?= )"),
        ("end", r" (?:to |at |in |on )?(?:end|back)(?= )"),
        ("start", rf" (?:to|at|in|as|be) (?:first|top){_SPOT}"),
        ("end", rf" (?:to|at|in|as|be) last{_SPOT}"),
        ("nth", rf" (?:to|at|in|as|be) (?:position )?{_NTH}{_SPOT}"),
        ("nth", rf" position {_NTH}(?= )"),
        ("start", r" first(?: ~| it| clip)* $"),
        ("end", r" last(?: ~| it| clip)* $"),
    ]
]


def read_move(clause: Clause) -> list[Edit] | None:
    """A clip to another place in the order."""
    for where, pattern in _PLACES:
        if match := pattern.search(clause.line):
            nth = int(clause.value(match["nth"])) if where in ("nth", "before", "after") else 0
            clause.without(*match.span())
            which = read_clips(clause, bare=True)
            return [MoveClip(which[0], _goal(where, nth, which[0]))] if len(which) == 1 else None
    return None


def _goal(where: str, nth: int, which: Which) -> int:
    """The place to go to; a clip that leaves an earlier one lets those behind it move up."""
    if where in ("start", "end"):
        return 1 if where == "start" else -1
    moves_up = where != "nth" and which.number is not None and 0 < which.number < nth
    return nth + (where == "after") - moves_up


def read_merge(clause: Clause) -> list[Edit] | None:
    """All clips in one row."""
    return [Merge()] if not clause.has("X", "H") else None


def read_remove_clip(clause: Clause) -> list[Edit] | None:
    """Take clips away."""
    which = read_clips(clause)
    return [RemoveClip(one) for one in which] if which else None


_ELSEWHERE = ("N", "O", "T", "P", "K", "F", "D", "A", "first", "last", "position", "order")


def read_place(clause: Clause) -> list[Edit] | None:
    """Put uploads on the timeline, all or the ones named."""
    if any(token.kind == "talk" for token in clause.tokens):
        return None
    made = clause.has("generate") and not clause.has("from", "out", "with", "upload")
    if made or not clause.has("video", "clip", "photo", "upload", "W") or clause.has(*_ELSEWHERE):
        return None
    which = [one for one in read_clips(clause) if one.name is not None]
    return [_placed(one) for one in which or [ALL]]


def _placed(which: Which) -> Edit:
    """An upload on the timeline; a sound goes under it, as its music."""
    if which.name and which.name.lower().endswith((".mp3", ".wav", ".m4a", ".aac")):
        return AddMusic(name=which.name)
    return PlaceUploads(which)
