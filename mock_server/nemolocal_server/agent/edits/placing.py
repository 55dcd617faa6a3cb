"""Clips onto the timeline: what was uploaded, what was generated, pictures as a slideshow."""

from collections.abc import Iterator, Sequence

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Transition
from nemolocal_contract.effects import Zoom, effect_to_wire

from ..intents import ALL, Generate, PlaceUploads, Slideshow
from ..problems import CannotEdit
from ..timeline import at, clips_of, end_of, fresh_ids, length_of, main_track, with_clips
from .followers import Piece, follow
from .material import PENDING, STILL_MS, Material, Media
from .ripple import LONGEST_MS, MOST_CLIPS, settled
from .selection import find_uploads, matching

_SLIDE_MS = 3000
_CROSSFADE_MS = 500
_ZOOMS = (Zoom(1.0, 1.25), Zoom(1.25, 1.0))
_replace = msgspec.structs.replace


def place_uploads(draft: Draft, edit: PlaceUploads, material: Material) -> Draft:
    """The uploads that are meant after what is there; of all, those that are not there yet."""
    if edit.which != ALL:
        return append(draft, _wanted(edit, material), material)
    fresh = unplaced(draft, material)
    if not fresh:
        raise CannotEdit("all_placed" if material.visible else "no_video")
    return append(draft, fresh, material)


def _wanted(edit: PlaceUploads, material: Material) -> list[Media]:
    sounds = [media for media in material.uploads if media.kind == "audio"]
    names = [(media.filename, media.stem) for media in sounds]
    visible = [(media.filename, media.stem) for media in material.visible]
    name = edit.which.name or ""
    if matching(name, names) and not matching(name, visible):
        raise CannotEdit("sound_is_no_clip", name=sounds[matching(name, names)[0]].filename)
    return find_uploads(material.visible, edit.which)


def unplaced(draft: Draft, material: Material) -> list[Media]:
    """The uploads that can be clips and are nowhere on the timeline, in upload order."""
    placed = sources_of(draft)
    return [media for media in material.visible if media.id not in placed]


def sources_of(draft: Draft) -> set[str | None]:
    """The ids of everything that the timeline uses."""
    return {s.source for track in draft.tracks or () for s in track.segments or ()}


def add_generated(draft: Draft, edit: Generate, material: Material) -> Draft:
    """The generated clip after what is there."""
    length = round(edit.seconds * 1000)
    media = material.find(made := material.made.get(edit, PENDING))
    if media is not None:
        length = min(length, media.duration_ms)
    return append(draft, [Media(made, f"{edit.prompt}.mp4", "video", length)], material)


def append(draft: Draft, media: Sequence[Media], material: Material) -> Draft:
    """Files as clips after the last one."""
    names, clips = fresh_ids(draft), clips_of(draft)
    for one in media:
        length = STILL_MS if one.kind == "image" else one.duration_ms
        clips.append(clip_of(one, next(names), end_of(clips), length))
    return with_longer_video(draft, clips, material)


def clip_of(media: Media, name: str, start: Number, length: Number) -> Segment:
    """A file as a clip."""
    return Segment(
        id=name,
        start_ms=start,
        duration_ms=length,
        source=media.id,
        source_start_ms=0,
        metadata={"title": media.stem},
    )


def with_longer_video(draft: Draft, clips: Sequence[Segment], material: Material) -> Draft:
    """Other clips, under which all that lies over the video stays where it is in time."""
    if main_track(draft) is None:
        return with_clips(draft, clips)
    same = min(length_of(draft), end_of(clips))
    return follow(draft, clips, [Piece(0, same, 0, same)], material)


def slideshow(draft: Draft, edit: Slideshow, material: Material) -> Draft:
    """Every uploaded picture, after the clips that are none of them."""
    pictures = [media for media in material.uploads if media.kind == "image"]
    if not pictures:
        raise CannotEdit("no_pictures")
    ids = {media.id for media in pictures}
    clips: list[Segment] = []
    for clip in clips_of(draft):
        if clip.source not in ids:
            clips.append(at(clip, end_of(clips)))
    if len(clips) + len(pictures) > MOST_CLIPS:
        raise CannotEdit("too_many_clips", most=MOST_CLIPS)
    clips += _slides(pictures, _lengths(edit, len(pictures)), end_of(clips), fresh_ids(draft))
    return with_longer_video(draft, settled(clips), material)


def _lengths(edit: Slideshow, count: int) -> list[int]:
    if edit.total_ms is None:
        lengths = [_SLIDE_MS if edit.each_ms is None else edit.each_ms] * count
    else:
        each = edit.total_ms // count
        lengths = [each] * (count - 1) + [edit.total_ms - each * (count - 1)]
    if min(lengths) < 1:
        raise CannotEdit("too_short")
    if sum(lengths) > LONGEST_MS:
        raise CannotEdit("too_long", hours=LONGEST_MS // 3_600_000)
    return lengths


def _slides(
    pictures: Sequence[Media], lengths: Sequence[int], start: Number, names: Iterator[str]
) -> list[Segment]:
    slides: list[Segment] = []
    for number, (picture, length) in enumerate(zip(pictures, lengths, strict=True)):
        slide = clip_of(picture, next(names), end_of(slides) or start, length)
        zoom = effect_to_wire(_ZOOMS[number % 2])
        last = number == len(pictures) - 1
        fade = None if last else Transition(type="crossfade", duration_ms=_CROSSFADE_MS)
        slides.append(_replace(slide, effects=(zoom,), transition=fade))
    return slides
