"""Plan video tracks: the frames of clips, their transitions, and layers of pictures."""

from fractions import Fraction
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from nemolocal_contract.effects import TRANSITIONS

from .clip_reader import TimelineClip
from .draft_limits import MAX_DURATION_MS, require_number
from .render_plan import ClipSlice, ClipTransition, Layer, VideoClip

DEFAULT_TRANSITION_MS = 500.0

# A shorter transition is a cut.
_MIN_TRANSITION_FRAMES = 2


class ClipFrames(NamedTuple):
    """A clip and its frames in the render, from `start_frame` up to but without `end_frame`."""

    clip: TimelineClip
    start_frame: int
    end_frame: int

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.end_frame - self.start_frame


class PlannedTrack(msgspec.Struct, frozen=True):
    """The clips of a track; `spans` are those that last at least a frame, in order of time.

    `transitions` has the transition after each span, None for a cut; `warnings` say which
    transitions of the draft are left out or shortened.
    """

    clips: list[TimelineClip]
    spans: list[ClipFrames]
    transitions: list[ClipTransition | None]
    warnings: list[str]

    def transition_before(self, index: int) -> ClipTransition | None:
        """Return the transition into a span."""
        return self.transitions[index - 1] if index else None


def plan_track(clips: list[TimelineClip], fps: Fraction) -> PlannedTrack:
    """Plan a track; raises DraftRejected if the length of a transition is invalid (REN-9)."""
    spans: list[ClipFrames] = []
    for clip in clips:
        start = frame_at(clip.times.start, fps)
        first = max(start, spans[-1].end_frame) if spans else start
        last = frame_at(clip.times.end, fps)
        if last > first:
            spans.append(ClipFrames(clip, first, last))
    transitions: list[ClipTransition | None] = []
    warnings: list[str] = []
    for span, following in zip_longest(spans, spans[1:]):
        transition, warning = _plan_transition(span, following, fps)
        transitions.append(transition)
        warnings += [f"{span.clip.path}.tr{warning}"] if warning else []
    return PlannedTrack(clips, spans, transitions, warnings)


def _plan_transition(
    span: ClipFrames, following: ClipFrames | None, fps: Fraction
) -> tuple[ClipTransition | None, str]:
    wanted = span.clip.transition
    if wanted is None:
        return None, ""
    path = f"{span.clip.path}.tr.d"
    ms = require_number(wanted.duration_ms, path, 0, MAX_DURATION_MS, DEFAULT_TRANSITION_MS)
    frames = frame_at(ms, fps)
    kind = next((known for known in TRANSITIONS if known == wanted.type), None)
    if kind is None:
        name = wanted.type or "unnamed"
        return None, f": the transition {name[:40]!r} is not known, it is a hard cut"
    if following is None or following.start_frame != span.end_frame:
        return None, ": nothing follows at once, so there is no transition"
    # Each side gives half of the time, and each clip at most half of itself.
    possible = min(frames, span.frames, following.frames)
    transition = ClipTransition(kind, possible) if possible >= _MIN_TRANSITION_FRAMES else None
    if possible == frames:
        return transition, ""
    milliseconds = float(possible / fps * 1000) if transition else 0.0
    return transition, f".d: the clips are too short, it takes {milliseconds:.0f} ms"


def frame_at(ms: float, fps: Fraction) -> int:
    """Return the frame at a time in milliseconds."""
    return round(Fraction(ms) / 1000 * fps)


def build_layer(track: PlannedTrack, fps: Fraction, upper: bool) -> Layer:
    """Return the pictures of a track; clips are longer where they take part in a transition."""
    return tuple(
        _clip_slice(track, index, _video_clip(span, fps, upper))
        for index, span in enumerate(track.spans)
    )


def _clip_slice(track: PlannedTrack, index: int, clip: VideoClip) -> ClipSlice:
    span, before, after = (
        track.spans[index],
        track.transition_before(index),
        track.transitions[index],
    )
    head = before.frames // 2 if before else 0
    tail = after.frames - after.frames // 2 if after else 0
    return ClipSlice(clip, span.start_frame - head, span.frames + head + tail, -head, before)


def _video_clip(span: ClipFrames, fps: Fraction, upper: bool) -> VideoClip:
    clip = span.clip
    return VideoClip(
        source=clip.source,
        frames=span.frames,
        source_start=clip.source_start,
        speed=clip.speed,
        reverse=clip.effects.reverse,
        effects=clip.effects.video_effects,
        overlay=clip.effects.overlay if upper else None,
        fade_in=min(frame_at(clip.times.fade_in, fps), span.frames),
        fade_out=min(frame_at(clip.times.fade_out, fps), span.frames),
        path=clip.path,
        freeze=clip.effects.freeze,
        solid=clip.effects.solid,
    )
