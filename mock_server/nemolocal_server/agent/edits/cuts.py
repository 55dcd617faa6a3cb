"""Cuts: what is kept, removed, split, repeated, and how fast it plays."""

import math
from collections.abc import Sequence

from nemolocal_contract.draft import Draft, Number, Segment

from ..intents import ALL, Keep, Loop, Remove, RemoveClip, SetSpeed, Split
from ..problems import CannotEdit
from ..timeline import clips_of, length_of
from .material import Material
from .ripple import LONGEST_MS, MOST_CLIPS, Stretch, cut_at, possible, rearrange, without
from .selection import chosen, resolve

_SHORTEST_REST_MS = 100
_Hole = tuple[Number, Number]


def keep(draft: Draft, edit: Keep, material: Material) -> Draft:
    """Only what lies in the span, of everything or of the clips that are meant."""
    if edit.which == ALL:
        start, end = resolve(edit.span, length_of(draft))
        return rearrange(draft, [Stretch(start, end)], material, cut_music=True)
    draft, clips, places = chosen(draft, edit.which, material)
    holes: list[_Hole] = []
    for start, end in _spans(clips, places):
        first, last = resolve(edit.span, end - start)
        holes += [(start, start + first), (start + last, end)]
    return rearrange(draft, without(length_of(draft), holes), material)


def remove_all(draft: Draft, edits: Sequence[Remove | RemoveClip], material: Material) -> Draft:
    """The video without some spans and clips, all of them as they are now; the rest moves up.

    "Delete the first and the third clip" means the third that the user sees.
    """
    total = length_of(draft)
    holes: list[_Hole] = []
    for edit in edits:
        draft, found = _holes(draft, edit, material)
        holes += found
    whole = all(isinstance(edit, Remove) and edit.which == ALL for edit in edits)
    return rearrange(draft, without(total, holes), material, cut_music=whole)


def _holes(
    draft: Draft, edit: Remove | RemoveClip, material: Material
) -> tuple[Draft, list[_Hole]]:
    """What is to go; clips are cut where only a part of them is meant."""
    if isinstance(edit, Remove) and edit.which == ALL:
        return draft, [resolve(edit.span, length_of(draft))]
    draft, clips, places = chosen(draft, edit.which, material)
    if isinstance(edit, RemoveClip):
        return draft, _spans(clips, places)
    holes: list[_Hole] = []
    for start, end in _spans(clips, places):
        first, last = resolve(edit.span, end - start)
        holes.append((start + first, start + last))
    return draft, holes


def split(draft: Draft, edit: Split, material: Material) -> Draft:
    """The video cut at moments, or into equal parts."""
    total = length_of(draft)
    moments = [moment.resolve(total) for moment in edit.at]
    if edit.parts is not None:
        if edit.parts > MOST_CLIPS:
            raise CannotEdit("too_many_clips", most=MOST_CLIPS)
        moments += [round(total * part / edit.parts) for part in range(1, edit.parts)]
    if not moments:
        raise CannotEdit("where_to_split")
    after = rearrange(draft, cut_at(total, moments), material)
    if len(clips_of(after)) == len(clips_of(draft)):
        raise CannotEdit("split_already")
    return _not_too_many(after)


def loop(draft: Draft, edit: Loop, material: Material) -> Draft:
    """The video, or each clip that is meant, played more often."""
    if edit.which == ALL:
        again = _repeated(Stretch(0, length_of(draft)), edit, len(clips_of(draft)))
        return _not_too_many(rearrange(draft, again, material))
    draft, clips, places = chosen(draft, edit.which, material)
    stretches: list[Stretch] = []
    at: Number = 0
    for start, end in _spans(clips, places):
        stretches += [Stretch(at, start), *_repeated(Stretch(start, end), edit, 1)]
        at = end
    stretches.append(Stretch(at, length_of(draft)))
    return _not_too_many(rearrange(draft, stretches, material))


def _repeated(stretch: Stretch, edit: Loop, clips: int) -> list[Stretch]:
    length = stretch.end - stretch.start
    times, rest = 2 if edit.times is None else edit.times, 0
    if edit.duration_ms is not None:
        times = math.floor(edit.duration_ms / length)
        rest = math.floor(edit.duration_ms - times * length)
        # Nobody sees a picture or two, but as a flash at the end.
        rest = rest if rest >= _SHORTEST_REST_MS or not times else 0
    if times + (rest > 0) < 1 or (times, rest) == (1, 0):
        raise CannotEdit("once")
    if times * clips > MOST_CLIPS:
        raise CannotEdit("too_many_clips", most=MOST_CLIPS)
    last = [Stretch(stretch.start, stretch.start + rest)] if rest else []
    return [stretch] * times + last


def _not_too_many(draft: Draft) -> Draft:
    """The same draft where it can be rendered; raises `CannotEdit`."""
    if len(clips_of(draft)) > MOST_CLIPS:
        raise CannotEdit("too_many_clips", most=MOST_CLIPS)
    if length_of(draft) > LONGEST_MS:
        raise CannotEdit("too_long", hours=LONGEST_MS // 3_600_000)
    return draft


def set_speed(draft: Draft, edit: SetSpeed, material: Material) -> Draft:
    """The clips that are meant played faster or slower than they are."""
    if not edit.factor > 0:
        possible(edit.factor)
    draft, clips, places = chosen(draft, edit.which, material)
    stretches: list[Stretch] = []
    at: Number = 0
    for start, end in _runs(clips, places):
        stretches += [Stretch(at, start), Stretch(start, end, edit.factor)]
        at = end
    stretches.append(Stretch(at, length_of(draft)))
    after = rearrange(draft, stretches, material)
    if length_of(after) > LONGEST_MS:
        raise CannotEdit("too_long", hours=LONGEST_MS // 3_600_000)
    return after


def _spans(clips: Sequence[Segment], places: Sequence[int]) -> list[_Hole]:
    return [(clips[place].start_ms or 0, clips[place].end_ms) for place in places]


def _runs(clips: Sequence[Segment], places: Sequence[int]) -> list[_Hole]:
    """The spans of these clips; those that touch as one."""
    runs: list[_Hole] = []
    start = end = None
    for place in places:
        clip = clips[place]
        begin = clip.start_ms or 0
        if begin != end:
            if start is not None and end is not None:
                runs.append((start, end))
            start = begin
        end = begin + (clip.duration_ms or 0)
    if start is not None and end is not None:
        runs.append((start, end))
    return runs
