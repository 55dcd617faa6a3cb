"""The sound of a draft: which samples of which source are heard when, and how loud."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import msgspec

from .clips import TimelineClip
from .render_plan import SAMPLE_RATE, AudioClip, AudioDucking, AudioFade, ClipTransition
from .transitions import ClipFrames, TrackTransitions

# Ducked sound has become quiet, and comes back, in this time.
DUCK_RAMP_SAMPLES = SAMPLE_RATE // 4

AudioTrack = tuple[AudioClip, ...]
SampleRange = tuple[int, int]


class _Handles(NamedTuple):
    """How far a sound is longer than its clip at both ends, and crosses others there; samples."""

    before: int = 0
    after: int = 0
    cross_in: int = 0
    cross_out: int = 0


def build_audio_tracks(
    clips: Sequence[TimelineClip],
    spans: Sequence[ClipFrames],
    joins: TrackTransitions,
    fps: Fraction,
    loud: Sequence[SampleRange] = (),
) -> list[AudioTrack]:
    """The sounds of a track; those that overlap for a transition are in lanes of their own.

    In the `loud` stretches of the render sounds get quieter, where their clips ask for it.
    """
    ends = {
        span.clip.path: one
        for span, one in zip(spans, _all_handles(spans, joins, fps), strict=True)
    }
    lanes: list[list[AudioClip]] = []
    free = 0
    for clip in clips:
        at = max(sample_at(clip.times.start), free)
        free = max(sample_at(clip.times.end), at)
        if free > at and _audible(clip):
            sound = _audio_clip(clip, at, free - at, ends.get(clip.path, _Handles()))
            _place(lanes, _ducked(sound, clip.effects.ducking, loud))
    return [tuple(lane) for lane in lanes]


def _place(lanes: list[list[AudioClip]], sound: AudioClip) -> None:
    for lane in lanes:
        if lane[-1].start_sample + lane[-1].samples <= sound.start_sample:
            lane.append(sound)
            return
    lanes.append([sound])


def _all_handles(
    spans: Sequence[ClipFrames], joins: TrackTransitions, fps: Fraction
) -> list[_Handles]:
    """The ends of all sounds: two cross for as long as both are there, and neither fades before.

    A sound that meets none in a transition fades as long as the pictures change.
    """
    ends = [
        _handles(span.clip, joins.incoming(index), joins.outgoing[index], fps)
        for index, span in enumerate(spans)
    ]
    for index, (one, other) in enumerate(pairwise(spans)):
        if joins.outgoing[index] and _audible(one.clip) and _audible(other.clip):
            both = ends[index].after + ends[index + 1].before
            ends[index] = ends[index]._replace(cross_out=both)
            ends[index + 1] = ends[index + 1]._replace(cross_in=both)
    return ends


def _audible(clip: TimelineClip) -> bool:
    return clip.source.info.has_audio and clip.volume > 0


def _handles(
    clip: TimelineClip, before: ClipTransition | None, behind: ClipTransition | None, fps: Fraction
) -> _Handles:
    """How far a source reaches into the transitions at its ends, and fades that fill them."""
    length = clip.source.info.duration
    start = clip.source_start / clip.speed
    after = length / clip.speed - start - (clip.times.end - clip.times.start) / 1000
    if clip.effects.reverse:
        start, after = after, start
    head = before.frames // 2 if before else 0
    tail = behind.frames - behind.frames // 2 if behind else 0
    own_head = before.frames - head if before else 0
    own_tail = behind.frames - tail if behind else 0
    more = min(_samples(head, fps), max(int(start * SAMPLE_RATE), 0))
    rest = min(_samples(tail, fps), max(int(after * SAMPLE_RATE), 0))
    return _Handles(more, rest, more + _samples(own_head, fps), rest + _samples(own_tail, fps))


def _samples(frames: int, fps: Fraction) -> int:
    return round(frames / fps * SAMPLE_RATE)


def _audio_clip(clip: TimelineClip, at: int, own: int, ends: _Handles) -> AudioClip:
    before = min(ends.before, at)
    samples = before + own + ends.after
    extra = ends.after if clip.effects.reverse else before
    fades = (
        AudioFade("in", before, min(sample_at(clip.times.fade_in), own)),
        AudioFade("out", samples - ends.after - sample_at(clip.times.fade_out),
             sample_at(clip.times.fade_out)),
        AudioFade("in", 0, min(ends.cross_in, samples), "qsin"),
        AudioFade("out", max(samples - ends.cross_out, 0), min(ends.cross_out, samples), "qsin"),
    )  # fmt: skip
    return AudioClip(
        source=clip.source,
        start_sample=at - before,
        samples=samples,
        source_start=max(clip.source_start - extra / SAMPLE_RATE * clip.speed, 0.0),
        speed=clip.speed,
        volume=clip.volume,
        reverse=clip.effects.reverse,
        fades=tuple(fade for fade in fades if fade.samples),
        path=clip.path,
    )


def _ducked(sound: AudioClip, amount: float, loud: Sequence[SampleRange]) -> AudioClip:
    reach = (
        sound.start_sample - DUCK_RAMP_SAMPLES,
        sound.start_sample + sound.samples + DUCK_RAMP_SAMPLES,
    )
    near = tuple(
        (a - sound.start_sample, b - sound.start_sample)
        for a, b in loud
        if a < reach[1] and b > reach[0]
    )
    duck = AudioDucking(amount, near) if amount and near else None
    return msgspec.structs.replace(sound, ducking=duck)


def sample_at(ms: float) -> int:
    """The sample at a time in milliseconds."""
    return round(Fraction(ms) / 1000 * SAMPLE_RATE)


def find_audible_ranges(lanes: Iterable[AudioTrack]) -> list[SampleRange]:
    """From where to where some lane is heard; pauses too short to come up in are no pauses."""
    heard = sorted(
        (sound.start_sample, sound.start_sample + sound.samples) for lane in lanes for sound in lane
    )
    merged: list[SampleRange] = []
    for begin, end in heard:
        if merged and begin <= merged[-1][1] + 2 * DUCK_RAMP_SAMPLES:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
