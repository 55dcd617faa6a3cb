"""A draft's tracks, segments and media: queries, changes, and what a selector names.

Pure functions.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count, pairwise
from pathlib import PurePath

import msgspec

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Number, Segment, Track, TrackType
from nemolocal_contract.media import FileKind

from .analyses import Analysis, AnalysisRequest
from .errors import EditRejected
from .intents import Edit, Selector, TimelinePoint, TimelineSpan

MUSIC_TRACK, SUBTITLES_TRACK, OVERLAY_TRACK = "BGM", "Subtitles", "Overlay"
SOUNDS_TRACK, SOUND_TRACK = "Sound effects", "Sound"
TIMER_TRACK, PROGRESS_TRACK = "Timer", "Progress bar"
"""The names of the tracks with a fixed purpose."""
_KNOWN_TYPES = {kind.value for kind in TrackType}
_replace = msgspec.structs.replace
_START, _LENGTH = operator.attrgetter("start_ms"), operator.attrgetter("duration_ms")
_ONE_PICTURE = ("freeze", "solid")
PENDING = "pending"
"""The asset id of media that do not exist yet, while an edit is only planned."""
STILL_DURATION_MS = 5000
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
DEFAULT_MOOD = "calm"
MAX_MUSIC_MS = 3_600_000
"""The maximum length of composed music; a longer video repeats it."""
_WORD_SEPARATORS = re.compile(r"[\s_-]+")


def main_track(draft: Draft) -> Track | None:
    """The track of the video itself: the first video track with segments; others are overlays."""
    return next(
        (t for t in draft.tracks or () if t.type == TrackType.VIDEO.value and t.segments), None
    )


def music_track(draft: Draft) -> Track | None:
    """The track of the background music."""
    return next((track for track in draft.tracks or () if is_music_track(track)), None)


def is_music_track(track: Track) -> bool:
    """Whether it is the track of the background music."""
    return track.type == TrackType.AUDIO.value and track.name == MUSIC_TRACK


def is_known_track(track: Track) -> bool:
    """Whether edits may change the track: tracks of unknown types stay as they are."""
    return track.type in _KNOWN_TYPES


def sorted_segments(track: Track | None) -> list[Segment]:
    """The segments in order of their start."""
    segments = track.segments or () if track is not None else ()
    try:
        return sorted(segments, key=_START)
    except TypeError:  # some have no start
        return sorted(segments, key=start_of)


def start_of(segment: Segment) -> Number:
    """The start of the segment on the timeline."""
    return segment.start_ms or 0


def clips_of(draft: Draft) -> list[Segment]:
    """The clips of the video in order of their start."""
    return sorted_segments(main_track(draft))


def end_of(segments: Sequence[Segment]) -> Number:
    """The end of the last of these segments."""
    try:
        return max(map(operator.add, map(_START, segments), map(_LENGTH, segments)), default=0)
    except TypeError:  # some have no start or no length
        return max((s.start_ms or 0) + (s.duration_ms or 0) for s in segments)


def length_of(draft: Draft) -> Number:
    """The length of the video, even if other tracks are longer."""
    main = main_track(draft)
    return end_of(main.segments or ()) if main is not None else draft.duration_ms or 0


def has_length(draft: Draft) -> bool:
    """Whether the video is longer than nothing."""
    main = main_track(draft)
    # Its first clip tells, unless something is wrong with it.
    first = main.segments[0] if main is not None and main.segments else None
    return bool(first is not None and first.duration_ms) or length_of(draft) != 0


def update_duration(draft: Draft) -> Draft:
    """Set the draft's duration to the end of its last segment."""
    ends = (end_of(track.segments or ()) for track in draft.tracks or ())
    return _replace(draft, duration_ms=max(ends, default=0))


def round_ms(number: Number) -> Number:
    """Round to microseconds; return an int if the result is a whole number."""
    if isinstance(number, int):
        return number
    number = round(number, 3)
    return int(number) if number == int(number) else number


