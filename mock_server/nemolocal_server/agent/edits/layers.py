"""What is shown small over the video: pictures in the picture and watermarks."""

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Track, TrackType
from nemolocal_contract.effects import Overlay, effect_to_wire

from ..intents import ALL, AddOverlay, RemoveClip, RemoveOverlays, Which
from ..problems import CannotEdit
from ..timeline import (
    OVERLAY,
    clips_of,
    fresh_ids,
    length_of,
    main_track,
    part,
    place,
    with_fitting_fades,
    with_segments,
)
from .cuts import remove_all
from .material import Material, Media
from .placing import append, clip_of, unplaced
from .selection import chosen, find_uploads, resolve, told_apart

_MARKS = ("logo", "watermark")
_USUAL = {
    "picture-in-picture": Overlay("top-right", 0.3, 1.0),
    "watermark": Overlay("bottom-right", 0.15, 0.8),
}
_SMALLEST = 0.02
_replace = msgspec.structs.replace


def add_overlay(draft: Draft, edit: AddOverlay, material: Material) -> Draft:
    """A clip or an upload small over the video; a clip of the video is taken out of it."""
    draft, segment = _taken(draft, edit, material)
    total = length_of(draft)
    start, end = (0, total) if edit.span is None else resolve(edit.span, total)
    length = end - start
    if not material.is_timeless(segment):
        length = min(length, segment.duration_ms or 0)
    shown = _at(segment, start, length, timeless=material.is_timeless(segment))
    others = [e for e in shown.effects or () if e.get("type") != "overlay"]
    effects = (*others, effect_to_wire(_overlay(edit)))
    return place(draft, TrackType.VIDEO, OVERLAY, _replace(shown, effects=effects))


def _overlay(edit: AddOverlay) -> Overlay:
    usual = _USUAL[edit.kind]
    return Overlay(
        position=edit.position or usual.position,
        width=usual.width if edit.width is None else min(max(edit.width, _SMALLEST), 1.0),
        opacity=usual.opacity if edit.opacity is None else min(max(edit.opacity, 0.0), 1.0),
        margin=usual.margin,
    )


def _at(segment: Segment, start: Number, length: Number, *, timeless: bool) -> Segment:
    if timeless:
        shown = _replace(segment, start_ms=start, duration_ms=length)
    else:
        begin = segment.start_ms or 0
        shown = _replace(part(segment, begin, begin + length), start_ms=start)
    return with_fitting_fades(shown)


def _taken(draft: Draft, edit: AddOverlay, material: Material) -> tuple[Draft, Segment]:
    """The draft without the clip that is to be shown small, and that clip."""
    draft, wanted = _wanted(draft, edit, material)
    if isinstance(wanted, Media):
        draft = _with_something_below(draft, wanted, material)
        length = wanted.duration_ms or length_of(draft)
        return draft, clip_of(wanted, next(fresh_ids(draft)), 0, length)
    clips = clips_of(draft)
    if len(clips) < 2:
        raise CannotEdit("nothing_below")
    below = remove_all(draft, [RemoveClip(Which(number=wanted + 1))], material)
    return below, _replace(clips[wanted], transition=None)


def _with_something_below(draft: Draft, overlay: Media, material: Material) -> Draft:
    """On an empty timeline the other uploads are placed first."""
    if main_track(draft) is not None:
        return draft
    others = [media for media in unplaced(draft, material) if media.id != overlay.id]
    if not others:
        raise CannotEdit("nothing_below")
    return append(draft, others, material)


_Wanted = tuple[Draft, Media | int]


def _wanted(draft: Draft, edit: AddOverlay, material: Material) -> _Wanted:
    """The upload that is meant, or the place of the clip in the draft, which may be cut for it."""
    if edit.which != ALL:
        return _named(draft, edit.which, material)
    clips = clips_of(draft)
    if edit.kind == "watermark":
        return draft, _in_video(clips, _mark(material))
    fresh = unplaced(draft, material)
    if fresh:
        return draft, fresh[-1]
    if len(clips) < 2:
        raise CannotEdit("nothing_to_overlay" if clips else "no_video")
    return draft, _the_one(clips, [*range(len(clips))][1:], material)


def _named(draft: Draft, which: Which, material: Material) -> _Wanted:
    clips = clips_of(draft)
    if clips:
        try:
            draft, clips, places = chosen(draft, which, material)
            return draft, _the_one(clips, places, material)
        except CannotEdit as error:
            if which.name is None or error.code != "no_such_clip":
                raise
    if not material.visible:
        raise CannotEdit("no_video")
    return draft, find_uploads(material.visible, which)[0]


def _the_one(clips: list[Segment], places: list[int], material: Material) -> int:
    """The only one of these places; a question where there are more."""
    if len(places) > 1:
        raise CannotEdit("which_clip", names=told_apart(clips, places, material))
    return places[0]


def _mark(material: Material) -> Media:
    """The picture that is called a logo, else the last one."""
    pictures = [media for media in material.uploads if media.kind == "image"]
    if not pictures:
        raise CannotEdit("no_watermark")
    marks = [media for media in pictures if any(mark in media.stem.casefold() for mark in _MARKS)]
    return (marks or pictures)[-1]


def _in_video(clips: list[Segment], media: Media) -> Media | int:
    return next((n for n, clip in enumerate(clips) if clip.source == media.id), media)


def remove_overlays(draft: Draft, _: RemoveOverlays, __: Material) -> Draft:
    """Nothing small over the video any more."""
    after, main = draft, main_track(draft)
    for track in draft.of_type(TrackType.VIDEO):
        if track is not main:
            after = with_segments(after, track, _without_overlays(track))
    if after == draft:
        raise CannotEdit("no_overlay")
    return after


def _without_overlays(track: Track) -> list[Segment]:
    return [
        segment
        for segment in track.segments or ()
        if not any(effect.get("type") == "overlay" for effect in segment.effects or ())
    ]
