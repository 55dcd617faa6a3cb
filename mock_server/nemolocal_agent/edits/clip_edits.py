"""Edits of clips: place, order, keep, remove, split, loop, speed.

A new order leaves the transitions at their cuts.
"""

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, count, pairwise

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Transition
from nemolocal_contract.effects import Zoom, effect_to_wire

from ..errors import EditRejected
from ..intents import (
    SELECT_ALL,
    Generate,
    KeepSpan,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    RemoveClip,
    RemoveSpan,
    ReverseOrder,
    Selector,
    SetSpeed,
    Slideshow,
    Split,
    SwapClips,
    TimelineSpan,
)
from ..timeline import (
    PENDING,
    STILL_DURATION_MS,
    Media,
    MediaPool,
    clip_names,
    clips_of,
    end_of,
    find_clips,
    find_uploads,
    length_of,
    main_track,
    match_names,
    move_segment,
    new_segment_ids,
    require_one,
    resolve_point,
    resolve_span,
    with_clips,
)
from .ripple import TimeMapping, ripple_tracks
from .video_rebuild import (
    MAX_CLIPS,
    MAX_LENGTH_MS,
    KeptRange,
    checked_speed,
    fit_transitions,
    rebuild_video,
    reorder_clips,
    split_at,
    subtract_ranges,
)

_DEFAULT_SLIDE_MS = 3000
_CROSSFADE_MS = 500
_ZOOMS = (Zoom(1.0, 1.25), Zoom(1.25, 1.0))
_replace = msgspec.structs.replace
_MIN_REST_MS = 100
_Range = tuple[Number, Number]


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


def move_clips(draft: Draft, edit: MoveClip, media_pool: MediaPool) -> Draft:
    """Move the selected clips together to another position."""
    clips = clips_of(draft)
    moving = find_clips(clips, edit.selector, media_pool)
    others = [index for index in range(len(clips)) if index not in moving]
    to = edit.to - 1 if edit.to > 0 else len(others) + 1 + edit.to
    if not edit.to or not 0 <= to <= len(others):
        names = clip_names(clips, media_pool)
        raise EditRejected("no_such_place", place=edit.to, count=len(clips), names=names)
    return _reorder(draft, clips, [*others[:to], *moving, *others[to:]], media_pool)


def swap_clips(draft: Draft, edit: SwapClips, media_pool: MediaPool) -> Draft:
    """Swap two clips."""
    clips = clips_of(draft)
    one, other = (
        require_one(clips, find_clips(clips, selector, media_pool), media_pool)
        for selector in (edit.one, edit.other)
    )
    order = [*range(len(clips))]
    order[one], order[other] = other, one
    return _reorder(draft, clips, order, media_pool)


def reverse_clips(draft: Draft, _: ReverseOrder, media_pool: MediaPool) -> Draft:
    """Reverse the order of the clips."""
    clips = clips_of(draft)
    return _reorder(draft, clips, range(len(clips))[::-1], media_pool)


def _reorder(
    draft: Draft, clips: Sequence[Segment], order: Sequence[int], media_pool: MediaPool
) -> Draft:
    if len(clips) < 2:
        raise EditRejected("one_clip", names=clip_names(clips, media_pool))
    if [*order] == sorted(order):
        raise EditRejected("same_order")
    return reorder_clips(draft, clips, order, media_pool)


def merge_clips(draft: Draft, _: Merge, media_pool: MediaPool) -> Draft:
    """Close the gaps between the clips, and append uploads that are not on the timeline yet."""
    fresh = unplaced_uploads(draft, media_pool)
    clips = clips_of(draft)
    if not clips and not fresh:
        raise EditRejected("no_video")
    closed = draft
    if clips:
        closed = reorder_clips(draft, clips, range(len(clips)), media_pool)
    if not fresh and clips_of(closed) == clips:
        raise EditRejected("merged")
    return append_media(closed, fresh, media_pool) if fresh else closed


