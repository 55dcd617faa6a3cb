"""Subtitles: on tracks of their own, as many as are seen at once."""

from collections.abc import Iterable

import msgspec

from nemolocal_contract.draft import Draft, Segment, Style, Track, TrackType
from nemolocal_contract.summary import seconds

from ..intents import AddSubtitles, Cue
from ..problems import CannotEdit
from ..timeline import SUBTITLES, add_track, fresh_ids, length_of, with_segments
from .material import Material

MOST_CHARACTERS = 2000
# More lines than this hide the picture.
MOST_AT_ONCE = 6
_STYLE = Style(size=48, color="white", position="bottom-center")


class Fitted(msgspec.Struct):
    """Cues within a video: those of each track, and how many are not shown, by the reason.

    `shortened` are shown until the video ends.
    """

    tracks: list[list[Cue]]
    past_end: int = 0
    backwards: int = 0
    empty: int = 0
    crowded: int = 0
    shortened: int = 0

    @property
    def shown(self) -> list[Cue]:
        """All that are shown."""
        return [cue for track in self.tracks for cue in track]


def fit_cues(cues: Iterable[Cue], total: float) -> Fitted:
    """The cues within a video of so many milliseconds; those at the same time lie side by side."""
    fitted, end_of_all = Fitted([]), round(total)
    for cue in sorted(cues, key=lambda cue: cue.start_ms):
        start, end = max(cue.start_ms, 0), min(cue.end_ms, end_of_all)
        if cue.end_ms <= cue.start_ms:
            fitted.backwards += 1
        elif not cue.text.strip():
            fitted.empty += 1
        elif start >= end:
            fitted.past_end += 1
        elif _place(fitted.tracks, Cue(start, end, cue.text)):
            fitted.shortened += end < cue.end_ms
        else:
            fitted.crowded += 1
    return fitted


def _place(tracks: list[list[Cue]], cue: Cue) -> bool:
    free = next((track for track in tracks if track[-1].end_ms <= cue.start_ms), None)
    if free is not None:
        free.append(cue)
    elif len(tracks) < MOST_AT_ONCE:
        tracks.append([cue])
    else:
        return False
    return True


def add_subtitles(draft: Draft, edit: AddSubtitles, _: Material) -> Draft:
    """Subtitles on tracks of their own, in place of those that were there."""
    total = length_of(draft)
    fitted = fit_cues(edit.cues, total)
    if not fitted.tracks:
        raise _nothing_shown(fitted, total)
    names = fresh_ids(draft)
    lanes = [[_segment(next(names), cue) for cue in track] for track in fitted.tracks]
    old = subtitle_tracks(draft)
    for track in old[len(lanes) :]:
        draft = with_segments(draft, track, [])
    for place, segments in enumerate(lanes):
        if place < len(old):
            draft = with_segments(draft, old[place], segments)
        else:
            draft = add_track(draft, TrackType.TEXT, SUBTITLES, segments)
    return draft


def _segment(name: str, cue: Cue) -> Segment:
    return Segment(
        id=name,
        start_ms=cue.start_ms,
        duration_ms=cue.end_ms - cue.start_ms,
        text=showable(cue.text),
        style=_STYLE,
    )


def _nothing_shown(fitted: Fitted, total: float) -> CannotEdit:
    if fitted.past_end:
        return CannotEdit("cues_past_end", at=seconds(total))
    return CannotEdit("cues_backwards" if fitted.backwards else "empty_text")


def subtitle_tracks(draft: Draft) -> list[Track]:
    """The tracks of subtitles that have any."""
    tracks = draft.of_type(TrackType.TEXT)
    return [track for track in tracks if track.name == SUBTITLES and track.segments]


def without_subtitles(draft: Draft) -> Draft:
    """The draft without any."""
    for track in subtitle_tracks(draft):
        draft = with_segments(draft, track, [])
    return draft


def showable(text: str) -> str:
    """The text, where it can be shown; raises `CannotEdit`."""
    if not text.strip():
        raise CannotEdit("empty_text")
    if len(text) > MOST_CHARACTERS:
        raise CannotEdit("long_text", most=MOST_CHARACTERS)
    return text