def move_segment(segment: Segment, start_ms: Number) -> Segment:
    """The segment with another start."""
    return segment if segment.start_ms == start_ms else _replace(segment, start_ms=start_ms)


def trim_segment(segment: Segment, start: Number, end: Number) -> Segment:
    """The part of a segment from `start` to `end`, at its place; fades do not change.

    If the segment plays in reverse, trimming its start skips the end of the source.
    """
    old_start, old_end = segment.start_ms or 0, segment.end_ms
    start, end = max(start, old_start), min(end, old_end)
    if (start, end) == (old_start, old_end):
        return segment
    skipped = old_end - end if is_reversed(segment) else start - old_start
    source_start = segment.source_start_ms
    if segment.source is not None and skipped and not is_one_picture(segment):
        speed = 1 if segment.speed is None else segment.speed
        source_start = round_ms((source_start or 0) + skipped * speed)
    return _replace(
        segment, start_ms=start, duration_ms=round_ms(end - start), source_start_ms=source_start
    )


def is_reversed(segment: Segment) -> bool:
    """Whether the segment plays in reverse."""
    return any(effect.get("type") == "reverse" for effect in segment.effects or ())


def is_one_picture(segment: Segment) -> bool:
    """Whether the segment holds one frame, or is a plain colour: it has no sound."""
    return any(effect.get("type") in _ONE_PICTURE for effect in segment.effects or ())


def is_card_text(segment: Segment) -> bool:
    """Whether it is the text of a card, which belongs to that clip alone."""
    return segment.metadata is not None and segment.metadata.get("card") is True


def clamp_fades(segment: Segment) -> Segment:
    """Shorten fades that are longer than the segment; the fade-in has precedence."""
    length = segment.duration_ms or 0
    fade_in, fade_out = segment.fade_in_ms or 0, segment.fade_out_ms or 0
    if fade_in + fade_out <= length:
        return segment
    fade_in = min(fade_in, length)
    return _replace(
        segment, fade_in_ms=fade_in or None, fade_out_ms=min(fade_out, length - fade_in) or None
    )


def trim_segments(segments: Iterable[Segment], start: Number, end: Number) -> list[Segment]:
    """The parts of these segments from `start` to `end`, at their places."""
    return [
        trim_segment(segment, start, end)
        for segment in segments
        if (segment.start_ms or 0) < end and segment.end_ms > start
    ]


def has_overlap(segments: Iterable[Segment]) -> bool:
    """Whether two segments overlap in time."""
    in_order = sorted(segments, key=start_of)
    return any(one.end_ms > (other.start_ms or 0) for one, other in pairwise(in_order))


def with_track(draft: Draft, old: Track | None, new: Track) -> Draft:
    """Replace `old` by `new`, or append `new` if `old` is None."""
    tracks = draft.tracks or ()
    if old is None:
        return _replace(draft, tracks=(*tracks, new))
    return _replace(draft, tracks=tuple(new if track is old else track for track in tracks))


def with_segments(draft: Draft, track: Track, segments: Iterable[Segment]) -> Draft:
    """Replace the segments of a track; an empty track is removed unless it has unknown fields."""
    kept = tuple(segments)
    if kept or track.extra or track.metadata:
        return with_track(draft, track, _replace(track, segments=kept))
    return _replace(draft, tracks=tuple(t for t in draft.tracks or () if t is not track))


def with_clips(draft: Draft, clips: Iterable[Segment]) -> Draft:
    """Replace the clips of the video track, which is created if there is none."""
    main = main_track(draft) or next(iter(draft.of_type(TrackType.VIDEO)), None)
    if main is None:
        return add_track(draft, TrackType.VIDEO, "Video", clips)
    return with_segments(draft, main, clips)


