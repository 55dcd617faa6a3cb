"""Merges the edits of clauses that say the same thing twice, or one thing in two clauses."""

import msgspec

from ..intents import (
    TIMELINE_END,
    TIMELINE_START,
    AddCaptions,
    AddMusic,
    AddSubtitleFile,
    AddSubtitles,
    AddTransition,
    DuckMusic,
    Edit,
    Fade,
    KeepHighlights,
    KeepSpan,
    RemoveTransitions,
    SetAspect,
    SetFit,
    Slideshow,
    StartOver,
    TimelineSpan,
)
from .lexer.tokens import COMMA
from .segmentation import RawClause

_IDEMPOTENT_EDITS: tuple[list[Edit], ...] = (
    [RemoveTransitions()],
    [StartOver()],
    [AddCaptions()],
    [KeepHighlights()],
)


def merge_redundant(edits: list[Edit], says_each: bool) -> list[Edit]:
    """Merge new music with its ducking, a transition with its type, and a repeated fit.

    Captions whose words follow as SRT are those subtitles.
    """
    if len(edits) == 1:
        return edits
    found: list[Edit] = []
    if any(isinstance(edit, AddSubtitles) for edit in edits):
        edits = [edit for edit in edits if not isinstance(edit, AddCaptions | AddSubtitleFile)]
    for edit in edits:
        if isinstance(edit, DuckMusic) and found and isinstance(found[-1], AddMusic):
            found[-1] = msgspec.structs.replace(found[-1], duck=True)
        elif isinstance(edit, AddTransition) and found and _is_transition_detail(found[-1], edit):
            found[-1] = msgspec.structs.replace(found[-1], type=edit.type)
        elif isinstance(edit, Slideshow) and found and isinstance(found[-1], Slideshow):
            found[-1] = edit
        elif says_each and isinstance(edit, Fade) and found and isinstance(found[-1], Fade):
            if found[-1].duration_ms is None:
                found[-1] = msgspec.structs.replace(found[-1], duration_ms=edit.duration_ms)
            found.append(edit)
        elif not (isinstance(edit, SetFit) and found[-1:] == [edit]):
            found.append(edit)
    return found


def _is_transition_detail(before: Edit, edit: AddTransition) -> bool:
    """Whether the type of a transition follows its length: 转场时长2秒，用叠化."""
    if not isinstance(before, AddTransition) or edit.duration_ms is not None:
        return False
    return before.duration_ms is not None and before.selector == edit.selector


def is_already_removed(before: list[Edit], found: list[Edit]) -> bool:
    """Whether it keeps what the last edit removed: "keep 2 to 4 s and 8 to 10 s"."""
    if not before or not isinstance(found[0], KeepSpan) or not isinstance(before[-1], KeepSpan):
        return False
    last, span = before[-1].span, found[0].span
    absolute = all(
        point.share is None and not point.before_end for point in (last.start, last.end, span.start)
    )
    same = before[-1].selector == found[0].selector
    return absolute and same and span.start.ms >= max(last.end.ms - last.start.ms, 1)


def merge_with_previous(before: list[Edit], found: list[Edit], clause: RawClause) -> list[Edit]:
    """The edits of a clause that follows others, without repetitions.

    "Start at 3 s and end at 13 s" changes the last edit in `before`: both times refer to the
    current timeline, not to what the first edit leaves.
    """
    if clause.separator not in (COMMA, "and") or not before:
        return found
    if found in _IDEMPOTENT_EDITS and before[-1:] == found:
        return []
    last, edit = before[-1], found[0]
    if isinstance(last, SetAspect) and isinstance(edit, SetAspect):
        before[-1] = msgspec.structs.replace(edit, fit=edit.fit or last.fit)
        return found[1:]
    if (
        isinstance(last, KeepSpan)
        and isinstance(edit, KeepSpan)
        and clause.symbols & {"end", "stop", "until"}
        and (last.selector, last.span.end, edit.span.start)
        == (edit.selector, TIMELINE_END, TIMELINE_START)
        and last.span.start.ms < edit.span.end.ms
    ):
        before[-1] = KeepSpan(TimelineSpan(last.span.start, edit.span.end), last.selector)
        return found[1:]
    return found
