"""What a `Selector` means: clips of the video, or uploads."""

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
    """The start and the end of a span within something `total` ms long; raises `EditRejected`."""
    start, end = span.resolve(total)
    if start < end:
        return start, end
    if not span.start.before_end and span.start.share is None and span.start.ms >= total:
        raise EditRejected("past_end", at=format_seconds(span.start.ms))
    raise EditRejected("empty_span")


def select_clips(
    draft: Draft, which: Selector, material: MediaPool
) -> tuple[Draft, list[Segment], list[int]]:
    """The draft, its clips in order, and the places among them of those that are meant.

    There is at least one, places count from 0. A span is cut out of its clips first: of those that
    are named, else of the whole video.
    """
    clips = clips_of(draft)
    found = find_clips(clips, which, material)
    if which.span is None:
        return draft, clips, found
    if which.number is None and which.name is None:
        spans = [resolve_span(which.span, length_of(draft))]
    else:
        spans = [_span_within_clip(clips[number], which.span) for number in found]
    cut = rebuild_video(
        draft, split_at(length_of(draft), [m for span in spans for m in span]), material
    )
    shots = clips_of(cut)
    inside = [
        number
        for number, clip in enumerate(shots)
        if any(start <= (clip.start_ms or 0) and clip.end_ms <= end for start, end in spans)
    ]
    if not inside:
        raise EditRejected("no_such_clip", count=len(clips), names=clip_names(clips, material))
    return cut, shots, inside


def _span_within_clip(clip: Segment, span: TimelineSpan) -> tuple[Number, Number]:
    start, end = resolve_span(span, clip.duration_ms or 0)
    offset = clip.start_ms or 0
    return offset + start, offset + end


def find_clips(clips: Sequence[Segment], which: Selector, material: MediaPool) -> list[int]:
    """The places of the clips with this number or name; all where neither is given."""
    if which.number is not None:
        places = _index_of_number(which.number, len(clips))
    elif which.name is not None:
        labels = [_labels_of(clip, material) for clip in clips]
        places = match_names(which.name, labels)
        if len({clips[place].source for place in places}) > 1:
            raise EditRejected("which_clip", names=numbered_names(clips, places, material))
    else:
        places = [*range(len(clips))]
    if not places:
        raise EditRejected("no_such_clip", count=len(clips), names=clip_names(clips, material))
    return places


def find_one_clip(clips: Sequence[Segment], which: Selector, material: MediaPool) -> int:
    """The place of the one clip that is meant; a question where there are more."""
    places = find_clips(clips, which, material)
    if len(places) > 1:
        raise EditRejected("which_clip", names=numbered_names(clips, places, material))
    return places[0]


def find_uploads(uploads: Sequence[Media], which: Selector) -> list[Media]:
    """The uploads with this number or name; all where neither is given."""
    if which.number is not None:
        places = _index_of_number(which.number, len(uploads))
    elif which.name is not None:
        places = match_names(which.name, [(media.filename, media.stem) for media in uploads])
        if len(places) > 1:
            names = [f"{place + 1}. {uploads[place].filename}" for place in places]
            raise EditRejected("which_upload", names=names)
    else:
        places = [*range(len(uploads))]
    if not places:
        names = [media.filename for media in uploads]
        raise EditRejected("no_such_upload", count=len(uploads), names=names)
    return [uploads[place] for place in places]


def match_names(name: str, candidates: Sequence[Sequence[str]]) -> list[int]:
    """Those of the candidates that are called so: exactly, else in part, else part of the name."""
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
    place = number - 1 if number > 0 else count + number
    return [place] if number and 0 <= place < count else []


def _labels_of(clip: Segment, material: MediaPool) -> list[str]:
    media = material.find(clip.source)
    title = (clip.metadata or {}).get("title")
    own = [title] if isinstance(title, str) else []
    return own if media is None else [*own, media.filename, media.stem]


def clip_names(clips: Sequence[Segment], material: MediaPool) -> list[str]:
    """What the clips are called, in their order."""
    labels = [_labels_of(clip, material) for clip in clips]
    return [next(iter(own), clip.source or "?") for own, clip in zip(labels, clips, strict=True)]


def numbered_names(
    clips: Sequence[Segment], places: Sequence[int], material: MediaPool
) -> list[str]:
    """Names of some clips, each with its number: two may be called the same."""
    names = clip_names(clips, material)
    return [f"{place + 1}. {names[place]}" for place in places]