def add_track(draft: Draft, kind: TrackType, name: str, segments: Iterable[Segment]) -> Draft:
    """Append a new track."""
    used = {track.id for track in draft.tracks or ()}
    numbers = count(1 + len(draft.tracks or ()))
    track_id = next(i for i in (f"track_{number}" for number in numbers) if i not in used)
    track = Track(type=kind.value, id=track_id, name=name, segments=tuple(segments))
    return with_track(draft, None, track)


def add_segment(draft: Draft, kind: TrackType, name: str, segment: Segment) -> Draft:
    """Add a segment to the first track of this type and name with room, or to a new track."""
    for track in draft.of_type(kind):
        segments = (*(track.segments or ()), segment)
        if track.name == name and not has_overlap(segments):
            return with_track(draft, track, _replace(track, segments=segments))
    return add_track(draft, kind, name, [segment])


def change_tracks(
    draft: Draft, wanted: Callable[[Track], bool], change: Callable[[Segment], Segment]
) -> Draft:
    """Apply a change to every segment of the wanted tracks."""
    tracks = [
        _replace(track, segments=tuple(map(change, track.segments or ())))
        if wanted(track) and track.segments
        else track
        for track in draft.tracks or ()
    ]
    return _replace(draft, tracks=tuple(tracks))


def new_segment_ids(*drafts: Draft) -> Iterator[str]:
    """Ids `seg_<number>` that no segment of the drafts has, computed on demand."""
    tracks = [track for draft in drafts for track in draft.tracks or ()]
    ids = [s.id or "" for track in tracks for s in track.segments or ()]
    tails = [i[4:] for i in ids if i.startswith("seg_") and len(i) < 20]
    first = 1 + max([int(tail) for tail in tails if tail.isdecimal()], default=0)
    yield from (f"seg_{number}" for number in count(first))


class Media(msgspec.Struct, frozen=True):
    """What edits need to know about a file. Images have a duration of 0 ms and no audio.

    `channels` of sound are 0 if they are not known.
    """

    id: str
    filename: str
    kind: FileKind
    duration_ms: int
    has_audio: bool = True
    channels: int = 0

    @property
    def stem(self) -> str:
        """The file name without its extension."""
        return PurePath(self.filename).stem


class MediaPool(msgspec.Struct, frozen=True):
    """The media of a session.

    `asset_ids` has the asset id of what was generated or chosen for an edit, `analyses` what is in
    files, by asset id, as far as an edit asks for it. `extras` are uploads that are no media: color
    lookup tables and subtitles.
    """

    uploads: tuple[Media, ...] = ()
    generated: tuple[Media, ...] = ()
    asset_ids: Mapping[Edit, str] = {}
    analyses: Mapping[tuple[str, AnalysisRequest], Analysis] = {}
    extras: tuple[Media, ...] = ()

    @property
    def visual_uploads(self) -> list[Media]:
        """The uploads that can be clips, in upload order."""
        return [media for media in self.uploads if media.kind != "audio"]

    def find(self, source: str | None) -> Media | None:
        """The file with this asset id."""
        return next((m for m in (*self.uploads, *self.generated) if m.id == source), None)

    def has_audio(self, segment: Segment) -> bool:
        """Whether the segment has audio; True if its file is not known."""
        if is_one_picture(segment):
            return False
        media = self.find(segment.source)
        return media is None or (media.has_audio and media.kind != "image")

    def is_static(self, segment: Segment) -> bool:
        """Whether the segment looks the same at any time: a text, a still image, a held frame."""
        return self.static_flags([segment])[0]

    def static_flags(self, segments: Sequence[Segment]) -> list[bool]:
        """`is_static` for several segments."""
        stills = {m.id for m in (*self.uploads, *self.generated) if m.kind == "image"}
        flags = [
            segment.text is not None if segment.source is None else segment.source in stills
            for segment in segments
        ]
        held = [
            index
            for index, segment in enumerate(segments)
            for effect in segment.effects or ()
            if effect.get("type") in _ONE_PICTURE
        ]
        for index in held:
            flags[index] = True
        return flags

    def source_duration_ms(self, source: str | None) -> Number | None:
        """The duration of a source; None for an image or an unknown file."""
        if source == PENDING:
            return math.inf
        media = self.find(source)
        return None if media is None or media.kind == "image" else media.duration_ms


