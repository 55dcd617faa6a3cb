"""Edits of titles and subtitles. Subtitles at the same time are on several tracks."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Segment, Style, Track, TrackType
from nemolocal_contract.effects import Position
from nemolocal_contract.text_effects import TEXT_EFFECTS, text_effect_to_wire

from ..errors import EditRejected
from ..intents import (
    AddSubtitles,
    AddTitle,
    ChangeTitle,
    Cue,
    RemoveTitle,
    Selector,
    TextAnimation,
    TimelineSpan,
    first_span,
)
from ..timeline import (
    PROGRESS_TRACK,
    SUBTITLES_TRACK,
    TIMER_TRACK,
    MediaPool,
    add_segment,
    add_track,
    clamp_fades,
    length_of,
    match_names,
    new_segment_ids,
    resolve_span,
    with_segments,
)

DEFAULT_TITLE_SPAN = first_span(3000)
_DEFAULT_SIZE = 64
_MIN_SIZE, _MAX_SIZE = 8, 400
TITLE_TRACK = "Title"
_replace = msgspec.structs.replace
_TitleIndex = tuple[int, int]
MAX_TEXT_LENGTH = 2000
# More lines would hide the picture.
MAX_CUES_AT_ONCE = 6
_STYLE = Style(size=48, color="white", position="bottom-center")


def add_title(draft: Draft, edit: AddTitle, _: MediaPool) -> Draft:
    """Add a title, on the first title track with room for it."""
    start, end = resolve_span(edit.span or DEFAULT_TITLE_SPAN, length_of(draft))
    segment = Segment(
        id=next(new_segment_ids(draft)),
        start_ms=start,
        duration_ms=end - start,
        text=checked_text(edit.text),
        style=Style(
            color=edit.color or "white",
            position=edit.position or "top-center",
            size=None if edit.size is None else clamp_size(edit.size),
        ),
        effects=_animated(None, edit.animation),
    )
    return add_segment(draft, TrackType.TEXT, TITLE_TRACK, segment)


def clamp_size(size: float) -> int:
    """The nearest size that a title can have."""
    return round(min(max(size, _MIN_SIZE), _MAX_SIZE))


def change_title(draft: Draft, edit: ChangeTitle, _: MediaPool) -> Draft:
    """Change what the edit gives, of the selected titles."""
    if all(value is None for value in msgspec.structs.astuple(edit)[1:]):
        raise EditRejected("what_to_change")
    changed = change_titles(draft, edit.selector, lambda title: _change_text_and_style(title, edit))
    if edit.span is None:
        return changed
    return _move_titles(changed, _find_titles(draft, edit.selector), edit.span)


def _change_text_and_style(title: Segment, edit: ChangeTitle) -> Segment:
    style = title.style or Style()
    size = style.size if edit.size is None else clamp_size(edit.size)
    if edit.grow is not None:
        size = clamp_size((size or _DEFAULT_SIZE) * edit.grow)
    position = edit.position or style.position
    if edit.shift is not None:
        position = _shifted(position or "top-center", edit.shift)
    changed_style = Style(
        extra=style.extra,
        size=size,
        color=edit.color or style.color,
        position=position,
        font=style.font,
    )
    text = title.text if edit.text is None else checked_text(edit.text)
    effects = _animated(title.effects, edit.animation)
    return _replace(title, text=text, style=changed_style, effects=effects)


def _animated(
    effects: tuple[dict[str, Any], ...] | None, animation: TextAnimation | None
) -> tuple[dict[str, Any], ...] | None:
    """The effects of a text with another animation, which replaces the one that it had."""
    if animation is None:
        return effects
    others = [e for e in effects or () if e.get("type") not in [*TEXT_EFFECTS]]
    return (*others, text_effect_to_wire(TEXT_EFFECTS[animation]()))


_ROWS, _COLUMNS = ("top", "center", "bottom"), ("left", "center", "right")
_SHIFTS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def _shifted(position: str, shift: str) -> Position:
    """The next position in this direction; raises `EditRejected` at the edge."""
    row, _, column = position.partition("-")
    down, right = _SHIFTS[shift]
    at = (_ROWS.index(row) + down, _COLUMNS.index(column or "center") + right)
    if not all(0 <= index < 3 for index in at):
        raise EditRejected("at_the_edge")
    moved = f"{_ROWS[at[0]]}-{_COLUMNS[at[1]]}"
    return cast(Position, "center" if moved == "center-center" else moved)


def _move_titles(draft: Draft, indexes: list[_TitleIndex], span: TimelineSpan) -> Draft:
    """Move the titles to another time, on their track if it has room, else on another one."""
    start, end = resolve_span(span, length_of(draft))
    tracks = draft.tracks or ()
    titles = [(tracks[track], (tracks[track].segments or ())[number]) for track, number in indexes]
    for track in {id(track): track for track, _ in titles}.values():
        removed = [title for owner, title in titles if owner is track]
        kept = [s for s in track.segments or () if not any(s is title for title in removed)]
        draft = with_segments(draft, track, kept)
    for track, title in titles:
        moved = clamp_fades(_replace(title, start_ms=start, duration_ms=end - start))
        draft = add_segment(draft, TrackType.TEXT, track.name or TITLE_TRACK, moved)
    return draft


def change_titles(draft: Draft, selector: Selector, change: Callable[[Segment], Segment]) -> Draft:
    """Apply a change to all selected titles; raises `EditRejected` if there is none."""
    tracks = [*(draft.tracks or ())]
    for number, index in _find_titles(draft, selector):
        segments = [*(tracks[number].segments or ())]
        segments[index] = change(segments[index])
        tracks[number] = _replace(tracks[number], segments=tuple(segments))
    return _replace(draft, tracks=tuple(tracks))


def _find_titles(draft: Draft, selector: Selector) -> list[_TitleIndex]:
    """Where the selected titles are: the index of the track and of the segment."""
    titles = sorted(
        (segment.start_ms or 0, number, index)
        for number, track in enumerate(draft.tracks or ())
        if _is_title_track(track)
        for index, segment in enumerate(track.segments or ())
    )
    every = [(number, index) for _, number, index in titles]
    if not every:
        raise EditRejected("no_title")
    found = [
        every[n]
        for n in _match_titles([_title_segment(draft, at) for at in every], selector, draft)
    ]
    if not found:
        names = [_title_segment(draft, at).text or "?" for at in every]
        raise EditRejected("no_such_title", count=len(every), names=names)
    return found


def _title_segment(draft: Draft, at: _TitleIndex) -> Segment:
    return ((draft.tracks or ())[at[0]].segments or ())[at[1]]


def _match_titles(titles: list[Segment], selector: Selector, draft: Draft) -> list[int]:
    indexes = [*range(len(titles))]
    if selector.number is not None:
        index = selector.number - 1 if selector.number > 0 else len(titles) + selector.number
        indexes = [index] if selector.number and index in indexes else []
    elif selector.name is not None:
        indexes = match_names(selector.name, [(title.text or "",) for title in titles])
    if selector.span is not None:
        start, end = resolve_span(selector.span, length_of(draft))
        indexes = [
            n for n in indexes if (titles[n].start_ms or 0) < end and titles[n].end_ms > start
        ]
    return indexes


def _is_title_track(track: Track) -> bool:
    others = (SUBTITLES_TRACK, TIMER_TRACK, PROGRESS_TRACK)
    return track.type == TrackType.TEXT and track.name not in others


def remove_title(draft: Draft, edit: RemoveTitle, _: MediaPool) -> Draft:
    """Remove the selected titles, or the subtitles; also those if there is no title."""
    subtitles = _subtitle_tracks(draft)
    titles = any(track.segments for track in draft.tracks or () if _is_title_track(track))
    if edit.subtitles or (edit.selector == Selector() and not titles and subtitles):
        if not subtitles:
            raise EditRejected("no_subtitles")
        for track in subtitles:
            draft = with_segments(draft, track, [])
        return draft
    removed = set(_find_titles(draft, edit.selector))
    for number, track in enumerate(draft.tracks or ()):
        segments = track.segments or ()
        kept = [s for index, s in enumerate(segments) if (number, index) not in removed]
        if len(kept) < len(segments):
            draft = with_segments(draft, track, kept)
    return draft


class FittedCues(msgspec.Struct):
    """The cues of each track, and how many cues are not shown, by the reason.

    `shortened` cues are shown up to the end of the video.
    """

    tracks: list[list[Cue]]
    past_end: int = 0
    backwards: int = 0
    empty: int = 0
    crowded: int = 0
    shortened: int = 0

    @property
    def shown(self) -> list[Cue]:
        """All cues that are shown."""
        return [cue for track in self.tracks for cue in track]


def fit_cues(cues: Iterable[Cue], total: float) -> FittedCues:
    """Fit the cues into a video of `total` ms; overlapping cues go to different tracks."""
    fitted, end_of_all = FittedCues([]), round(total)
    for cue in sorted(cues, key=lambda cue: cue.start_ms):
        start, end = max(cue.start_ms, 0), min(cue.end_ms, end_of_all)
        if cue.end_ms <= cue.start_ms:
            fitted.backwards += 1
        elif not cue.text.strip():
            fitted.empty += 1
        elif start >= end:
            fitted.past_end += 1
        elif _add_to_free_track(fitted.tracks, Cue(start, end, cue.text)):
            fitted.shortened += end < cue.end_ms
        else:
            fitted.crowded += 1
    return fitted


def _add_to_free_track(tracks: list[list[Cue]], cue: Cue) -> bool:
    free = next((track for track in tracks if track[-1].end_ms <= cue.start_ms), None)
    if free is not None:
        free.append(cue)
    elif len(tracks) < MAX_CUES_AT_ONCE:
        tracks.append([cue])
    else:
        return False
    return True


def add_subtitles(draft: Draft, edit: AddSubtitles, _: MediaPool) -> Draft:
    """Add subtitles; they replace those that were there."""
    total = length_of(draft)
    fitted = fit_cues(edit.cues, total)
    if not fitted.tracks:
        raise _no_cues_error(fitted, total)
    new_ids = new_segment_ids(draft)
    lanes = [[_subtitle_segment(next(new_ids), cue) for cue in track] for track in fitted.tracks]
    old = _subtitle_tracks(draft)
    for track in old[len(lanes) :]:
        draft = with_segments(draft, track, [])
    for index, segments in enumerate(lanes):
        if index < len(old):
            draft = with_segments(draft, old[index], segments)
        else:
            draft = add_track(draft, TrackType.TEXT, SUBTITLES_TRACK, segments)
    return draft


def _subtitle_segment(segment_id: str, cue: Cue) -> Segment:
    return Segment(
        id=segment_id,
        start_ms=cue.start_ms,
        duration_ms=cue.end_ms - cue.start_ms,
        text=checked_text(cue.text),
        style=_STYLE,
    )


def _no_cues_error(fitted: FittedCues, total: float) -> EditRejected:
    if fitted.past_end:
        return EditRejected("cues_past_end", at=format_seconds(total))
    return EditRejected("cues_backwards" if fitted.backwards else "empty_text")


def _subtitle_tracks(draft: Draft) -> list[Track]:
    """The subtitle tracks that are not empty."""
    tracks = draft.of_type(TrackType.TEXT)
    return [track for track in tracks if track.name == SUBTITLES_TRACK and track.segments]


def checked_text(text: str) -> str:
    """Return the text; raises `EditRejected` if it is empty or too long."""
    if not text.strip():
        raise EditRejected("empty_text")
    if len(text) > MAX_TEXT_LENGTH:
        raise EditRejected("long_text", most=MAX_TEXT_LENGTH)
    return text
