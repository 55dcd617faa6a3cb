"""Edits: an intent and a draft give a new draft. Pure; no time is negative, nothing overlaps.

Times are milliseconds. Fields that no edit knows are carried along (STA-4).
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePath

import msgspec

from nemolocal_contract.draft import Draft, Metadata, Segment, Style, Track, TrackType
from nemolocal_contract.media import MediaKind
from nemolocal_contract.summary import seconds

from .intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    Keep,
    PlaceUploads,
    Remove,
    SetVolume,
    Span,
    first,
)
from .timeline import (
    add_segments,
    apart,
    each_track,
    end_of,
    next_number,
    retimed,
    window,
    with_track,
)

STILL_MS = 5000
TITLE_SPAN = first(3000)
MUSIC_TITLES = {
    "lofi": "Lo-fi",
    "upbeat": "Upbeat",
    "calm": "Calm",
    "ambient": "Ambient",
    "cinematic": "Cinematic",
    "happy": "Happy",
    "sad": "Sad",
    "epic": "Epic",
}
LONGEST_MUSIC_MS = 3_600_000
_MUSIC_TRACK = "BGM"
_replace = msgspec.structs.replace


class Media(msgspec.Struct, frozen=True):
    """What an edit needs to know of an uploaded file."""

    id: str
    filename: str
    kind: MediaKind
    duration_ms: int


class CannotEdit(Exception):
    """The draft or the media do not allow it; the message tells the user what is missing."""


def apply_edits(
    edits: Iterable[Edit], draft: Draft, uploads: list[Media], made: Mapping[Edit, str]
) -> Draft:
    """The draft after the edits, in order; raises `CannotEdit`, and then nothing has changed.

    `made` gives the asset id of what was generated for an edit: its music, its clip. An edit of a
    timeline without video puts the uploads on it first: "upload, then compress" is how the
    documents describe it (S0:56).
    """
    for edit in edits:
        bare = not draft.of_type(TrackType.VIDEO) and not isinstance(edit, Generate)
        if isinstance(edit, PlaceUploads) or bare:
            draft = _place_uploads(draft, uploads)
        draft = retimed(_apply(edit, draft, made))
    return draft


def _apply(edit: Edit, draft: Draft, made: Mapping[Edit, str]) -> Draft:
    match edit:
        case Generate():
            return _add_generated(draft, edit, made[edit])
        case PlaceUploads():
            return draft
        case Keep(span):
            return _keep(draft, span)
        case Remove(span):
            return _remove(draft, span)
        case AddTitle():
            return _add_title(draft, edit)
        case AddMusic(mood, volume):
            return _add_music(draft, mood or "calm", volume or 0.35, made[edit])
        case SetVolume(volume) if volume is not None:
            return _set_music_volume(draft, volume)
        case Compress(mode):
            metadata = draft.metadata or Metadata()
            return _replace(draft, metadata=_replace(metadata, compression={"mode": mode}))
        case _:
            raise CannotEdit("that is not possible yet")


def _place_uploads(draft: Draft, uploads: list[Media]) -> Draft:
    """The videos and pictures that are not on the timeline yet, appended in upload order."""
    placed = {s.source for track in draft.tracks or () for s in track.segments or ()}
    visible = [media for media in uploads if media.kind != "audio"]
    fresh = [media for media in visible if media.id not in placed]
    if not fresh and visible:
        raise CannotEdit("everything that was uploaded is on the timeline already")
    if not fresh:
        raise CannotEdit("there is no video to work on yet: upload one first")
    lanes = draft.of_type(TrackType.VIDEO)
    segments: list[Segment] = []
    for number, media in enumerate(fresh, next_number(draft)):
        at = segments[-1].end_ms if segments else end_of(lanes)
        segments.append(_clip(f"seg_{number}", media, at))
    lane = lanes[0] if lanes else None
    return retimed(add_segments(draft, TrackType.VIDEO, "Video", lane, segments))


def _clip(segment_id: str, media: Media, at: float) -> Segment:
    return Segment(
        id=segment_id,
        start_ms=at,
        duration_ms=STILL_MS if media.kind == "image" else media.duration_ms,
        source=media.id,
        source_start_ms=0,
        metadata={"title": PurePath(media.filename).stem},
    )


def _add_generated(draft: Draft, wanted: Generate, asset_id: str) -> Draft:
    """The generated clip after what is there."""
    lanes = draft.of_type(TrackType.VIDEO)
    clip = Media(asset_id, f"{wanted.prompt}.mp4", "video", round(wanted.seconds * 1000))
    segment = _clip(f"seg_{next_number(draft)}", clip, end_of(lanes))
    lane = lanes[0] if lanes else None
    return add_segments(draft, TrackType.VIDEO, "Video", lane, [segment])


def _keep(draft: Draft, span: Span) -> Draft:
    """Only what lies in the span, moved to the beginning."""
    start, end = span.resolve(int(draft.duration_ms or 0))
    if start >= end:
        raise CannotEdit(f"the video ends before {seconds(span.start.ms)}s")
    return each_track(draft, lambda segments: window(segments, start, end, -start))


def _remove(draft: Draft, span: Span) -> Draft:
    """Everything but what lies in the span; what follows moves up."""
    total = int(draft.duration_ms or 0)
    start, end = span.resolve(total)
    if start >= end:
        raise CannotEdit(f"the video ends before {seconds(span.start.ms)}s")
    if end - start >= total:
        raise CannotEdit("that would remove everything; say which part should stay")
    tail_number = next_number(draft)

    def cut(segments: tuple[Segment, ...]) -> list[Segment]:
        nonlocal tail_number
        head = window(segments, 0, start, 0)
        tail = window(segments, end, total, start - end)
        if head and tail and head[-1].id == tail[0].id:  # one segment became two
            tail[0] = _replace(tail[0], id=f"seg_{tail_number}")
            tail_number += 1
        return head + tail

    return each_track(draft, cut)


def _add_title(draft: Draft, title: AddTitle) -> Draft:
    """A text over the picture, on the first text track where nothing is in its way."""
    span = title.span or TITLE_SPAN
    start, end = span.resolve(int(draft.duration_ms or 0))
    if start >= end:
        raise CannotEdit(f"the video ends before {seconds(span.start.ms)}s")
    segment = Segment(
        id=f"seg_{next_number(draft)}",
        start_ms=start,
        duration_ms=end - start,
        text=title.text,
        style=Style(color=title.color or "white", position=title.position or "top-center"),
    )
    free = (lane for lane in draft.of_type(TrackType.TEXT) if _has_room(lane, segment))
    return add_segments(draft, TrackType.TEXT, "Title", next(free, None), [segment])


def _has_room(lane: Track, segment: Segment) -> bool:
    return all(apart(segment, other) for other in lane.segments or ())


def _music_track(draft: Draft) -> Track | None:
    lanes = draft.of_type(TrackType.AUDIO)
    return next((lane for lane in lanes if lane.name == _MUSIC_TRACK), None)


def _add_music(draft: Draft, mood: str, volume: float, asset_id: str) -> Draft:
    """Music under the whole timeline, an hour at most, in place of the music that was there."""
    segment = Segment(
        id=f"seg_{next_number(draft)}",
        start_ms=0,
        duration_ms=min(draft.duration_ms or 0, LONGEST_MUSIC_MS),
        source=asset_id,
        source_start_ms=0,
        volume=volume,
        metadata={"title": MUSIC_TITLES[mood]},
    )
    old = _music_track(draft)
    if old is None:
        return add_segments(draft, TrackType.AUDIO, _MUSIC_TRACK, None, [segment])
    return with_track(draft, old, _replace(old, segments=(segment,)))


def _set_music_volume(draft: Draft, volume: float) -> Draft:
    """Every segment of the music at this volume."""
    track = _music_track(draft)
    if track is None:
        raise CannotEdit("there is no background music yet: ask for some first")
    louder = tuple(_replace(segment, volume=volume) for segment in track.segments or ())
    return with_track(draft, track, _replace(track, segments=louder))
