"""Read and check a draft: its size, its fields, its clips and their effects (REN-9).

Each refusal names the path of the field in wire names. Sizes are checked first, since planning a
draft costs time and memory.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from nemolocal_contract.draft import (
    Draft,
    Segment,
    Track,
    TrackType,
    Transition,
    draft_from_wire,
    find_excess,
    find_mistyped_field,
)
from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.effects import (
    AudioEffect,
    Crop,
    Duck,
    Effect,
    Freeze,
    Lut,
    Overlay,
    PictureEffect,
    Reverse,
    SmoothMotion,
    Solid,
    SoundFade,
    Stabilize,
    Zoom,
    effect_from_wire,
)
from nemolocal_contract.text_effects import TextEffect, text_effect_from_wire

from ..media import MediaInfo, MediaSource

MAX_TRACKS = 100
MAX_SEGMENTS = 1000
MAX_MEDIA_SEGMENTS = 200
MAX_EFFECTS = 50
MAX_TOTAL_EFFECTS = 5000
# Each is a filter or several over all samples of the segment.
MAX_AUDIO_EFFECTS = 8
MAX_FIELDS = 100
MAX_DURATION_MS = 2 * 3600 * 1000
# Reversed clips are rendered in pieces that fit into memory; this bounds the number of pieces.
MAX_REVERSED_MS = 2 * MAX_DURATION_MS
# The movements of a stabilized clip are kept in memory, and interpolating takes many times as long
# as encoding.
MAX_STABILIZED_MS = 10 * 60 * 1000
MAX_INTERPOLATED_MS = 5 * 60 * 1000

_JSON_TYPES = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}


class DraftRejected(Exception):
    """A draft that cannot be rendered: the path of a field in wire names, and the reason (REN-9).

    The message has both: `draft.t[0].sg[1].src: unknown media`.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def require_number(value: Any, path: str, low: float, high: float, default: float = 0.0) -> float:
    """Return a number from `low` to `high`, or `default` for None; NaN is refused."""
    if value is None:
        return default
    if not low <= value <= high:
        raise DraftRejected(path, f"must be from {low:g} to {high:g}")
    return float(value)


def require_positive(value: Any, path: str, high: float) -> float:
    """Return a required number that is greater than 0 and at most `high`."""
    if value is None:
        raise DraftRejected(path, "is missing")
    if not 0 < value <= high:
        raise DraftRejected(path, f"must be greater than 0 and at most {high:g}")
    return float(value)


def check_draft(draft: Draft) -> None:
    """Refuse a draft that is empty or too large, or has a field of a wrong type (STA-3, REN-9)."""
    _require_size_limits(draft)
    _require_field_types(draft)
    if not draft.ready:
        raise DraftRejected("draft.t", "has no segments")
    require_number(draft.duration_ms, "draft.d", 0, MAX_DURATION_MS)


def _require_field_types(draft: Draft) -> None:
    """Refuse a field whose JSON type is wrong; the model has put those into `extra`."""
    if (found := find_mistyped_field(draft)) is not None:
        kind = _JSON_TYPES.get(type(found.value), "a number")
        raise DraftRejected(f"draft{found.path}", f"is {kind}, which it cannot be")


def read_draft(wire: Mapping[str, Any]) -> Draft:
    """Parse a JSON object; raises DraftRejected if it is too large (REN-9).

    Fields of a wrong type are refused later, by `check_draft`.
    """
    _limit_fields(wire, "draft")
    segments = effects = 0
    for index, track in enumerate(_limit_items(wire.get("t"), "draft.t", "tracks", MAX_TRACKS)):
        path = f"draft.t[{index}]"
        _limit_fields(track, path)
        track_segments = _list_of(track, "sg")
        segments += len(track_segments)
        _require_at_most(segments, "draft.t", "segments", MAX_SEGMENTS)
        for number, segment in enumerate(track_segments):
            effects += _count_effects(segment, f"{path}.sg[{number}]")
            _require_at_most(effects, "draft.t", "effects", MAX_TOTAL_EFFECTS)
    if excess := find_excess(wire):
        raise DraftRejected("draft", excess)
    return draft_from_wire(wire)


def _count_effects(segment: Any, path: str) -> int:
    _limit_fields(segment, path)
    for name in ("st", "tr"):
        if isinstance(segment, Mapping):
            _limit_fields(segment.get(name), f"{path}.{name}")
    effects = _limit_items(_list_of(segment, "fx"), f"{path}.fx", "effects", MAX_EFFECTS)
    for index, effect in enumerate(effects):
        _limit_fields(effect, f"{path}.fx[{index}]")
    return len(effects)