def select_clips(
    draft: Draft, selector: Selector, media_pool: MediaPool
) -> tuple[Draft, list[Segment], list[int]]:
    """The draft, its clips in order, and the indexes of the selected ones (at least one).

    If the selector has a span, the clips are split at it first: the named ones, else the video.
    """
    clips = clips_of(draft)
    found = find_clips(clips, selector, media_pool)
    if selector.span is None:
        return draft, clips, found
    if selector.number is None and selector.name is None:
        spans = [resolve_span(selector.span, length_of(draft))]
    else:
        spans = _spans_within(clips, found, selector.span)
    cut = rebuild_video(
        draft, split_at(length_of(draft), [m for span in spans for m in span]), media_pool
    )
    segments = clips_of(cut)
    inside = [
        number
        for number, clip in enumerate(segments)
        if any(start <= (clip.start_ms or 0) and clip.end_ms <= end for start, end in spans)
    ]
    if not inside:
        raise EditRejected("no_such_clip", count=len(clips), names=clip_names(clips, media_pool))
    return cut, segments, inside


def _spans_within(
    clips: Sequence[Segment], indexes: Sequence[int], span: TimelineSpan
) -> list[_Range]:
    """The span in each of these clips, on the timeline."""
    found: list[_Range] = []
    for begin, end in _clip_ranges(clips, indexes):
        first, last = resolve_span(span, end - begin)
        found.append((begin + first, begin + last))
    return found


def keep_span(draft: Draft, edit: KeepSpan, media_pool: MediaPool) -> Draft:
    """Keep only the span, of the whole video or of the selected clips."""
    if edit.selector == SELECT_ALL:
        start, end = resolve_span(edit.span, length_of(draft))
        return rebuild_video(draft, [KeptRange(start, end)], media_pool, cut_music=True)
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    kept, whole = _spans_within(clips, indexes, edit.span), _clip_ranges(clips, indexes)
    removed = [(clip[0], span[0]) for clip, span in zip(whole, kept, strict=True)]
    removed += [(span[1], clip[1]) for clip, span in zip(whole, kept, strict=True)]
    return rebuild_video(draft, subtract_ranges(length_of(draft), removed), media_pool)


def remove_spans_and_clips(
    draft: Draft, edits: Sequence[RemoveSpan | RemoveClip], media_pool: MediaPool
) -> Draft:
    """Remove several spans and clips at once; what follows moves up.

    All refer to the video before the removal: in "delete the first and the third clip", the third
    clip is the one that the user sees as third.
    """
    total = length_of(draft)
    removed: list[_Range] = []
    for edit in edits:
        draft, found = _removed_ranges(draft, edit, media_pool)
        removed += found
    whole = all(isinstance(edit, RemoveSpan) and edit.selector == SELECT_ALL for edit in edits)
    return rebuild_video(draft, subtract_ranges(total, removed), media_pool, cut_music=whole)


def _removed_ranges(
    draft: Draft, edit: RemoveSpan | RemoveClip, media_pool: MediaPool
) -> tuple[Draft, list[_Range]]:
    """The ranges to remove; a clip is split if only a part of it is selected."""
    if isinstance(edit, RemoveSpan) and edit.selector == SELECT_ALL:
        return draft, [resolve_span(edit.span, length_of(draft))]
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    if isinstance(edit, RemoveClip):
        return draft, _clip_ranges(clips, indexes)
    return draft, _spans_within(clips, indexes, edit.span)


def split_clips(draft: Draft, edit: Split, media_pool: MediaPool) -> Draft:
    """Split the video at some times, or into equal parts."""
    total = length_of(draft)
    times = [resolve_point(point, total) for point in edit.at]
    if edit.parts is not None:
        if edit.parts > MAX_CLIPS:
            raise EditRejected("too_many_clips", most=MAX_CLIPS)
        times += [round(total * part / edit.parts) for part in range(1, edit.parts)]
    if edit.every_ms is not None:
        if edit.every_ms < 1 or total / edit.every_ms > MAX_CLIPS:
            raise EditRejected("too_many_clips", most=MAX_CLIPS)
        times += range(edit.every_ms, math.ceil(total), edit.every_ms)
    if not times:
        raise EditRejected("where_to_split")
    after = rebuild_video(draft, split_at(total, times), media_pool)
    if len(clips_of(after)) == len(clips_of(draft)):
        raise EditRejected("split_already")
    return check_limits(after)


