"""Edits that put clips on the timeline: uploads, generated clips, slideshows."""

from collections.abc import Iterator, Sequence

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Transition
from nemolocal_contract.effects import Zoom, effect_to_wire

from ..errors import EditRejected
from ..intents import SELECT_ALL, Generate, PlaceUploads, Slideshow
from ..timeline import (
    clips_of,
    end_of,
    length_of,
    main_track,
    move_segment,
    new_segment_ids,
    with_clips,
)
from .media_pool import PENDING, STILL_DURATION_MS, Media, MediaPool
from .ripple import MAX_CLIPS, MAX_LENGTH_MS, fit_transitions
from .secondary_tracks import TimeMapping, ripple_tracks
from .selection import find_uploads, match_names

_DEFAULT_SLIDE_MS = 3000
_CROSSFADE_MS = 500
_ZOOMS = (Zoom(1.0, 1.25), Zoom(1.25, 1.0))
_replace = msgspec.structs.replace


def place_uploads(draft: Draft, edit: PlaceUploads, media_pool: MediaPool) -> Draft:
    """Append the selected uploads; without a selection, those that are not on the timeline yet."""
    if edit.selector != SELECT_ALL:
        return append_media(draft, _find_wanted_uploads(edit, media_pool), media_pool)
    fresh = unplaced_uploads(draft, media_pool)
    if not fresh:
        raise EditRejected("all_placed" if media_pool.visual_uploads else "no_video")
    return append_media(draft, fresh, media_pool)


def _find_wanted_uploads(edit: PlaceUploads, media_pool: MediaPool) -> list[Media]:
    sounds = [media for media in media_pool.uploads if media.kind == "audio"]
    names = [(media.filename, media.stem) for media in sounds]
    visible = [(media.filename, media.stem) for media in media_pool.visual_uploads]
    name = edit.selector.name or ""
    if match_names(name, names) and not match_names(name, visible):
        raise EditRejected("sound_is_no_clip", name=sounds[match_names(name, names)[0]].filename)
    return find_uploads(media_pool.visual_uploads, edit.selector)


def unplaced_uploads(draft: Draft, media_pool: MediaPool) -> list[Media]:
    """The visual uploads that are nowhere on the timeline, in upload order."""
    placed = used_sources(draft)
    return [media for media in media_pool.visual_uploads if media.id not in placed]


def used_sources(draft: Draft) -> set[str | None]:
    """The asset ids of all sources on the timeline."""
    return {s.source for track in draft.tracks or () for s in track.segments or ()}


def add_generated(draft: Draft, edit: Generate, media_pool: MediaPool) -> Draft:
    """Append the generated clip."""
    length = round(edit.seconds * 1000)
    media = media_pool.find(asset_id := media_pool.asset_ids.get(edit, PENDING))
    if media is not None:
        length = min(length, media.duration_ms)
    return append_media(draft, [Media(asset_id, f"{edit.prompt}.mp4", "video", length)], media_pool)


def append_media(draft: Draft, media: Sequence[Media], media_pool: MediaPool) -> Draft:
    """Append files as clips."""
    new_ids, clips = new_segment_ids(draft), clips_of(draft)
    for one in media:
        length = STILL_DURATION_MS if one.kind == "image" else one.duration_ms
        clips.append(make_clip(one, next(new_ids), end_of(clips), length))
    return replace_clips(draft, clips, media_pool)


def make_clip(media: Media, clip_id: str, start: Number, length: Number) -> Segment:
    """A clip that shows the whole file."""
    return Segment(
        id=clip_id,
        start_ms=start,
        duration_ms=length,
        source=media.id,
        source_start_ms=0,
        metadata={"title": media.stem},
    )


def replace_clips(draft: Draft, clips: Sequence[Segment], media_pool: MediaPool) -> Draft:
    """Replace the clips; all other tracks keep their times."""
    if main_track(draft) is None:
        return with_clips(draft, clips)
    same = min(length_of(draft), end_of(clips))
    return ripple_tracks(draft, clips, [TimeMapping(0, same, 0, same)], media_pool)


def add_slideshow(draft: Draft, edit: Slideshow, media_pool: MediaPool) -> Draft:
    """Append all uploaded images as a slideshow, after the other clips."""
    pictures = [media for media in media_pool.uploads if media.kind == "image"]
    if not pictures:
        raise EditRejected("no_pictures")
    ids = {media.id for media in pictures}
    clips: list[Segment] = []
    for clip in clips_of(draft):
        if clip.source not in ids:
            clips.append(move_segment(clip, end_of(clips)))
    if len(clips) + len(pictures) > MAX_CLIPS:
        raise EditRejected("too_many_clips", most=MAX_CLIPS)
    clips += _slides(
        pictures, _slide_lengths(edit, len(pictures)), end_of(clips), new_segment_ids(draft)
    )
    return replace_clips(draft, fit_transitions(clips), media_pool)


def _slide_lengths(edit: Slideshow, count: int) -> list[int]:
    if edit.total_ms is None:
        lengths = [_DEFAULT_SLIDE_MS if edit.each_ms is None else edit.each_ms] * count
    else:
        each = edit.total_ms // count
        lengths = [each] * (count - 1) + [edit.total_ms - each * (count - 1)]
    if min(lengths) < 1:
        raise EditRejected("too_short")
    if sum(lengths) > MAX_LENGTH_MS:
        raise EditRejected("too_long", hours=MAX_LENGTH_MS // 3_600_000)
    return lengths


def _slides(
    pictures: Sequence[Media], lengths: Sequence[int], start: Number, new_ids: Iterator[str]
) -> list[Segment]:
    slides: list[Segment] = []
    for number, (picture, length) in enumerate(zip(pictures, lengths, strict=True)):
        slide = make_clip(picture, next(new_ids), end_of(slides) or start, length)
        zoom = effect_to_wire(_ZOOMS[number % 2])
        last = number == len(pictures) - 1
        fade = None if last else Transition(type="crossfade", duration_ms=_CROSSFADE_MS)
        slides.append(_replace(slide, effects=(zoom,), transition=fade))
    return slides
