"""Read the clips of the video and audio tracks of a draft, with their times (REN-9)."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from nemolocal_contract.draft import Draft, Segment, Track, TrackType, Transition
from nemolocal_contract.effects import Effect, SmoothMotion, Stabilize

from ..media import MediaInfo, MediaSource
from .draft_limits import MAX_DURATION_MS, DraftRejected, require_number, require_positive
from .effect_reader import EffectStack, read_effects

# Reversed clips are rendered in pieces that fit into memory; this bounds the number of pieces.
MAX_REVERSED_MS = 2 * MAX_DURATION_MS
# The movements of a stabilized clip are kept in memory, and interpolating takes many times as long
# as encoding.
MAX_STABILIZED_MS = 10 * 60 * 1000
MAX_INTERPOLATED_MS = 5 * 60 * 1000

_LOUDEST = 4.0
_SLOWEST, _FASTEST = 0.25, 4.0
# Times on the wire are rounded to milliseconds, so neighbours may overlap by one.
_TOUCH_MS = 1.0
# Audio durations are counted in packets, with or without the last one.
_SOUND_SLACK = 0.05


SOLID_SOURCE = MediaSource(Path(), MediaInfo("image", "", width=16, height=16))
"""The source of a plain colour, which is no file; the planner gives it the size of the canvas."""


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
    for index, track in enumerate(draft.tracks or ()):
        path = f"draft.t[{index}]"
        if track.type is None and track.segments:
            raise DraftRejected(f"{path}.tt", "is missing")
        if track.type not in (TrackType.VIDEO, TrackType.AUDIO):
            continue
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
