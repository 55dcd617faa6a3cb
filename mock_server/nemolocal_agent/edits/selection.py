"""Resolves a `Selector`: to clips of the video, or to uploads."""

import re
from collections.abc import Sequence

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Number, Segment

from ..errors import EditRejected
from ..intents import Selector, TimelineSpan
from ..timeline import clips_of, length_of
from .media_pool import Media, MediaPool
from .ripple import rebuild_video, split_at

_WORD_SEPARATORS = re.compile(r"[\s_-]+")


def resolve_span(span: TimelineSpan, total: Number) -> tuple[Number, Number]:
    """The start and end of a span in something `total` ms long; raises `EditRejected`."""
    start, end = span.resolve(total)
    if start < end:
        return start, end
    if not span.start.before_end and span.start.share is None and span.start.ms >= total:
        raise EditRejected("past_end", at=format_seconds(span.start.ms))
    raise EditRejected("empty_span")


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
        spans = [_span_within_clip(clips[number], selector.span) for number in found]
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


def _span_within_clip(clip: Segment, span: TimelineSpan) -> tuple[Number, Number]:
    start, end = resolve_span(span, clip.duration_ms or 0)
    offset = clip.start_ms or 0
    return offset + start, offset + end


def find_clips(clips: Sequence[Segment], selector: Selector, media_pool: MediaPool) -> list[int]:
    """The indexes of the clips with this number or name, or of all clips."""
    if selector.number is not None:
        indexes = _index_of_number(selector.number, len(clips))
    elif selector.name is not None:
        labels = [_labels_of(clip, media_pool) for clip in clips]
        indexes = match_names(selector.name, labels)
        if len({clips[index].source for index in indexes}) > 1:
            raise EditRejected("which_clip", names=numbered_names(clips, indexes, media_pool))
    else:
        indexes = [*range(len(clips))]
    if not indexes:
        raise EditRejected("no_such_clip", count=len(clips), names=clip_names(clips, media_pool))
    return indexes


def find_one_clip(clips: Sequence[Segment], selector: Selector, media_pool: MediaPool) -> int:
    """The index of the only selected clip; raises `EditRejected` if there are several."""
    indexes = find_clips(clips, selector, media_pool)
    if len(indexes) > 1:
        raise EditRejected("which_clip", names=numbered_names(clips, indexes, media_pool))
    return indexes[0]


def find_uploads(uploads: Sequence[Media], selector: Selector) -> list[Media]:
    """The uploads with this number or name, or all uploads."""
    if selector.number is not None:
        indexes = _index_of_number(selector.number, len(uploads))
    elif selector.name is not None:
        indexes = match_names(selector.name, [(media.filename, media.stem) for media in uploads])
        if len(indexes) > 1:
            names = [f"{index + 1}. {uploads[index].filename}" for index in indexes]
            raise EditRejected("which_upload", names=names)
    else:
        indexes = [*range(len(uploads))]
    if not indexes:
        names = [media.filename for media in uploads]
        raise EditRejected("no_such_upload", count=len(uploads), names=names)
    return [uploads[index] for index in indexes]


def match_names(name: str, candidates: Sequence[Sequence[str]]) -> list[int]:
    """The indexes of the candidates with this name: an exact match, else a partial one."""
    wanted = _normalize_name(name)
    if not wanted:
        return []
    labels = [[_normalize_name(label) for label in candidate] for candidate in candidates]
    for fits in (wanted.__eq__, lambda label: wanted in label, lambda label: label in wanted):
        found = [n for n, own in enumerate(labels) if any(label and fits(label) for label in own)]
        if found:
            return found
    return []


def _normalize_name(text: str) -> str:
    return _WORD_SEPARATORS.sub(" ", text.casefold()).strip()


def _index_of_number(number: int, count: int) -> list[int]:
    index = number - 1 if number > 0 else count + number
    return [index] if number and 0 <= index < count else []


def _labels_of(clip: Segment, media_pool: MediaPool) -> list[str]:
    media = media_pool.find(clip.source)
    title = (clip.metadata or {}).get("title")
    own = [title] if isinstance(title, str) else []
    return own if media is None else [*own, media.filename, media.stem]


def clip_names(clips: Sequence[Segment], media_pool: MediaPool) -> list[str]:
    """The names of the clips, in their order."""
    labels = [_labels_of(clip, media_pool) for clip in clips]
    return [next(iter(own), clip.source or "?") for own, clip in zip(labels, clips, strict=True)]


def numbered_names(
    clips: Sequence[Segment], indexes: Sequence[int], media_pool: MediaPool
) -> list[str]:
    """The names of some clips with their numbers, since two can have the same name."""
    names = clip_names(clips, media_pool)
    return [f"{index + 1}. {names[index]}" for index in indexes]
