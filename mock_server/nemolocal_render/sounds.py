"""The sound of a draft: which samples of which source are heard when, and how loud."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import msgspec

from .clips import Clip
from .joins import Joins, Span
from .timeline import SAMPLE_RATE, Duck, Fade, Mix, Sound

# Ducked sound has become quiet, and comes back, in this time.
DUCK_RAMP = SAMPLE_RATE // 4

SoundLane = tuple[Sound, ...]
Stretch = tuple[int, int]


class _Ends(NamedTuple):
    """How far a sound is longer than its clip at both ends, and crosses others there; samples."""

    before: int = 0
    behind: int = 0
    cross_in: int = 0
    cross_out: int = 0


def lanes_of(
    clips: Sequence[Clip],
    spans: Sequence[Span],
    joins: Joins,
    fps: Fraction,
    loud: Sequence[Stretch] = (),
) -> list[SoundLane]:
    """The sounds of a track; those that overlap for a transition are in lanes of their own.

    In the `loud` stretches of the render sounds get quieter, where their clips ask for it.
    """
    ends = {
        span.clip.path: one for span, one in zip(spans, _all_ends(spans, joins, fps), strict=True)
    }
    lanes: list[list[Sound]] = []
    free = 0
    for clip in clips:
        at = max(sample_at(clip.times.start), free)
        free = max(sample_at(clip.times.end), at)
        if free > at and _audible(clip):
            sound = _sound(clip, at, free - at, ends.get(clip.path, _Ends()))
            _place(lanes, _ducked(sound, clip.looks.duck, loud))
    return [tuple(lane) for lane in lanes]


def _place(lanes: list[list[Sound]], sound: Sound) -> None:
    for lane in lanes:
        if lane[-1].at + lane[-1].samples <= sound.at:
            lane.append(sound)
            return
    lanes.append([sound])


def _all_ends(spans: Sequence[Span], joins: Joins, fps: Fraction) -> list[_Ends]:
    """The ends of all sounds: two cross for as long as both are there, and neither fades before.

    A sound that meets none in a transition fades as long as the pictures change.
    """
    ends = [
        _ends(span.clip, joins.before(index), joins.behind[index], fps)
        for index, span in enumerate(spans)
    ]
    for index, (one, other) in enumerate(pairwise(spans)):
        if joins.behind[index] and _audible(one.clip) and _audible(other.clip):
            both = ends[index].behind + ends[index + 1].before
            ends[index] = ends[index]._replace(cross_out=both)
            ends[index + 1] = ends[index + 1]._replace(cross_in=both)
    return ends


def _audible(clip: Clip) -> bool:
    return clip.source.info.has_audio and clip.volume > 0


def _ends(clip: Clip, before: Mix | None, behind: Mix | None, fps: Fraction) -> _Ends:
    """How far a source reaches into the transitions at its ends, and fades that fill them."""
    length = clip.source.info.duration
    start = clip.start / clip.speed
    after = length / clip.speed - start - (clip.times.end - clip.times.start) / 1000
    if clip.looks.reverse:
        start, after = after, start
    head = before.frames // 2 if before else 0
    tail = behind.frames - behind.frames // 2 if behind else 0
    own_head = before.frames - head if before else 0
    own_tail = behind.frames - tail if behind else 0
    more = min(_samples(head, fps), max(int(start * SAMPLE_RATE), 0))
    rest = min(_samples(tail, fps), max(int(after * SAMPLE_RATE), 0))
    return _Ends(more, rest, more + _samples(own_head, fps), rest + _samples(own_tail, fps))


def _samples(frames: int, fps: Fraction) -> int:
    return round(frames / fps * SAMPLE_RATE)


def _sound(clip: Clip, at: int, own: int, ends: _Ends) -> Sound:
    before = min(ends.before, at)
    samples = before + own + ends.behind
    extra = ends.behind if clip.looks.reverse else before
    fades = (
        Fade("in", before, min(sample_at(clip.times.fade_in), own)),
        Fade("out", samples - ends.behind - sample_at(clip.times.fade_out),
             sample_at(clip.times.fade_out)),
        Fade("in", 0, min(ends.cross_in, samples), "qsin"),
        Fade("out", max(samples - ends.cross_out, 0), min(ends.cross_out, samples), "qsin"),
    )  # fmt: skip
    return Sound(
        source=clip.source,
        at=at - before,
        samples=samples,
        start=max(clip.start - extra / SAMPLE_RATE * clip.speed, 0.0),
        speed=clip.speed,
        volume=clip.volume,
        reverse=clip.looks.reverse,
        fades=tuple(fade for fade in fades if fade.samples),
        path=clip.path,
    )


def _ducked(sound: Sound, amount: float, loud: Sequence[Stretch]) -> Sound:
    reach = (sound.at - DUCK_RAMP, sound.at + sound.samples + DUCK_RAMP)
    near = tuple((a - sound.at, b - sound.at) for a, b in loud if a < reach[1] and b > reach[0])
    duck = Duck(amount, near) if amount and near else None
    return msgspec.structs.replace(sound, duck=duck)


def sample_at(ms: float) -> int:
    """The sample at a time in milliseconds."""
    return round(Fraction(ms) / 1000 * SAMPLE_RATE)


def stretches_of(lanes: Iterable[SoundLane]) -> list[Stretch]:
    """From where to where some lane is heard; pauses too short to come up in are no pauses."""
    heard = sorted((sound.at, sound.at + sound.samples) for lane in lanes for sound in lane)
    merged: list[Stretch] = []
    for begin, end in heard:
        if merged and begin <= merged[-1][1] + 2 * DUCK_RAMP:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
