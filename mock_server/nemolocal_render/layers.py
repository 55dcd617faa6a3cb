"""Video tracks as layers of pictures: cut to pieces, and without what nobody would see."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import msgspec

from .joins import Joins, Span, frame_at
from .timeline import Layer, Picture, Shot

_replace = msgspec.structs.replace


def layer_of(spans: Sequence[Span], joins: Joins, fps: Fraction, upper: bool) -> Layer:
    """The pictures of a track: its clips, each longer where it takes part in a transition."""
    return tuple(
        _picture(span, joins, index, _shot(span, fps, upper)) for index, span in enumerate(spans)
    )


def _picture(span: Span, joins: Joins, index: int, shot: Shot) -> Picture:
    before, behind = joins.before(index), joins.behind[index]
    head = before.frames // 2 if before else 0
    tail = behind.frames - behind.frames // 2 if behind else 0
    return Picture(shot, span.first - head, span.frames + head + tail, -head, before)


def _shot(span: Span, fps: Fraction, upper: bool) -> Shot:
    clip = span.clip
    return Shot(
        source=clip.source,
        frames=span.frames,
        start=clip.start,
        speed=clip.speed,
        reverse=clip.looks.reverse,
        looks=clip.looks.pictures,
        overlay=clip.looks.overlay if upper else None,
        fade_in=min(frame_at(clip.times.fade_in, fps), span.frames),
        fade_out=min(frame_at(clip.times.fade_out, fps), span.frames),
        path=clip.path,
    )


def part_of(layer: Layer, begin: int, end: int) -> Layer:
    """What of a layer is seen from frame `begin` to `end`, neither within a transition."""
    parts: list[Picture] = []
    for picture in layer:
        first, last = max(picture.at, begin), min(picture.end, end)
        if last <= first:
            continue
        skipped = first - picture.at
        parts.append(
            _replace(
                picture,
                at=first,
                frames=last - first,
                first=picture.first + skipped,
                mix=None if skipped else picture.mix,
            )
        )
    return tuple(parts)


def moved(layer: Layer, frames: int) -> Layer:
    """The layer, so many frames earlier."""
    return tuple(_replace(picture, at=picture.at - frames) for picture in layer)


class Transitions:
    """When transitions of some layers are under way: there they cannot be cut.

    They are looked through once, however often is asked.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        mixes = sorted(
            (picture.at, picture.at + picture.mix.frames)
            for layer in layers
            for picture in layer
            if picture.mix
        )
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in mixes:
            if self._ends and begin < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def cuttable(self, frame: int) -> bool:
        """Whether no transition is under way there."""
        return self.cuttable_from(frame) == frame

    def cuttable_from(self, frame: int) -> int:
        """The first frame from this one on at which no transition is under way."""
        at = bisect_left(self._begins, frame) - 1
        return max(frame, self._ends[at]) if at >= 0 else frame


def uncover(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers with the same look, where what is covered completely is not there any more.

    An opaque picture of an upper layer takes the place of what lies below it, so that nothing is
    read and laid over for nothing.
    """
    below = [layers[0]]
    for layer in layers[1:]:
        left: list[Picture] = []
        for run in runs_of(layer):
            begin, end = _covering(run)
            clean = all(map(Transitions((*below, run)).cuttable, (begin, end)))
            if begin < end and clean:
                below = [_without(lower, begin, end) for lower in below]
                shown = (*below[0], *part_of(run, begin, end))
                below[0] = tuple(sorted(shown, key=lambda picture: picture.at))
                run = _without(run, begin, end)
            left += run
        below.append(tuple(left))
    return (below[0], *filter(None, below[1:]))


def _without(layer: Layer, begin: int, end: int) -> Layer:
    return (*part_of(layer, 0, begin), *part_of(layer, end, max(end, _end(layer))))


def _end(layer: Layer) -> int:
    return max((picture.end for picture in layer), default=0)


def runs_of(layer: Layer) -> list[Layer]:
    """The pictures that go over into each other, together."""
    starts = [n for n, picture in enumerate(layer) if picture.mix is None or not n]
    return [layer[a:b] for a, b in pairwise([*starts, len(layer)])]


def _covering(run: Layer) -> tuple[int, int]:
    """From where to where a run hides all that is below it; nowhere: the same frame twice."""
    first, last = run[0], run[-1]
    inner_fades = any(p.shot.fade_out for p in run[:-1]) or any(p.shot.fade_in for p in run[1:])
    if inner_fades or not all(picture.shot.opaque for picture in run):
        return first.at, first.at
    return first.at + first.shot.fade_in, last.end - last.shot.fade_out
