"""Plan the tracks of a draft: frames, transitions, layers of pictures, audio and titles."""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise, zip_longest
from typing import NamedTuple

import msgspec

from nemolocal_contract.draft import Draft, Segment, Style, TrackType
from nemolocal_contract.effects import TRANSITIONS
from nemolocal_contract.text_effects import Timer

from .draft_reader import (
    MAX_DURATION_MS,
    DraftRejected,
    TimelineClip,
    read_segment_times,
    read_text_effect,
    require_number,
)
from .render_plan import (
    SAMPLE_RATE,
    AudioClip,
    AudioDucking,
    AudioFade,
    ClipSlice,
    ClipTransition,
    Layer,
    Title,
    VideoClip,
)

DEFAULT_TRANSITION_MS = 500.0
# Ducked sound fades down, and up again, in this time.
DUCK_RAMP_SAMPLES = SAMPLE_RATE // 4

AudioTrack = tuple[AudioClip, ...]
SampleRange = tuple[int, int]

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


_COLORS = {
    "white": "ffffff",
    "black": "000000",
    "red": "e53935",
    "green": "43a047",
    "blue": "1e88e5",
    "yellow": "fdd835",
    "orange": "fb8c00",
    "purple": "8e24aa",
    "pink": "ec407a",
    "cyan": "00bcd4",
    "teal": "00897b",
    "gold": "ffd700",
    "silver": "c0c0c0",
    "gray": "9e9e9e",
    "grey": "9e9e9e",
    "brown": "795548",
    "navy": "1a237e",
    "lime": "cddc39",
    "magenta": "ff00ff",
}
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")

MAX_TEXT_LENGTH = 2000
# A timer is a text for every second.
MAX_TIMED_MS = 2 * MAX_DURATION_MS
# Each font is searched for among all installed ones and copied next to the titles.
_MOST_FONTS = 100
# A subtitle for every second of two hours is shorter than this.
_MOST_CHARACTERS = 200_000

_ROWS = {"bottom": 0, "center": 3, "middle": 3, "top": 6}
_COLUMNS = {"left": 1, "center": 2, "right": 3}
_BOTTOM_CENTER = 2
_DEFAULT_SIZE = 64
_LARGEST_SIZE = 1080


def build_titles(draft: Draft, canvas_side: int) -> tuple[tuple[Title, ...], tuple[str, ...]]:
    """Return the titles of all text tracks, and warnings about styles that are not known.

    `canvas_side` is the short side of the picture in pixels.
    """
    titles: list[Title] = []
    warnings: list[str] = []
    for number, track in enumerate(draft.tracks or ()):
        if track.type != TrackType.TEXT:
            continue
        for index, segment in enumerate(track.segments or ()):
            title, unknown = _build_title(segment, f"draft.t[{number}].sg[{index}]", canvas_side)
            titles.append(title)
            warnings += (
                f"{title.path}.st.{name}: not known, the default is used" for name in unknown
            )
    _require_title_limits(titles)
    return tuple(titles), tuple(warnings)


def _build_title(segment: Segment, path: str, canvas_side: int) -> tuple[Title, list[str]]:
    """Return a text segment as a title, and the names of style values that are not known.

    Sizes are those of a picture whose short side has 1080 pixels, scaled to `canvas_side`.
    """
    if segment.text is None:
        raise DraftRejected(f"{path}.txt", "is missing")
    times = read_segment_times(segment, path)
    if len(segment.text) > MAX_TEXT_LENGTH:
        raise DraftRejected(f"{path}.txt", f"is longer than {MAX_TEXT_LENGTH} characters")
    style = segment.style or Style()
    size = require_number(style.size, f"{path}.st.size", 1, _LARGEST_SIZE, _DEFAULT_SIZE)
    color, alignment = _color(style.color), _alignment(style.position)
    title = Title(
        path=path,
        text=segment.text,
        start_ms=times.start,
        end_ms=times.end,
        size=max(round(size * canvas_side / 1080), 1),
        color=color or _COLORS["white"],
        alignment=alignment or _BOTTOM_CENTER,
        fade_in_ms=times.fade_in,
        fade_out_ms=times.fade_out,
        font=style.font or None,
        effect=read_text_effect(segment, path),
    )
    return title, ["color"] * (color is None) + ["pos"] * (alignment is None)


def _color(name: str | None) -> str | None:
    if name is None:
        return _COLORS["white"]
    lowered = name.strip().lower()
    match = _HEX.fullmatch(lowered)
    if match is None:
        return _COLORS.get(lowered)
    digits = match[1]
    return digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)


def _alignment(name: str | None) -> int | None:
    """Return the ASS alignment of `top-left`, `bottom`, …: 1 is bottom left, 9 top right."""
    if name is None:
        return _BOTTOM_CENTER
    words = re.split(r"[\s_-]+", name.strip().lower())
    row, column = 3, 2
    for word in words:
        if word in ("center", "middle"):
            continue
        if word in _ROWS:
            row = _ROWS[word]
        elif word in _COLUMNS:
            column = _COLUMNS[word]
        else:
            return None
    return row + column


def _require_title_limits(titles: Sequence[Title]) -> None:
    """Refuse more titles than anyone reads (STA-3)."""
    fonts = len({title.font for title in titles if title.font})
    if fonts > _MOST_FONTS:
        raise DraftRejected("draft.t", f"names {fonts} fonts, at most {_MOST_FONTS} are used")
    timed = sum(t.end_ms - t.start_ms for t in titles if isinstance(t.effect, Timer))
    if timed > MAX_TIMED_MS:
        hours = MAX_TIMED_MS // 3_600_000
        raise DraftRejected("draft.t", f"has timers of more than {hours} hours together")
    length = sum(len(title.text) for title in titles)
    if length > _MOST_CHARACTERS:
        reason = f"has titles of {length} characters, at most {_MOST_CHARACTERS} are drawn"
        raise DraftRejected("draft.t", reason)