def resolve_point(point: TimelinePoint, total_ms: Number) -> int:
    """Milliseconds from the start of a timeline of this length, clamped to it."""
    at = point.ms if point.share is None else point.ms + round(point.share * total_ms)
    return round(min(max(total_ms - at if point.before_end else at, 0), total_ms))


def clamp_span(span: TimelineSpan, total_ms: Number) -> tuple[int, int]:
    """The start and end on a timeline of this length; the start is never after the end."""
    end = resolve_point(span.end, total_ms)
    return min(resolve_point(span.start, total_ms), end), end


def resolve_span(span: TimelineSpan, total: Number) -> tuple[Number, Number]:
    """The start and end of a span in something `total` ms long; raises `EditRejected`."""
    start, end = clamp_span(span, total)
    if start < end:
        return start, end
    if not span.start.before_end and span.start.share is None and span.start.ms >= total:
        raise EditRejected("past_end", at=format_seconds(span.start.ms))
    raise EditRejected("empty_span")


def find_clips(clips: Sequence[Segment], selector: Selector, media_pool: MediaPool) -> list[int]:
    """The indexes of the clips with this number or name, or of all clips."""
    if selector.number is not None:
        indexes = _index_of_number(selector.number, len(clips))
    elif selector.name is not None:
        labels = [_labels_of(clip, media_pool) for clip in clips]
        indexes = match_names(selector.name, labels)
        if len({clips[index].source for index in indexes}) > 1:
            raise EditRejected("which_clip", names=_numbered_names(clips, indexes, media_pool))
    else:
        indexes = [*range(len(clips))]
    if not indexes:
        raise EditRejected("no_such_clip", count=len(clips), names=clip_names(clips, media_pool))
    return indexes


def require_one(clips: Sequence[Segment], indexes: Sequence[int], media_pool: MediaPool) -> int:
    """The only index; raises `EditRejected` with a question if there are several."""
    if len(indexes) > 1:
        raise EditRejected("which_clip", names=_numbered_names(clips, indexes, media_pool))
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
    for fits in (wanted.__eq__, lambda label: wanted in label, partial(_has_words, wanted)):
        found = [n for n, row in enumerate(labels) if any(label and fits(label) for label in row)]
        if found:
            return found
    return []


def _has_words(text: str, words: str) -> bool:
    """Whether these words are in the text; letters inside of a word are none: "in", "intro"."""
    return re.search(rf"(?<![a-z0-9]){re.escape(words)}(?![a-z0-9])", text) is not None


def _normalize_name(text: str) -> str:
    return _WORD_SEPARATORS.sub(" ", text.casefold()).strip()


def _index_of_number(number: int, count: int) -> list[int]:
    index = number - 1 if number > 0 else count + number
    return [index] if number and 0 <= index < count else []


def _labels_of(clip: Segment, media_pool: MediaPool) -> list[str]:
    media = media_pool.find(clip.source)
    title = (clip.metadata or {}).get("title")
    names = [title] if isinstance(title, str) else []
    return names if media is None else [*names, media.filename, media.stem]


def clip_names(clips: Sequence[Segment], media_pool: MediaPool) -> list[str]:
    """The names of the clips, in their order."""
    labels = [_labels_of(clip, media_pool) for clip in clips]
    return [
        next(iter(names), clip.source or "?") for names, clip in zip(labels, clips, strict=True)
    ]


def _numbered_names(
    clips: Sequence[Segment], indexes: Sequence[int], media_pool: MediaPool
) -> list[str]:
    """The names of some clips with their numbers, since two can have the same name."""
    names = clip_names(clips, media_pool)
    return [f"{index + 1}. {names[index]}" for index in indexes]
