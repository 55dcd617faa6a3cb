"""Video tracks as layers of pictures: cut to pieces, and without what nobody would see."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import msgspec

from .render_plan import ClipSlice, Layer, VideoClip
from .transitions import ClipFrames, TrackTransitions, frame_at

_replace = msgspec.structs.replace


def build_layer(
    spans: Sequence[ClipFrames], joins: TrackTransitions, fps: Fraction, upper: bool
) -> Layer:
    """The pictures of a track: its clips, each longer where it takes part in a transition."""
    return tuple(
        _clip_slice(span, joins, index, _video_clip(span, fps, upper))
        for index, span in enumerate(spans)
    )


def _clip_slice(
    span: ClipFrames, joins: TrackTransitions, index: int, shot: VideoClip
) -> ClipSlice:
    before, behind = joins.incoming(index), joins.outgoing[index]
    head = before.frames // 2 if before else 0
    tail = behind.frames - behind.frames // 2 if behind else 0
    return ClipSlice(shot, span.start_frame - head, span.frames + head + tail, -head, before)


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
    )


def slice_layer(layer: Layer, begin: int, end: int) -> Layer:
    """What of a layer is seen from frame `begin` to `end`, neither within a transition."""
    parts: list[ClipSlice] = []
    for picture in layer:
        first, last = max(picture.start_frame, begin), min(picture.end_frame, end)
        if last <= first:
            continue
        skipped = first - picture.start_frame
        parts.append(
            _replace(
                picture,
                start_frame=first,
                frames=last - first,
                first_clip_frame=picture.first_clip_frame + skipped,
                transition_in=None if skipped else picture.transition_in,
            )
        )
    return tuple(parts)


def shift_layer(layer: Layer, frames: int) -> Layer:
    """The layer, so many frames earlier."""
    return tuple(_replace(picture, start_frame=picture.start_frame - frames) for picture in layer)


class TransitionRanges:
    """When transitions of some layers are under way: there they cannot be cut.

    They are looked through once, however often is asked.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        mixes = sorted(
            (picture.start_frame, picture.start_frame + picture.transition_in.frames)
            for layer in layers
            for picture in layer
            if picture.transition_in
        )
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in mixes:
            if self._ends and begin < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def can_cut_at(self, frame: int) -> bool:
        """Whether no transition is under way there."""
        return self.next_cut_from(frame) == frame

    def next_cut_from(self, frame: int) -> int:
        """The first frame from this one on at which no transition is under way."""
        at = bisect_left(self._begins, frame) - 1
        return max(frame, self._ends[at]) if at >= 0 else frame


def remove_hidden_clips(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers with the same look, where what is covered completely is not there any more.

    An opaque picture of an upper layer takes the place of what lies below it, so that nothing is
    read and laid over for nothing.
    """
    below = [layers[0]]
    for layer in layers[1:]:
        left: list[ClipSlice] = []
        for run in group_transition_runs(layer):
            begin, end = _covered_range(run)
            clean = all(map(TransitionRanges((*below, run)).can_cut_at, (begin, end)))
            if begin < end and clean:
                below = [_without(lower, begin, end) for lower in below]
                shown = (*below[0], *slice_layer(run, begin, end))
                below[0] = tuple(sorted(shown, key=lambda picture: picture.start_frame))
                run = _without(run, begin, end)
            left += run
        below.append(tuple(left))
    return (below[0], *filter(None, below[1:]))


def _without(layer: Layer, begin: int, end: int) -> Layer:
    return (*slice_layer(layer, 0, begin), *slice_layer(layer, end, max(end, _end(layer))))


def _end(layer: Layer) -> int:
    return max((picture.end_frame for picture in layer), default=0)


def group_transition_runs(layer: Layer) -> list[Layer]:
    """The pictures that go over into each other, together."""
    starts = [n for n, picture in enumerate(layer) if picture.transition_in is None or not n]
    return [layer[a:b] for a, b in pairwise([*starts, len(layer)])]


def _covered_range(run: Layer) -> tuple[int, int]:
    """From where to where a run hides all that is below it; nowhere: the same frame twice."""
    first, last = run[0], run[-1]
    inner_fades = any(p.clip.fade_out for p in run[:-1]) or any(p.clip.fade_in for p in run[1:])
    if inner_fades or not all(picture.clip.is_opaque for picture in run):
        return first.start_frame, first.start_frame
    return first.start_frame + first.clip.fade_in, last.end_frame - last.clip.fade_out
