"""Titles and subtitles: texts over the picture."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.draft import Draft, Segment, Style, Track, TrackType
from nemolocal_contract.summary import seconds

from ..intents import AddSubtitles, AddTitle, ChangeTitle, Cue, RemoveTitle, Span, Which, first
from ..problems import CannotEdit
from ..timeline import (
    SUBTITLES,
    add_track,
    fresh_ids,
    length_of,
    place,
    with_fitting_fades,
    with_segments,
)
from .material import Material
from .selection import matching, resolve

TITLE_SPAN = first(3000)
MOST_CHARACTERS = 2000
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
        text=_showable(edit.text),
        style=Style(
            color=edit.color or "white",
            position=edit.position or "top-center",
            size=None if edit.size is None else _possible(edit.size),
        ),
    )
    return place(draft, TrackType.TEXT, _TITLE, segment)


def _showable(text: str) -> str:
    if not text.strip():
        raise CannotEdit("empty_text")
    if len(text) > MOST_CHARACTERS:
        raise CannotEdit("long_text", most=MOST_CHARACTERS)
    return text


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
    text = title.text if edit.text is None else _showable(edit.text)
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


def _subtitles(draft: Draft) -> Track | None:
    tracks = draft.of_type(TrackType.TEXT)
    return next((track for track in tracks if track.name == SUBTITLES and track.segments), None)


def remove_title(draft: Draft, edit: RemoveTitle, _: Material) -> Draft:
    """Without the titles that are meant, or without subtitles; those where no title is left."""
    subtitles = _subtitles(draft)
    titles = any(track.segments for track in draft.tracks or () if _is_title_track(track))
    if edit.subtitles or (edit.which == Which() and not titles and subtitles is not None):
        if subtitles is None:
            raise CannotEdit("no_subtitles")
        return with_segments(draft, subtitles, [])
    gone = set(_places(draft, edit.which))
    for number, track in enumerate(draft.tracks or ()):
        segments = track.segments or ()
        left = [s for place_, s in enumerate(segments) if (number, place_) not in gone]
        if len(left) < len(segments):
            draft = with_segments(draft, track, left)
    return draft


def add_subtitles(draft: Draft, edit: AddSubtitles, _: Material) -> Draft:
    """Subtitles on a track of their own, in place of those that were there."""
    total = length_of(draft)
    cues = _one_after_another([cue for cue in edit.cues if cue.text.strip()], round(total))
    if not cues:
        raise CannotEdit("cues_past_end" if edit.cues else "empty_text", at=seconds(total))
    names = fresh_ids(draft)
    style = Style(size=48, color="white", position="bottom-center")
    segments = [
        Segment(
            id=next(names),
            start_ms=cue.start_ms,
            duration_ms=cue.end_ms - cue.start_ms,
            text=_showable(cue.text),
            style=style,
        )
        for cue in cues
    ]
    old = _subtitles(draft)
    if old is None:
        return add_track(draft, TrackType.TEXT, SUBTITLES, segments)
    return with_segments(draft, old, segments)


def _one_after_another(cues: list[Cue], total: int) -> list[Cue]:
    """In order of time and within the video; each ends where the next begins, at the latest.

    What is said from the same moment on is said together.
    """
    told: list[Cue] = []
    for cue in sorted(cues, key=lambda cue: cue.start_ms):
        start, end = max(cue.start_ms, 0), min(cue.end_ms, total)
        if start >= end:
            continue
        before = told[-1] if told else None
        if before is not None and before.start_ms == start:
            told[-1] = Cue(start, max(end, before.end_ms), f"{before.text}\n{cue.text}")
            continue
        if before is not None and before.end_ms > start:
            told[-1] = Cue(before.start_ms, start, before.text)
        told.append(Cue(start, end, cue.text))
    return told
