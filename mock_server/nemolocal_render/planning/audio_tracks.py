"""Plan the sound: that of clips, with what overlaps in transitions, and that of audio tracks."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import msgspec

from .clip_reader import TimelineClip
from .render_plan import SAMPLE_RATE, AudioClip, AudioDucking, AudioFade, ClipTransition
from .video_tracks import PlannedTrack

# Ducked sound fades down, and up again, in this time.
DUCK_RAMP_SAMPLES = SAMPLE_RATE // 4

AudioTrack = tuple[AudioClip, ...]
SampleRange = tuple[int, int]


class _Handles(NamedTuple):
    """By how many samples the sound of a clip is longer at both ends, and the crossfades there."""

    before: int = 0
    after: int = 0
    cross_in: int = 0
    cross_out: int = 0


def build_audio(
    video: Sequence[PlannedTrack], audio: Sequence[PlannedTrack], fps: Fraction
) -> tuple[AudioTrack, ...]:
    """Return the sound of video and audio tracks; sounds that overlap are on tracks of their own.

    Where video tracks have sound, the clips of audio tracks that ask for it are ducked.
    """
    of_video = [sound for track in video for sound in _build_audio_tracks(track, fps)]
    audible = _find_audible_ranges(of_video)
    of_audio = [sound for track in audio for sound in _build_audio_tracks(track, fps, audible)]
    return (*of_video, *of_audio)


def _build_audio_tracks(
    track: PlannedTrack, fps: Fraction, audible: Sequence[SampleRange] = ()
) -> list[AudioTrack]:
    handles = dict(
        zip((span.clip.path for span in track.spans), _all_handles(track, fps), strict=True)
    )
    tracks: list[list[AudioClip]] = []
    end = 0
    for clip in track.clips:
        start = max(sample_at(clip.times.start), end)
        end = max(sample_at(clip.times.end), start)
        if end > start and _is_audible(clip):
            sound = _audio_clip(clip, start, end - start, handles.get(clip.path, _Handles()))
            _place(tracks, _duck(sound, clip.effects.ducking, audible))
    return [tuple(sounds) for sounds in tracks]


def _place(tracks: list[list[AudioClip]], sound: AudioClip) -> None:
    for track in tracks:
        if track[-1].start_sample + track[-1].samples <= sound.start_sample:
            track.append(sound)
            return
    tracks.append([sound])


def _all_handles(track: PlannedTrack, fps: Fraction) -> list[_Handles]:
    """Return the handles of all spans.

    Two sounds cross as long as both are there, and neither fades before. A sound that meets no
    other in a transition fades as long as the pictures change.
    """
    handles = [
        _handles(span.clip, track.transition_before(index), track.transitions[index], fps)
        for index, span in enumerate(track.spans)
    ]
    for index, (one, other) in enumerate(pairwise(track.spans)):
        if track.transitions[index] and _is_audible(one.clip) and _is_audible(other.clip):
            both = handles[index].after + handles[index + 1].before
            handles[index] = handles[index]._replace(cross_out=both)
            handles[index + 1] = handles[index + 1]._replace(cross_in=both)
    return handles


def _is_audible(clip: TimelineClip) -> bool:
    return clip.source.info.has_audio and clip.volume > 0 and not clip.effects.freeze


def _handles(
    clip: TimelineClip, before: ClipTransition | None, after: ClipTransition | None, fps: Fraction
) -> _Handles:
    """Return how far a source reaches into its transitions, and fades that fill them."""
    length = clip.source.info.duration
    start = clip.source_start / clip.speed
    rest = length / clip.speed - start - (clip.times.end - clip.times.start) / 1000
    if clip.effects.reverse:
        start, rest = rest, start
    head = before.frames // 2 if before else 0
    tail = after.frames - after.frames // 2 if after else 0
    own_head = before.frames - head if before else 0
    own_tail = after.frames - tail if after else 0
    leading = min(_samples(head, fps), max(int(start * SAMPLE_RATE), 0))
    trailing = min(_samples(tail, fps), max(int(rest * SAMPLE_RATE), 0))
    return _Handles(
        leading, trailing, leading + _samples(own_head, fps), trailing + _samples(own_tail, fps)
    )


def _samples(frames: int, fps: Fraction) -> int:
    return round(frames / fps * SAMPLE_RATE) if frames else 0


def _audio_clip(clip: TimelineClip, start: int, length: int, handles: _Handles) -> AudioClip:
    before = min(handles.before, start)
    samples = before + length + handles.after
    extra = handles.after if clip.effects.reverse else before
    sound_fade = clip.effects.sound_fade
    fades = (
        AudioFade("in", before, min(sample_at(clip.times.fade_in), length)),
        AudioFade("out", samples - handles.after - sample_at(clip.times.fade_out),
             sample_at(clip.times.fade_out)),
        AudioFade("in", before, min(sample_at(sound_fade.in_ms), length)),
        AudioFade("out", max(samples - handles.after - sample_at(sound_fade.out_ms), before),
             min(sample_at(sound_fade.out_ms), length)),
        AudioFade("in", 0, min(handles.cross_in, samples), "qsin"),
        AudioFade("out", max(samples - handles.cross_out, 0),
                  min(handles.cross_out, samples), "qsin"),
    )  # fmt: skip
    return AudioClip(
        source=clip.source,
        start_sample=start - before,
        samples=samples,
        source_start=max(clip.source_start - extra / SAMPLE_RATE * clip.speed, 0.0),
        speed=clip.speed,
        volume=clip.volume,
        reverse=clip.effects.reverse,
        fades=tuple(fade for fade in fades if fade.samples),
        effects=clip.effects.audio_effects,
        path=clip.path,
    )


def _duck(sound: AudioClip, amount: float, audible: Sequence[SampleRange]) -> AudioClip:
    reach = (
        sound.start_sample - DUCK_RAMP_SAMPLES,
        sound.start_sample + sound.samples + DUCK_RAMP_SAMPLES,
    )
    near = tuple(
        (a - sound.start_sample, b - sound.start_sample)
        for a, b in audible
        if a < reach[1] and b > reach[0]
    )
    duck = AudioDucking(amount, near) if amount and near else None
    return msgspec.structs.replace(sound, ducking=duck)


def sample_at(ms: float) -> int:
    """Return the sample at a time in milliseconds."""
    # Most clips have no fades, and fractions are slow.
    return round(Fraction(ms) / 1000 * SAMPLE_RATE) if ms else 0


def _find_audible_ranges(tracks: Iterable[AudioTrack]) -> list[SampleRange]:
    """Return the ranges in which some track is audible, without pauses too short to fade up in."""
    audible = sorted(
        (sound.start_sample, sound.start_sample + sound.samples)
        for track in tracks
        for sound in track
    )
    merged: list[SampleRange] = []
    for begin, end in audible:
        if merged and begin <= merged[-1][1] + 2 * DUCK_RAMP_SAMPLES:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