def _require_size_limits(draft: Draft) -> None:
    tracks = _limit_items(draft.tracks or (), "draft.t", "tracks", MAX_TRACKS)
    count = sum(len(track.segments or ()) for track in tracks)
    _require_at_most(count, "draft.t", "segments", MAX_SEGMENTS)
    effects = 0
    for index, track in enumerate(tracks):
        counts = [len(segment.effects or ()) for segment in track.segments or ()]
        if (most := max(counts, default=0)) > MAX_EFFECTS:
            path = f"draft.t[{index}].sg[{counts.index(most)}].fx"
            raise _too_many(path, most, "effects", MAX_EFFECTS)
        effects += sum(counts)
    _require_at_most(effects, "draft.t", "effects", MAX_TOTAL_EFFECTS)


def _list_of(node: Any, name: str) -> Sequence[Any]:
    value = node.get(name) if isinstance(node, Mapping) else None
    return value if isinstance(value, list) else ()


def _limit_items(items: Any, path: str, what: str, most: int) -> Sequence[Any]:
    if not isinstance(items, list | tuple):
        return ()
    _require_at_most(len(items), path, what, most)
    return items


def _limit_fields(node: Any, path: str) -> None:
    if isinstance(node, Mapping):
        _require_at_most(len(node), path, "fields", MAX_FIELDS)


def _require_at_most(count: int, path: str, what: str, most: int) -> None:
    if count > most:
        raise _too_many(path, count, what, most)


def _too_many(path: str, count: int, what: str, most: int) -> DraftRejected:
    return DraftRejected(path, f"has {count} {what}, at most {most} are rendered")


_LOUDEST = 4.0
_SLOWEST, _FASTEST = 0.25, 4.0
# Times on the wire are rounded to milliseconds, so neighbours may overlap by one.
_TOUCH_MS = 1.0
# Audio durations are counted in packets, with or without the last one.
_SOUND_SLACK = 0.05


SOLID_SOURCE = MediaSource(Path(), MediaInfo("image", "", width=16, height=16))
"""The source of a plain colour, which is no file; the planner gives it the size of the canvas."""


class EffectStack(NamedTuple):
    """The effects of a segment in their order, without those that cancel each other."""

    reverse: bool = False
    video_effects: tuple[PictureEffect, ...] = ()
    overlay: Overlay | None = None
    ducking: float = 0.0
    audio_effects: tuple[AudioEffect, ...] = ()
    sound_fade: SoundFade = SoundFade()
    freeze: bool = False
    solid: PresetColor | None = None


class SegmentTimes(NamedTuple):
    """The start and end of a segment on the timeline and its fades, in milliseconds."""

    start: float
    end: float
    fade_in: float
    fade_out: float


class TimelineClip(NamedTuple):
    """A checked segment of a video or audio track; `source_start` is in seconds."""

    path: str
    times: SegmentTimes
    source: MediaSource
    source_start: float
    speed: float
    volume: float
    effects: EffectStack = EffectStack()
    transition: Transition | None = None


class MediaTracks(NamedTuple):
    """The clips of each video track, the main track first, and of each audio track, by time."""

    video: list[list[TimelineClip]]
    audio: list[list[TimelineClip]]


def read_media_tracks(draft: Draft, sources: Mapping[str, MediaSource]) -> MediaTracks:
    """Read the clips of all video and audio tracks; raises DraftRejected (REN-9)."""
    media = MediaTracks([], [])
    count = 0
    for index, track in enumerate(draft.tracks or ()):
        path = f"draft.t[{index}]"
        if track.type is None and track.segments:
            raise DraftRejected(f"{path}.tt", "is missing")
        if track.type not in (TrackType.VIDEO, TrackType.AUDIO):
            continue
        count += len(track.segments or ())
        if count > MAX_MEDIA_SEGMENTS:
            raise DraftRejected(f"{path}.sg", f"more than {MAX_MEDIA_SEGMENTS} clips in one draft")
        tracks = media.video if track.type == TrackType.VIDEO else media.audio
        tracks.append(_read_clips(track, path, sources))
    _limit_reversed(media)
    _limit_effect(media, Stabilize, MAX_STABILIZED_MS, "stabilized")
    _limit_effect(media, SmoothMotion, MAX_INTERPOLATED_MS, "interpolated")
    return media


