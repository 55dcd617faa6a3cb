"""Edits of overlays: picture in picture and watermarks."""

import msgspec

from nemolocal_contract.draft import Draft, Segment, Track, TrackType
from nemolocal_contract.effects import Overlay, effect_to_wire

from ..errors import EditRejected
from ..intents import SELECT_ALL, AddOverlay, RemoveClip, RemoveOverlays, Selector
from ..timeline import (
    OVERLAY_TRACK,
    Media,
    MediaPool,
    add_segment,
    clamp_fades,
    clips_of,
    find_uploads,
    length_of,
    main_track,
    new_segment_ids,
    require_one,
    resolve_span,
    trim_segment,
    with_segments,
)
from .clip_edits import (
    append_media,
    make_clip,
    remove_spans_and_clips,
    select_clips,
    unplaced_uploads,
)

_LOGO_WORDS = ("logo", "watermark")
_DEFAULT_OVERLAYS = {
    "picture-in-picture": Overlay("top-right", 0.3, 1.0),
    "watermark": Overlay("bottom-right", 0.15, 0.8),
}
_MIN_WIDTH = 0.02
_replace = msgspec.structs.replace


def add_overlay(draft: Draft, edit: AddOverlay, media_pool: MediaPool) -> Draft:
    """Show a clip or an upload as an overlay; a clip is taken out of the video."""
    draft, segment = _take_overlay_clip(draft, edit, media_pool)
    total = length_of(draft)
    start, end = (0, total) if edit.span is None else resolve_span(edit.span, total)
    if media_pool.is_static(segment):
        shown = _replace(segment, start_ms=start, duration_ms=end - start)
    else:
        begin, length = segment.start_ms or 0, min(end - start, segment.duration_ms or 0)
        shown = _replace(trim_segment(segment, begin, begin + length), start_ms=start)
    shown = clamp_fades(shown)
    others = [e for e in shown.effects or () if e.get("type") != "overlay"]
    effects = (*others, effect_to_wire(_overlay_effect(edit)))
    return add_segment(draft, TrackType.VIDEO, OVERLAY_TRACK, _replace(shown, effects=effects))


def _overlay_effect(edit: AddOverlay) -> Overlay:
    usual = _DEFAULT_OVERLAYS[edit.kind]
    return Overlay(
        position=edit.position or usual.position,
        width=usual.width if edit.width is None else min(max(edit.width, _MIN_WIDTH), 1.0),
        opacity=usual.opacity if edit.opacity is None else min(max(edit.opacity, 0.0), 1.0),
        margin=usual.margin,
    )


def _take_overlay_clip(
    draft: Draft, edit: AddOverlay, media_pool: MediaPool
) -> tuple[Draft, Segment]:
    """The draft without the clip that becomes the overlay, and that clip."""
    draft, source = _find_source(draft, edit, media_pool)
    if isinstance(source, Media):
        draft = _ensure_base_video(draft, source, media_pool)
        length = source.duration_ms or length_of(draft)
        return draft, make_clip(source, next(new_segment_ids(draft)), 0, length)
    clips = clips_of(draft)
    if len(clips) < 2:
        raise EditRejected("nothing_below")
    below = remove_spans_and_clips(draft, [RemoveClip(Selector(number=source + 1))], media_pool)
    return below, _replace(clips[source], transition=None)


def _ensure_base_video(draft: Draft, overlay: Media, media_pool: MediaPool) -> Draft:
    """On an empty timeline, place the other uploads first."""
    if main_track(draft) is not None:
        return draft
    others = [media for media in unplaced_uploads(draft, media_pool) if media.id != overlay.id]
    if not others:
        raise EditRejected("nothing_below")
    return append_media(draft, others, media_pool)


_OverlaySource = tuple[Draft, Media | int]


def _find_source(draft: Draft, edit: AddOverlay, media_pool: MediaPool) -> _OverlaySource:
    """The upload, or the index of the clip in the returned draft; a span splits the clip."""
    if edit.selector != SELECT_ALL:
        return _find_named_source(draft, edit.selector, media_pool)
    clips = clips_of(draft)
    if edit.kind == "watermark":
        logo = _find_logo(media_pool)
        return draft, next((n for n, clip in enumerate(clips) if clip.source == logo.id), logo)
    fresh = unplaced_uploads(draft, media_pool)
    if fresh:
        return draft, fresh[-1]
    if len(clips) < 2:
        raise EditRejected("nothing_to_overlay" if clips else "no_video")
    return draft, require_one(clips, [*range(len(clips))][1:], media_pool)


def _find_named_source(draft: Draft, selector: Selector, media_pool: MediaPool) -> _OverlaySource:
    clips = clips_of(draft)
    if clips:
        try:
            draft, clips, indexes = select_clips(draft, selector, media_pool)
            return draft, require_one(clips, indexes, media_pool)
        except EditRejected as error:
            if selector.name is None or error.code != "no_such_clip":
                raise
    if not media_pool.visual_uploads:
        raise EditRejected("no_video")
    return draft, find_uploads(media_pool.visual_uploads, selector)[0]


def _find_logo(media_pool: MediaPool) -> Media:
    """The image that is called a logo, else the last image."""
    pictures = [media for media in media_pool.uploads if media.kind == "image"]
    if not pictures:
        raise EditRejected("no_watermark")
    marks = [
        media for media in pictures if any(mark in media.stem.casefold() for mark in _LOGO_WORDS)
    ]
    return (marks or pictures)[-1]


def remove_overlays(draft: Draft, _: RemoveOverlays, __: MediaPool) -> Draft:
    """Remove all overlays."""
    after, main = draft, main_track(draft)
    for track in draft.of_type(TrackType.VIDEO):
        if track is not main:
            after = with_segments(after, track, _without_overlays(track))
    if after == draft:
        raise EditRejected("no_overlay")
    return after


def _without_overlays(track: Track) -> list[Segment]:
    return [
        segment
        for segment in track.segments or ()
        if not any(effect.get("type") == "overlay" for effect in segment.effects or ())
    ]
