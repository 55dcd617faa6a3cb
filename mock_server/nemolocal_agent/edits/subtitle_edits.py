"""Edits of subtitles. Subtitles at the same time lie on several tracks."""

from collections.abc import Iterable

import msgspec

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Segment, Style, Track, TrackType

from ..errors import EditRejected
from ..intents import AddSubtitles, Cue
from ..timeline import SUBTITLES_TRACK, add_track, length_of, new_segment_ids, with_segments
from .media_pool import MediaPool

MAX_TEXT_LENGTH = 2000
# More lines would hide the picture.
MAX_CUES_AT_ONCE = 6
_STYLE = Style(size=48, color="white", position="bottom-center")


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
    old = subtitle_tracks(draft)
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


def subtitle_tracks(draft: Draft) -> list[Track]:
    """The subtitle tracks that are not empty."""
    tracks = draft.of_type(TrackType.TEXT)
    return [track for track in tracks if track.name == SUBTITLES_TRACK and track.segments]


def remove_subtitles(draft: Draft) -> Draft:
    """Remove all subtitles."""
    for track in subtitle_tracks(draft):
        draft = with_segments(draft, track, [])
    return draft


def checked_text(text: str) -> str:
    """Return the text; raises `EditRejected` if it is empty or too long."""
    if not text.strip():
        raise EditRejected("empty_text")
    if len(text) > MAX_TEXT_LENGTH:
        raise EditRejected("long_text", most=MAX_TEXT_LENGTH)
    return text