def _limit_effect(media: MediaTracks, kind: type[Effect], most: int, what: str) -> None:
    """Bound the length of all clips with an effect that is slow."""
    total = 0.0
    for clip in (clip for track in media.video for clip in track):
        if any(isinstance(effect, kind) for effect in clip.effects.video_effects):
            total += clip.times.end - clip.times.start
        if total > most:
            minutes = most // 60_000
            raise DraftRejected(f"{clip.path}.fx", f"more than {minutes} minutes are {what}")


def _limit_reversed(media: MediaTracks) -> None:
    reversed_ms = 0.0
    for clip in (clip for track in (*media.video, *media.audio) for clip in track):
        reversed_ms += (clip.times.end - clip.times.start) * clip.effects.reverse
        if reversed_ms > MAX_REVERSED_MS:
            hours = MAX_REVERSED_MS // 3_600_000
            raise DraftRejected(f"{clip.path}.fx", f"more than {hours} hours of clips are reversed")


def read_segment_times(segment: Segment, path: str) -> SegmentTimes:
    """Read the times of a segment; raises DraftRejected if one is out of range (REN-9)."""
    start = require_number(segment.start_ms, f"{path}.s", 0, MAX_DURATION_MS)
    duration = require_positive(segment.duration_ms, f"{path}.d", MAX_DURATION_MS)
    if start + duration > MAX_DURATION_MS:
        raise DraftRejected(f"{path}.d", f"ends later than {MAX_DURATION_MS} ms")
    fade_in = require_number(segment.fade_in_ms, f"{path}.fi", 0, MAX_DURATION_MS)
    fade_out = require_number(segment.fade_out_ms, f"{path}.fo", 0, MAX_DURATION_MS)
    if fade_in + fade_out > duration:
        name = "fo" if fade_out else "fi"
        raise DraftRejected(f"{path}.{name}", "the fades are longer than the segment")
    return SegmentTimes(start, start + duration, fade_in, fade_out)


def _read_clips(track: Track, path: str, sources: Mapping[str, MediaSource]) -> list[TimelineClip]:
    clips = [
        _read_clip(segment, f"{path}.sg[{index}]", track.type == TrackType.VIDEO, sources)
        for index, segment in enumerate(track.segments or ())
    ]
    clips.sort(key=lambda clip: clip.times.start)
    for before, after in pairwise(clips):
        if after.times.start < before.times.end - _TOUCH_MS:
            raise DraftRejected(f"{after.path}.s", "overlaps another segment of its track")
    return clips


def _read_clip(
    segment: Segment, path: str, is_video: bool, sources: Mapping[str, MediaSource]
) -> TimelineClip:
    times = read_segment_times(segment, path)
    effects = read_effects(segment, path, sources)
    if not is_video:
        effects = effects._replace(freeze=False, solid=None)
    source = SOLID_SOURCE if effects.solid else sources.get(segment.source or "")
    if source is None:
        raise DraftRejected(f"{path}.src", "unknown media" if segment.source else "is missing")
    if source.info.kind in ("lut", "subtitles"):
        raise DraftRejected(f"{path}.src", "is no video, image or sound")
    if is_video and source.info.kind == "audio":
        raise DraftRejected(f"{path}.src", "is audio, which a video track cannot show")
    if not is_video and source.info.kind == "image":
        raise DraftRejected(f"{path}.src", "is an image, which an audio track cannot play")
    clip = TimelineClip(
        path=path,
        times=times,
        source=source,
        source_start=require_number(segment.source_start_ms, f"{path}.ss", 0, 4 * MAX_DURATION_MS)
        / 1000,
        speed=require_number(segment.speed, f"{path}.sp", _SLOWEST, _FASTEST, 1.0),
        volume=require_number(segment.volume, f"{path}.v", 0, _LOUDEST, 1.0),
        effects=effects,
        transition=segment.transition,
    )
    _require_within_source(clip)
    return clip


def _require_within_source(clip: TimelineClip) -> None:
    info = clip.source.info
    if info.kind == "image":
        return
    slack = 1 / info.fps + 0.001 if info.fps else _SOUND_SLACK
    length = 0.0 if clip.effects.freeze else (clip.times.end - clip.times.start) / 1000
    end = clip.source_start + length * clip.speed
    if end > info.duration + slack:
        name = "ss" if clip.source_start >= info.duration else "d"
        reason = f"reaches {end:.3f} s of a source that ends at {info.duration:.3f} s"
        raise DraftRejected(f"{clip.path}.{name}", reason)


