"""The one way in which the video changes its length or order, and what everything else does then.

A change is a list of stretches of the old video, each perhaps at another speed, one after another:
that is the new video. Another order is the old clips, one after another. The rest follows by these
rules:

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

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment, Transition

from ..problems import CannotEdit
from ..timeline import clips_of, fresh_ids, part, start_of, tidy, with_fitting_fades
from .followers import Piece, follow
from .material import Material

SLOWEST, FASTEST = 0.25, 4.0
MOST_CLIPS = 150
LONGEST_MS = 2 * 3600 * 1000
_replace = msgspec.structs.replace


class Stretch(msgspec.Struct, frozen=True):
    """A part of the old video, played so many times as fast as it was.

    Only what has no gaps can be played at another speed.
    """

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
    clips = settled(builder.dressed(fresh_ids(draft)))
    pieces = chain.from_iterable(builder.moves)
    return follow(draft, clips, pieces, material, cut_music=cut_music)


def reorder(
    draft: Draft, clips: Sequence[Segment], order: Sequence[int], material: Material
) -> Draft:
    """The draft with all its clips in this order, without gaps; transitions stay at their cuts."""
    moved: list[Segment] = []
    pieces: list[Piece] = []
    here: Number = 0
    for number, before in zip(order, clips, strict=True):
        clip = clips[number]
        start, length = clip.start_ms or 0, clip.duration_ms or 0
        after = tidy(here + length)
        pieces.append(Piece(start, start + length, here, after))
        if clip.start_ms != here or clip.transition is not before.transition:
            clip = _replace(clip, start_ms=here, transition=before.transition)
        moved.append(clip)
        here = after
    return follow(draft, settled(moved), pieces, material)


class _Builder:
    """Lays shots one after another, and remembers where everything has gone."""

    def __init__(self, clips: list[Segment], material: Material) -> None:
        self._clips = clips
        self._material = material
        self._at: Number = 0
        # Of each shot the number of its clip; those shots that end before their clip does.
        self._numbers: list[int] = []
        self._unfinished: set[int] = set()
        self.shots: list[Segment] = []
        # The pieces of each stretch, made once somebody asks for them.
        self.moves: list[Iterable[Piece]] = []

    def add(self, stretch: Stretch) -> None:
        """What of the clips lies in a stretch, after what is there."""
        if stretch.start < stretch.end:
            shots = self._taken(stretch)
            if stretch.speed == 1:
                self._shift(shots, stretch)
            else:
                self._scale(shots, stretch)

    def _taken(self, stretch: Stretch) -> list[Segment]:
        """The shots of a stretch where they are: only the first and the last can be cut."""
        start, end = stretch.start, stretch.end
        first = bisect_right(self._clips, start, key=start_of)
        if first and self._clips[first - 1].end_ms > start:
            first -= 1
        last = bisect_left(self._clips, end, lo=first, key=start_of)
        shots = self._clips[first:last]
        self._numbers += range(first, last)
        if shots:
            if shots[-1].end_ms > end:
                self._unfinished.add(len(self._numbers) - 1)
            shots[0] = _cut(shots[0], start, end)
            shots[-1] = _cut(shots[-1], start, end)
        return shots

    def _shift(self, shots: list[Segment], stretch: Stretch) -> None:
        """Later or earlier as a whole, gaps and all."""
        by = tidy(self._at - stretch.start)
        if by:
            shots = [_replace(s, start_ms=tidy((s.start_ms or 0) + by)) for s in shots]
        self.shots += shots
        after = tidy(self._at + stretch.end - stretch.start)
        self.moves.append((Piece(stretch.start, stretch.end, self._at, after),))
        self._at = after

    def _scale(self, shots: list[Segment], stretch: Stretch) -> None:
        """Lengths are rounded down, so that no shot goes past the end of its source."""
        factor, here = stretch.speed, self._at
        timeless = self._material.timeless(shots)
        speeds: dict[Number | None, Number | None] = {}
        scaled: list[Segment] = []
        for shot, still in zip(shots, timeless, strict=True):
            speed, length = shot.speed, math.floor((shot.duration_ms or 0) / factor)
            if not still:
                if speed not in speeds:
                    speeds[speed] = possible(factor * (speed or 1))
                speed = speeds[speed]
            if not length:
                raise CannotEdit("too_short")
            scaled.append(_replace(shot, start_ms=here, duration_ms=length, speed=speed))
            # Whole numbers need no rounding.
            here = here + length if type(here) is int else tidy(here + length)
        self.shots += scaled
        self.moves.append(map(_piece, shots, scaled))
        self._at = here

    def dressed(self, names: Iterator[str]) -> list[Segment]:
        """Ids and edges: the first shot of a clip begins as it did, the last ends as it did."""
        shots = [*self.shots]
        if len(set(self._numbers)) < len(shots):  # some clip is shown more than once
            last = {number: place for place, number in enumerate(self._numbers)}
            seen: set[int] = set()
            for place, number in enumerate(self._numbers):
                if number in seen:
                    shots[place] = _replace(shots[place], id=next(names), fade_in_ms=None)
                if place != last[number]:
                    way_on = None if place in self._unfinished else shots[place].transition
                    shots[place] = _replace(shots[place], fade_out_ms=None, transition=way_on)
                seen.add(number)
        return [with_fitting_fades(s) if s.fade_in_ms or s.fade_out_ms else s for s in shots]


def _cut(clip: Segment, start: Number, end: Number) -> Segment:
    shot = part(clip, start, end)
    if not shot.duration_ms:
        raise CannotEdit("too_short")
    return shot


def _piece(old: Segment, new: Segment) -> Piece:
    return Piece(old.start_ms or 0, old.end_ms, new.start_ms or 0, tidy(new.end_ms))


def possible(speed: float) -> Number | None:
    """The `sp` of a clip that plays at this speed; raises `CannotEdit`."""
    # Over hours of a source a rounding that is coarser adds up to seconds behind its end.
    speed = round(speed, 9)
    if not SLOWEST <= speed <= FASTEST:
        limits = {"slowest": f"{SLOWEST:g}", "fastest": f"{FASTEST:g}"}
        raise CannotEdit("speed_limits", speed=f"{speed:g}", **limits)
    if speed == 1:
        return None
    return int(speed) if float(speed).is_integer() else speed


def settled(clips: Sequence[Segment]) -> list[Segment]:
    """Transitions only where another clip follows at once, no longer than either of them."""
    after: list[Segment | None] = [*clips[1:], None]
    return [
        clip if clip.transition is None else _with_fitting_transition(clip, clip.transition, one)
        for clip, one in zip(clips, after, strict=True)
    ]


def _with_fitting_transition(
    clip: Segment, transition: Transition, following: Segment | None
) -> Segment:
    """The clip with its transition, should there be time for it; else without."""
    wanted, length = transition.duration_ms, clip.duration_ms or 0
    if following is None or (following.start_ms or 0) > (clip.start_ms or 0) + length + 1:
        return _replace(clip, transition=None)
    longest = min(length, following.duration_ms or 0)
    if wanted is None or wanted <= longest:
        return clip
    return _replace(clip, transition=_replace(transition, duration_ms=longest))
