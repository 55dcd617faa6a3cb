"""Titles and subtitles: texts over the picture."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.draft import Draft, Segment, Style, Track, TrackType

from ..intents import AddTitle, ChangeTitle, RemoveTitle, Span, Which, first
from ..problems import CannotEdit
from ..timeline import (
    SUBTITLES,
    fresh_ids,
    length_of,
    place,
    with_fitting_fades,
    with_segments,
)
from .material import Material
from .selection import matching, resolve
from .subtitles import showable, subtitle_tracks, without_subtitles

TITLE_SPAN = first(3000)
_USUAL_SIZE = 64
_SMALLEST, _LARGEST = 8, 400
_TITLE = "Title"
_replace = msgspec.structs.replace


def add_title(draft: Draft, edit: AddTitle, _: Material) -> Draft:
    """A text over the picture, on the first track of titles with room for it."""
    start, end = resolve(edit.span or TITLE_SPAN, length_of(draft))
    segment = Segment(
        id=next(fresh_ids(draft)),
        start_ms=start,
        duration_ms=end - start,
        text=showable(edit.text),
        style=Style(
            color=edit.color or "white",
            position=edit.position or "top-center",
            size=None if edit.size is None else _possible(edit.size),
        ),
    )
    return place(draft, TrackType.TEXT, _TITLE, segment)


def _possible(size: float) -> int:
    return round(min(max(size, _SMALLEST), _LARGEST))


def change_title(draft: Draft, edit: ChangeTitle, _: Material) -> Draft:
    """The titles that are meant with what is given."""
    if all(value is None for value in msgspec.structs.astuple(edit)[1:]):
        raise CannotEdit("what_to_change")
    changed = change_titles(draft, edit.which, lambda title: _restyled(title, edit))
    if edit.span is None:
        return changed
    return _at_another_time(changed, _places(draft, edit.which), edit.span)


def _restyled(title: Segment, edit: ChangeTitle) -> Segment:
    style = title.style or Style()
    size = style.size if edit.size is None else _possible(edit.size)
    if edit.grow is not None:
        size = _possible((size or _USUAL_SIZE) * edit.grow)
    looks = Style(
        extra=style.extra,
        size=size,
        color=edit.color or style.color,
        position=edit.position or style.position,
        font=style.font,
    )
    text = title.text if edit.text is None else showable(edit.text)
    return _replace(title, text=text, style=looks)


_Place = tuple[int, int]


def _at_another_time(draft: Draft, places: list[_Place], span: Span) -> Draft:
    """The titles at these places at another time: where they are if there is room, else beside."""
    start, end = resolve(span, length_of(draft))
    tracks = draft.tracks or ()
    titles = [(tracks[track], (tracks[track].segments or ())[number]) for track, number in places]
    for track in {id(track): track for track, _ in titles}.values():
        gone = [title for owner, title in titles if owner is track]
        left = [s for s in track.segments or () if not any(s is title for title in gone)]
        draft = with_segments(draft, track, left)
    for track, title in titles:
        moved = with_fitting_fades(_replace(title, start_ms=start, duration_ms=end - start))
        draft = place(draft, TrackType.TEXT, track.name or _TITLE, moved)
    return draft


def change_titles(draft: Draft, which: Which, change: Callable[[Segment], Segment]) -> Draft:
    """The same change of every title that is meant; raises `CannotEdit` where there is none."""
    tracks = [*(draft.tracks or ())]
    for number, place_ in _places(draft, which):
        segments = [*(tracks[number].segments or ())]
        segments[place_] = change(segments[place_])
        tracks[number] = _replace(tracks[number], segments=tuple(segments))
    return _replace(draft, tracks=tuple(tracks))


def _places(draft: Draft, which: Which) -> list[_Place]:
    """Where the titles that are meant stand: number of the track, number of the segment."""
    titles = sorted(
        (segment.start_ms or 0, number, place_)
        for number, track in enumerate(draft.tracks or ())
        if _is_title_track(track)
        for place_, segment in enumerate(track.segments or ())
    )
    every = [(number, place_) for _, number, place_ in titles]
    if not every:
        raise CannotEdit("no_title")
    found = [every[n] for n in _meant([_segment(draft, at) for at in every], which, draft)]
    if not found:
        names = [_segment(draft, at).text or "?" for at in every]
        raise CannotEdit("no_such_title", count=len(every), names=names)
    return found


def _segment(draft: Draft, at: _Place) -> Segment:
    return ((draft.tracks or ())[at[0]].segments or ())[at[1]]


def _meant(titles: list[Segment], which: Which, draft: Draft) -> list[int]:
    places = [*range(len(titles))]
    if which.number is not None:
        place_ = which.number - 1 if which.number > 0 else len(titles) + which.number
        places = [place_] if which.number and place_ in places else []
    elif which.name is not None:
        places = matching(which.name, [(title.text or "",) for title in titles])
    if which.span is not None:
        start, end = resolve(which.span, length_of(draft))
        places = [n for n in places if (titles[n].start_ms or 0) < end and titles[n].end_ms > start]
    return places


def _is_title_track(track: Track) -> bool:
    return track.type == TrackType.TEXT and track.name != SUBTITLES


def remove_title(draft: Draft, edit: RemoveTitle, _: Material) -> Draft:
    """Without the titles that are meant, or without subtitles; those where no title is left."""
    subtitles = subtitle_tracks(draft)
    titles = any(track.segments for track in draft.tracks or () if _is_title_track(track))
    if edit.subtitles or (edit.which == Which() and not titles and subtitles):
        if not subtitles:
            raise CannotEdit("no_subtitles")
        return without_subtitles(draft)
    gone = set(_places(draft, edit.which))
    for number, track in enumerate(draft.tracks or ()):
        segments = track.segments or ()
        left = [s for place_, s in enumerate(segments) if (number, place_) not in gone]
        if len(left) < len(segments):
            draft = with_segments(draft, track, left)
    return draft
