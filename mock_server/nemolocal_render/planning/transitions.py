"""Transitions between the segments of a track: where there are any, and how long they can be."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from nemolocal_contract.draft import Transition
from nemolocal_contract.effects import TRANSITIONS

from .clips import TimelineClip
from .field_validation import MAX_DURATION_MS, require_number
from .render_plan import ClipTransition

DEFAULT_TRANSITION_MS = 500.0
# Shorter than this is a cut.
_FEWEST = 2


class ClipFrames(NamedTuple):
    """A clip and the frames of the render that are its own, `first` to `last` without `last`."""

    clip: TimelineClip
    start_frame: int
    end_frame: int

    @property
    def frames(self) -> int:
        """How many they are."""
        return self.end_frame - self.start_frame


class TrackTransitions(NamedTuple):
    """The transition behind each span, None for a cut, and what became of the others."""

    outgoing: tuple[ClipTransition | None, ...]
    warnings: tuple[str, ...]

    def incoming(self, index: int) -> ClipTransition | None:
        """The transition into a span."""
        return self.outgoing[index - 1] if index else None


def assign_frames(clips: Iterable[TimelineClip], fps: Fraction) -> list[ClipFrames]:
    """The clips of a track that last at least a frame, in order of time."""
    spans: list[ClipFrames] = []
    for clip in clips:
        start = frame_at(clip.times.start, fps)
        first = max(start, spans[-1].end_frame) if spans else start
        last = frame_at(clip.times.end, fps)
        if last > first:
            spans.append(ClipFrames(clip, first, last))
    return spans


def plan_transitions(spans: Sequence[ClipFrames], fps: Fraction) -> TrackTransitions:
    """The transitions of a track; raises DraftRejected where a length makes no sense (REN-9)."""
    behind: list[ClipTransition | None] = []
    notes: list[str] = []
    for span, after in (*pairwise(spans), *((span, None) for span in spans[-1:])):
        mix, said = _plan_transition(span, after, fps)
        behind.append(mix)
        notes += [f"{span.clip.path}.tr{said}"] if said else []
    return TrackTransitions(tuple(behind), tuple(notes))


def _plan_transition(
    span: ClipFrames, after: ClipFrames | None, fps: Fraction
) -> tuple[ClipTransition | None, str]:
    wish = span.clip.transition
    if wish is None:
        return None, ""
    frames = _transition_frames(wish, span.clip.path, fps)
    kind = next((known for known in TRANSITIONS if known == wish.type), None)
    if kind is None:
        name = wish.type or "unnamed"
        return None, f": the transition {name[:40]!r} is not known, it is a hard cut"
    if after is None or after.start_frame != span.end_frame:
        return None, ": nothing follows at once, so there is no transition"
    # Each side gives half of the time, and each clip at most half of itself.
    possible = min(frames, span.frames, after.frames)
    mix = ClipTransition(kind, possible) if possible >= _FEWEST else None
    if possible == frames:
        return mix, ""
    milliseconds = float(possible / fps * 1000) if mix else 0.0
    return mix, f".d: the clips are too short, it takes {milliseconds:.0f} ms"


def _transition_frames(wish: Transition, path: str, fps: Fraction) -> int:
    return frame_at(
        require_number(wish.duration_ms, f"{path}.tr.d", 0, MAX_DURATION_MS, DEFAULT_TRANSITION_MS),
        fps,
    )


def frame_at(ms: float, fps: Fraction) -> int:
    """The frame at a time in milliseconds."""
    return round(Fraction(ms) / 1000 * fps)