_FIELD = re.compile(r"at `\$\.(\w{1,40})`|required field `(\w{1,40})`")
_LONGEST_REASON = 100
# Shares are decimal fractions: 0.7 + 0.3 may be a little more than 1.
_ROUNDING = 1e-6


def read_effects(
    segment: Segment, path: str, sources: Mapping[str, MediaSource] | None = None
) -> EffectStack:
    """Read the effects of a segment; raises DraftRejected with the path of a bad value (REN-9)."""
    video_effects: list[PictureEffect] = []
    # Whether the segment was reversed when each of them was added.
    was_reversed: list[bool] = []
    audio_effects: list[AudioEffect] = []
    overlay: Overlay | None = None
    reverse, duck, sound_fade = False, 0.0, SoundFade()
    freeze = False
    solid: PresetColor | None = None
    for index, wire in enumerate(segment.effects or ()):
        match _read_effect(wire, f"{path}.fx[{index}]", sources or {}):
            case None:
                continue
            case Reverse():
                reverse = not reverse
            case Overlay() as overlay:
                continue
            case Duck(amount=duck):
                continue
            case SoundFade() as sound_fade:
                continue
            case Freeze():
                freeze = True
            case Solid() as plain:
                solid = plain.color
            case AudioEffect() as audio_effect:
                audio_effects.append(audio_effect)
            case effect:
                video_effects.append(effect)
                was_reversed.append(reverse)
    # An effect that was added before the segment was reversed is reversed with it.
    ordered = (
        effect if before == reverse else _reverse_effect(effect)
        for effect, before in zip(video_effects, was_reversed, strict=True)
    )
    _require_at_most(len(audio_effects), f"{path}.fx", "audio effects", MAX_AUDIO_EFFECTS)
    return EffectStack(
        reverse, tuple(ordered), overlay, duck, tuple(audio_effects), sound_fade, freeze, solid
    )


def _is_lut(source: MediaSource | None) -> bool:
    return source is not None and bool(source.info.lut)


def _reverse_effect(effect: PictureEffect) -> PictureEffect:
    if isinstance(effect, Zoom):
        return msgspec.structs.replace(effect, start=effect.end, end=effect.start)
    return effect


def read_text_effect(segment: Segment, path: str) -> TextEffect | None:
    """Read how a text is drawn: its last effect; raises DraftRejected (REN-9)."""
    found: TextEffect | None = None
    for index, wire in enumerate(segment.effects or ()):
        with _located(wire, f"{path}.fx[{index}]"):
            found = text_effect_from_wire(wire) or found
    return found


def _read_effect(
    wire: dict[str, Any], path: str, sources: Mapping[str, MediaSource]
) -> Effect | None:
    with _located(wire, path):
        effect = effect_from_wire(wire)
    if isinstance(effect, Lut) and not _is_lut(sources.get(effect.source)):
        raise DraftRejected(f"{path}.source", "is no LUT that was uploaded")
    if isinstance(effect, Crop):
        _require_crop_inside(effect, path)
    return effect


@contextmanager
def _located(wire: dict[str, Any], path: str) -> Iterator[None]:
    """Refuse an effect with the path of its bad value."""
    for name, value in wire.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise DraftRejected(f"{path}.{name[:40]}", "must be a finite number")
    try:
        yield
    except msgspec.ValidationError as error:
        raise _rejection(error, path) from error


def _rejection(error: msgspec.ValidationError, path: str) -> DraftRejected:
    message = str(error)
    found = _FIELD.search(message)
    name = (found[1] or found[2]) if found else ""
    reason = message.partition(" - at ")[0][:_LONGEST_REASON]
    if found and found[2]:
        reason = "is missing"
    return DraftRejected(f"{path}.{name}" if name else path, reason)


def _require_crop_inside(crop: Crop, path: str) -> None:
    for side, start in (("width", crop.x), ("height", crop.y)):
        length = getattr(crop, side)
        if length <= 0:
            raise DraftRejected(f"{path}.{side}", "must be greater than 0")
        if start + length > 1 + _ROUNDING:
            raise DraftRejected(f"{path}.{side}", "reaches beyond the edge of the picture")