def loop_clips(draft: Draft, edit: Loop, media_pool: MediaPool) -> Draft:
    """Repeat the video, or each of the selected clips."""
    if edit.selector == SELECT_ALL:
        again = _repeat(KeptRange(0, length_of(draft)), edit, len(clips_of(draft)))
        return check_limits(rebuild_video(draft, again, media_pool))
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    spans = _clip_ranges(clips, indexes)
    again = replace_ranges(
        length_of(draft), spans, [_repeat(KeptRange(*span), edit, 1) for span in spans]
    )
    return check_limits(rebuild_video(draft, again, media_pool))


def replace_ranges(
    total: Number, spans: Sequence[_Range], replacements: Iterable[Sequence[KeptRange]]
) -> list[KeptRange]:
    """The whole video, with each of these spans replaced by other ranges."""
    kept: list[KeptRange] = []
    at: Number = 0
    for (start, end), replacement in zip(spans, replacements, strict=True):
        kept += [KeptRange(at, start), *replacement]
        at = end
    return [*kept, KeptRange(at, total)]


def _repeat(kept_range: KeptRange, edit: Loop, clips: int) -> list[KeptRange]:
    length = kept_range.end - kept_range.start
    times, rest = 2 if edit.times is None else edit.times, 0
    if edit.duration_ms is not None:
        times = math.floor(edit.duration_ms / length)
        rest = math.floor(edit.duration_ms - times * length)
        # A rest of a few frames would only be a flash at the end.
        rest = rest if rest >= _MIN_REST_MS or not times else 0
    if times + (rest > 0) < 1 or (times, rest) == (1, 0):
        raise EditRejected("once")
    if times * clips > MAX_CLIPS:
        raise EditRejected("too_many_clips", most=MAX_CLIPS)
    last = [KeptRange(kept_range.start, kept_range.start + rest)] if rest else []
    return [kept_range] * times + last


def check_limits(draft: Draft) -> Draft:
    """Return the draft; raises `EditRejected` if it has too many clips or is too long."""
    if len(clips_of(draft)) > MAX_CLIPS:
        raise EditRejected("too_many_clips", most=MAX_CLIPS)
    if length_of(draft) > MAX_LENGTH_MS:
        raise EditRejected("too_long", hours=MAX_LENGTH_MS // 3_600_000)
    return draft


def set_speed(draft: Draft, edit: SetSpeed, media_pool: MediaPool) -> Draft:
    """Multiply the speed of the selected clips, or fit them into a length."""
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    spans = merged_clip_ranges(clips, indexes)
    factor = edit.factor
    if edit.duration_ms is not None:
        factor = sum(end - start for start, end in spans) / max(edit.duration_ms, 1)
    if not factor > 0:
        checked_speed(factor)
    scaled = [[KeptRange(*span, factor)] for span in spans]
    after = rebuild_video(draft, replace_ranges(length_of(draft), spans, scaled), media_pool)
    if length_of(after) > MAX_LENGTH_MS:
        raise EditRejected("too_long", hours=MAX_LENGTH_MS // 3_600_000)
    return after


def _clip_ranges(clips: Sequence[Segment], indexes: Sequence[int]) -> list[_Range]:
    some = [clips[index] for index in indexes]
    return [(s.start_ms or 0, (s.start_ms or 0) + (s.duration_ms or 0)) for s in some]


def merged_clip_ranges(clips: Sequence[Segment], indexes: Sequence[int]) -> list[_Range]:
    """The ranges of these clips on the timeline; adjacent ones are merged."""
    if not indexes:
        return []
    # Not from `_clip_ranges`: hundreds of pairs would wake the garbage collector in each turn.
    some = [clips[index] for index in indexes]
    starts = [segment.start_ms or 0 for segment in some]
    ends = [start + (s.duration_ms or 0) for start, s in zip(starts, some, strict=True)]
    # A range begins with each clip that does not begin where the one before it ends.
    firsts = compress(count(1), map(operator.ne, ends, starts[1:]))
    return [(starts[first], ends[end - 1]) for first, end in pairwise([0, *firsts, len(starts)])]
