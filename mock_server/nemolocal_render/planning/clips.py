"""The clips of a draft, checked: every segment that needs a source, with times that make sense."""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from nemolocal_contract.draft import Draft, Segment, Track, TrackType, Transition

from ..media import MediaInfo
from .effects import EffectStack, read_effects
from .field_validation import (
    MAX_DURATION_MS,
    MAX_MEDIA_SEGMENTS,
    DraftRejected,
    require_number,
    require_positive,
)
from .render_plan import MediaSource

# Turning pictures or sound round is done in pieces that fit into memory: there are to be no more
# of them than can be planned at once.
MAX_REVERSED_MS = 2 * MAX_DURATION_MS

_LOUDEST = 4.0
_SLOWEST, _FASTEST = 0.25, 4.0
# Times on the wire are rounded to milliseconds: neighbours may overlap by as much.
_TOUCH_MS = 1.0
# Lengths of sound come in packets; the last one may be counted or not.
_SOUND_SLACK = 0.05


class SegmentTimes(NamedTuple):
    """Where a segment stands on the timeline and how it comes and goes, in milliseconds."""

    start: float
    end: float
    fade_in: float
    fade_out: float


class TimelineClip(NamedTuple):
    """A checked segment of picture or sound; `start` is seconds in the source."""

    path: str
    times: SegmentTimes
    source: MediaSource
    source_start: float
    speed: float
    volume: float
    effects: EffectStack = EffectStack()
    transition: Transition | None = None


class MediaTracks(NamedTuple):
    """The clips of each video track, the main one first, and of each audio track, by time."""

    video: list[list[TimelineClip]]
    audio: list[list[TimelineClip]]

    @property
    def visible_media(self) -> list[MediaInfo]:
        """What is seen, from the first clip of the lowest track that has any on."""
        return [clip.source.info for clips in self.video for clip in clips]


def read_media_tracks(draft: Draft, sources: Mapping[str, MediaSource]) -> MediaTracks:
    """The clips of all tracks that have any; raises DraftRejected (REN-9)."""
    lanes = MediaTracks([], [])
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
        kind = lanes.video if track.type == TrackType.VIDEO else lanes.audio
        kind.append(_clips(track, path, sources))
    _limit_reversed(lanes)
    return lanes


def _limit_reversed(lanes: MediaTracks) -> None:
    backwards = 0.0
    for clip in (clip for lane in (*lanes.video, *lanes.audio) for clip in lane):
        backwards += (clip.times.end - clip.times.start) * clip.effects.reverse
        if backwards > MAX_REVERSED_MS:
            hours = MAX_REVERSED_MS // 3_600_000
            raise DraftRejected(f"{clip.path}.fx", f"more than {hours} hours are played backwards")


def read_segment_times(segment: Segment, path: str) -> SegmentTimes:
    """The times of a segment; raises DraftRejected where they make no sense (REN-9)."""
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


def _clips(track: Track, path: str, sources: Mapping[str, MediaSource]) -> list[TimelineClip]:
    clips = [
        _clip(segment, f"{path}.sg[{index}]", track.type == TrackType.VIDEO, sources)
        for index, segment in enumerate(track.segments or ())
    ]
    clips.sort(key=lambda clip: clip.times.start)
    for before, after in pairwise(clips):
        if after.times.start < before.times.end - _TOUCH_MS:
            raise DraftRejected(f"{after.path}.s", "overlaps another segment of its track")
    return clips


def _clip(
    segment: Segment, path: str, picture: bool, sources: Mapping[str, MediaSource]
) -> TimelineClip:
    times = read_segment_times(segment, path)
    source = sources.get(segment.source or "")
    if source is None:
        raise DraftRejected(f"{path}.src", "unknown media" if segment.source else "is missing")
    if picture and source.info.kind == "audio":
        raise DraftRejected(f"{path}.src", "is sound, which no video track can show")
    if not picture and source.info.kind == "image":
        raise DraftRejected(f"{path}.src", "is a picture, which no audio track can play")
    clip = TimelineClip(
        path=path,
        times=times,
        source=source,
        source_start=require_number(segment.source_start_ms, f"{path}.ss", 0, 4 * MAX_DURATION_MS)
        / 1000,
        speed=require_number(segment.speed, f"{path}.sp", _SLOWEST, _FASTEST, 1.0),
        volume=require_number(segment.volume, f"{path}.v", 0, _LOUDEST, 1.0),
        effects=read_effects(segment, path),
        transition=segment.transition,
    )
    _require_within_source(clip)
    return clip


def _require_within_source(clip: TimelineClip) -> None:
    info = clip.source.info
    if info.kind == "image":
        return
    slack = 1 / info.fps + 0.001 if info.fps else _SOUND_SLACK
    end = clip.source_start + (clip.times.end - clip.times.start) / 1000 * clip.speed
    if end > info.duration + slack:
        name = "ss" if clip.source_start >= info.duration else "d"
        reason = f"reaches {end:.3f} s of a source that ends at {info.duration:.3f} s"
        raise DraftRejected(f"{clip.path}.{name}", reason)
