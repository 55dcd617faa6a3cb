"""What a `Which` means: clips of the video, or uploads."""

import re
from collections.abc import Sequence

from nemolocal_contract.draft import Draft, Number, Segment
from nemolocal_contract.summary import seconds

from ..intents import Span, Which
from ..problems import CannotEdit
from ..timeline import clips_of, length_of
from .material import Material, Media
from .ripple import cut_at, rearrange

_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def resolve(span: Span, total: Number) -> tuple[Number, Number]:
    """The start and the end of a span within something `total` ms long; raises `CannotEdit`."""
    start, end = span.resolve(total)
    if start < end:
        return start, end
    if not span.start.before_end and span.start.share is None and span.start.ms >= total:
        raise CannotEdit("past_end", at=seconds(span.start.ms))
    raise CannotEdit("empty_span")


def chosen(
    draft: Draft, which: Which, material: Material
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
        spans = [resolve(which.span, length_of(draft))]
    else:
        spans = [_within(clips[number], which.span) for number in found]
    cut = rearrange(draft, cut_at(length_of(draft), [m for span in spans for m in span]), material)
    shots = clips_of(cut)
    inside = [
        number
        for number, clip in enumerate(shots)
        if any(start <= (clip.start_ms or 0) and clip.end_ms <= end for start, end in spans)
    ]
    if not inside:
        raise CannotEdit("no_such_clip", count=len(clips), names=names_of(clips, material))
    return cut, shots, inside


def _within(clip: Segment, span: Span) -> tuple[Number, Number]:
    start, end = resolve(span, clip.duration_ms or 0)
    offset = clip.start_ms or 0
    return offset + start, offset + end


def find_clips(clips: Sequence[Segment], which: Which, material: Material) -> list[int]:
    """The places of the clips with this number or name; all where neither is given."""
    if which.number is not None:
        places = _numbered(which.number, len(clips))
    elif which.name is not None:
        labels = [_labels_of(clip, material) for clip in clips]
        places = matching(which.name, labels)
        if len({clips[place].source for place in places}) > 1:
            raise CannotEdit("which_clip", names=told_apart(clips, places, material))
    else:
        places = [*range(len(clips))]
    if not places:
        raise CannotEdit("no_such_clip", count=len(clips), names=names_of(clips, material))
    return places


def the_clip(clips: Sequence[Segment], which: Which, material: Material) -> int:
    """The place of the one clip that is meant; a question where there are more."""
    places = find_clips(clips, which, material)
    if len(places) > 1:
        raise CannotEdit("which_clip", names=told_apart(clips, places, material))
    return places[0]


def find_uploads(uploads: Sequence[Media], which: Which) -> list[Media]:
    """The uploads with this number or name; all where neither is given."""
    if which.number is not None:
        places = _numbered(which.number, len(uploads))
    elif which.name is not None:
        places = matching(which.name, [(media.filename, media.stem) for media in uploads])
        if len(places) > 1:
            names = [f"{place + 1}. {uploads[place].filename}" for place in places]
            raise CannotEdit("which_upload", names=names)
    else:
        places = [*range(len(uploads))]
    if not places:
        names = [media.filename for media in uploads]
        raise CannotEdit("no_such_upload", count=len(uploads), names=names)
    return [uploads[place] for place in places]


def matching(name: str, candidates: Sequence[Sequence[str]]) -> list[int]:
    """Those of the candidates that are called so: exactly, else in part, else part of the name."""
    wanted = _plain(name)
    if not wanted:
        return []
    labels = [[_plain(label) for label in candidate] for candidate in candidates]
    for fits in (wanted.__eq__, lambda label: wanted in label, lambda label: label in wanted):
        found = [n for n, own in enumerate(labels) if any(label and fits(label) for label in own)]
        if found:
            return found
    return []


def _plain(text: str) -> str:
    return _BETWEEN_WORDS.sub(" ", text.casefold()).strip()


def _numbered(number: int, count: int) -> list[int]:
    place = number - 1 if number > 0 else count + number
    return [place] if number and 0 <= place < count else []


def _labels_of(clip: Segment, material: Material) -> list[str]:
    media = material.find(clip.source)
    title = (clip.metadata or {}).get("title")
    own = [title] if isinstance(title, str) else []
    return own if media is None else [*own, media.filename, media.stem]


def names_of(clips: Sequence[Segment], material: Material) -> list[str]:
    """What the clips are called, in their order."""
    labels = [_labels_of(clip, material) for clip in clips]
    return [next(iter(own), clip.source or "?") for own, clip in zip(labels, clips, strict=True)]


def told_apart(clips: Sequence[Segment], places: Sequence[int], material: Material) -> list[str]:
    """Names of some clips, each with its number: two may be called the same."""
    names = names_of(clips, material)
    return [f"{place + 1}. {names[place]}" for place in places]
