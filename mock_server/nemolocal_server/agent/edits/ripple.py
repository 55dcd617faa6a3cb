"""The one way in which the video changes its length or order, and what everything else does then.

A change is a list of stretches of the old video, each perhaps at another speed, one after another:
that is the new video. The rest follows by these rules:

- A text or a still picture that lay over all of the video lies over all of it again.
- Where the order stays (cuts, speed, loops), titles, overlays and other sounds stay over what they
  were over: they go with it, and last as long as it lasts; what has a source of its own is cut
  where that is cut, keeps its speed and never lasts longer than before.
- Where the order changes, what lies over one clip goes with it, the rest stays where it is in
  time; should two then collide on a track, everything on that track stays.
- Nothing goes on after the end of the video.
- Background music is cut with the video where the timeline as a whole is cut. It always ends with
  the video: it is cut there, or plays on, from its beginning again where it has ended.
- Tracks of unknown types are left alone.
"""

import functools
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Transition

from ..problems import CannotEdit
from ..timeline import clips_of, fresh_ids, part, tidy, with_fitting_fades
from .followers import Piece, follow
from .material import Material

SLOWEST, FASTEST = 0.25, 4.0
MOST_CLIPS = 150
LONGEST_MS = 2 * 3600 * 1000
_replace = msgspec.structs.replace


class Stretch(msgspec.Struct, frozen=True):
    """A part of the old video, played so many times as fast as it was."""

    start: Number
    end: Number
    speed: float = 1


def without(total: Number, holes: Sequence[tuple[Number, Number]]) -> list[Stretch]:
    """All of a video but the holes; touching or overlapping holes are one."""
    stretches: list[Stretch] = []
    at: Number = 0
    for start, end in sorted(holes):
        if start > at:
            stretches.append(Stretch(at, start))
        at = max(at, end)
    return [*stretches, Stretch(at, total)] if at < total else stretches


def cut_at(total: Number, moments: Sequence[Number]) -> list[Stretch]:
    """All of a video, cut at these moments."""
    inside = sorted({moment for moment in moments if 0 < moment < total})
    return [Stretch(a, b) for a, b in pairwise([0, *inside, total])]


def rearrange(
    draft: Draft, stretches: Sequence[Stretch], material: Material, *, cut_music: bool = False
) -> Draft:
    """The draft whose video is these stretches of the old one; raises `CannotEdit`."""
    builder = _Builder(clips_of(draft), material)
    for stretch in stretches:
        builder.add(stretch)
    if not builder.shots:
        raise CannotEdit("nothing_left")
    names = fresh_ids(draft)
    clips = settled(_dressed(builder.shots, names))
    return follow(draft, clips, builder.pieces, material, cut_music=cut_music)


class _Shot(msgspec.Struct, frozen=True):
    """What is taken of a clip of the old video; whether it `ends` as the clip does."""

    clip: int
    segment: Segment
    ends: bool


class _Builder:
    """Lays shots one after another, and remembers where everything has gone."""

    def __init__(self, clips: list[Segment], material: Material) -> None:
        self._clips = clips
        self._spans = [(clip.start_ms or 0, clip.end_ms) for clip in clips]
        # The latest end of each clip and those before it, to find where a stretch begins.
        self._ends = list(accumulate((end for _, end in self._spans), max))
        self._material = material
        self._at: Number = 0
        self.shots: list[_Shot] = []
        self.pieces: list[Piece] = []

    def add(self, stretch: Stretch) -> None:
        if stretch.start == stretch.end:
            return
        cursor = stretch.start
        for number in range(bisect_right(self._ends, stretch.start), len(self._clips)):
            clip_start, clip_end = self._spans[number]
            if clip_start >= stretch.end:
                break
            start, end = max(clip_start, stretch.start), min(clip_end, stretch.end)
            if start < end:
                self._advance(cursor, start, stretch.speed)
                shot = part(self._clips[number], start, end)
                self._shoot(number, shot, stretch.speed, ends=end == clip_end)
                self._advance(start, end, stretch.speed)
                cursor = end
        self._advance(cursor, stretch.end, stretch.speed)

    def _shoot(self, number: int, shot: Segment, speed: float, *, ends: bool) -> None:
        new_speed = shot.speed
        if speed != 1 and not self._material.is_timeless(shot):
            new_speed = possible(speed * (shot.speed or 1))
        length = _scaled(shot.duration_ms or 0, speed)
        if not length:
            raise CannotEdit("too_short")
        if (shot.start_ms, length, new_speed) != (self._at, shot.duration_ms, shot.speed):
            shot = _replace(shot, start_ms=self._at, duration_ms=length, speed=new_speed)
        self.shots.append(_Shot(number, shot, ends))

    def _advance(self, start: Number, end: Number, speed: float) -> None:
        """The time from `start` to `end`, a shot or a gap, is told in its place."""
        if start < end:
            after = tidy(self._at + _scaled(end - start, speed))
            self.pieces.append(Piece(start, end, self._at, after))
            self._at = after


def _scaled(length: Number, speed: float) -> Number:
    """Rounded down, so that no shot goes past the end of its source."""
    return length if speed == 1 else math.floor(length / speed)


@functools.lru_cache(maxsize=64)
def possible(speed: float) -> Number | None:
    """The `sp` of a clip that plays at this speed; raises `CannotEdit`."""
    speed = round(speed, 6)
    if not SLOWEST <= speed <= FASTEST:
        limits = {"slowest": f"{SLOWEST:g}", "fastest": f"{FASTEST:g}"}
        raise CannotEdit("speed_limits", speed=f"{speed:g}", **limits)
    return None if speed == 1 else tidy(speed)


def _dressed(shots: Sequence[_Shot], names: Iterator[str]) -> list[Segment]:
    """Ids and edges: the first shot of a clip begins as the clip did, the last ends as it did."""
    first = {shot.clip: place for place, shot in reversed([*enumerate(shots)])}
    last = {shot.clip: place for place, shot in enumerate(shots)}
    clips = []
    for place, shot in enumerate(shots):
        clip = shot.segment
        if place != first[shot.clip]:
            clip = _replace(clip, id=next(names), fade_in_ms=None)
        if place != last[shot.clip]:
            way_on = clip.transition if shot.ends else None
            clip = _replace(clip, fade_out_ms=None, transition=way_on)
        clips.append(with_fitting_fades(clip))
    return clips


def settled(clips: Sequence[Segment]) -> list[Segment]:
    """Transitions only where another clip follows at once, no longer than either of them."""
    after: list[Segment | None] = [*clips[1:], None]
    return [_with_fitting_transition(clip, one) for clip, one in zip(clips, after, strict=True)]


def _with_fitting_transition(clip: Segment, following: Segment | None) -> Segment:
    if clip.transition is None:
        return clip
    if following is None or (following.start_ms or 0) > clip.end_ms + 1:
        return _replace(clip, transition=None)
    longest = min(clip.duration_ms or 0, following.duration_ms or 0)
    return _replace(clip, transition=_no_longer(clip.transition, longest))


def _no_longer(transition: Transition, longest: Number) -> Transition:
    if transition.duration_ms is None or transition.duration_ms <= longest:
        return transition
    return _replace(transition, duration_ms=longest)
