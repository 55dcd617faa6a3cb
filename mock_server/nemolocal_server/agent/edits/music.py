"""Background music, and how it always ends with the video."""

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment

from ..timeline import (
    at,
    fresh_ids,
    is_reversed,
    length_of,
    music_track,
    ordered,
    part,
    tidy,
    window,
    with_fitting_fades,
    with_segments,
)
from .material import Material

# A rest that nobody misses, and how often at most a short sound is played.
_CRUMB_MS = 50
_MOST_PARTS = 40
_replace = msgspec.structs.replace


def fit_music(draft: Draft, material: Material) -> Draft:
    """The music cut at the end of the video, or played on, and again, until it is reached."""
    track = music_track(draft)
    parts = ordered(track)
    if track is None or not parts:
        return draft
    length = length_of(draft)
    kept = window(parts, 0, length) or [part(at(parts[0], 0), 0, length)]
    fitted = _played_on(kept, length, material)
    if fitted[-1] != parts[-1]:
        fitted = _ending_alike(fitted, parts[-1].fade_out_ms)
    names = fresh_ids(draft)
    ids = [kept_part.id for kept_part in kept]
    ids += [next(names) for _ in fitted[len(kept) :]]
    named = [
        with_fitting_fades(_replace(one, id=name)) for one, name in zip(fitted, ids, strict=True)
    ]
    return with_segments(draft, track, named)


def _played_on(parts: list[Segment], length: Number, material: Material) -> list[Segment]:
    last = parts[-1]
    source_end = material.length_ms(last.source)
    if source_end is None or is_reversed(last):
        return parts
    speed = last.speed or 1
    rest = source_end / speed - (last.source_start_ms or 0) / speed
    longest = max(last.duration_ms or 0, min(length - (last.start_ms or 0), rest))
    played = [*parts[:-1], _replace(last, duration_ms=tidy(longest))]
    while length - played[-1].end_ms > _CRUMB_MS and len(played) < _MOST_PARTS:
        start = played[-1].end_ms
        again = tidy(min(length - start, source_end / speed))
        played.append(
            _replace(last, start_ms=start, duration_ms=again, source_start_ms=0, fade_in_ms=None)
        )
    return played


def _ending_alike(parts: list[Segment], fade_out: Number | None) -> list[Segment]:
    """The fade at the end of the music stays at its end."""
    inner = [_replace(one, fade_out_ms=None) for one in parts[:-1]]
    return [*inner, _replace(parts[-1], fade_out_ms=fade_out)]
