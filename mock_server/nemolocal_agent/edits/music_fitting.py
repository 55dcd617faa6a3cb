"""Lets background music end with the video.

It is trimmed or extended, and repeated if its source is too short.
"""

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment

from ..timeline import (
    MediaPool,
    clamp_fades,
    is_reversed,
    length_of,
    move_segment,
    music_track,
    new_segment_ids,
    round_ms,
    sorted_segments,
    trim_segment,
    trim_segments,
    with_segments,
)

_replace = msgspec.structs.replace

# A shorter rest stays silent; a short sound is repeated at most so often.
_MIN_PART_MS = 50
_MAX_PARTS = 40


def fit_music(draft: Draft, media_pool: MediaPool) -> Draft:
    """Trim the music to the end of the video, or extend and repeat it up to there."""
    track = music_track(draft)
    if track is None or not track.segments:
        return draft
    parts, length = sorted_segments(track), length_of(draft)
    kept = trim_segments(parts, 0, length) or [trim_segment(move_segment(parts[0], 0), 0, length)]
    fitted = _extend(kept, length, media_pool)
    if fitted[-1] != parts[-1]:
        fitted = _move_fade_out_to_end(fitted, parts[-1].fade_out_ms)
    new_ids = new_segment_ids(draft)
    ids = [kept_part.id for kept_part in kept]
    ids += [next(new_ids) for _ in fitted[len(kept) :]]
    named = [clamp_fades(_replace(one, id=name)) for one, name in zip(fitted, ids, strict=True)]
    return with_segments(draft, track, named)


def _extend(parts: list[Segment], length: Number, media_pool: MediaPool) -> list[Segment]:
    last = parts[-1]
    source_end = media_pool.source_duration_ms(last.source)
    if source_end is None or is_reversed(last):
        return parts
    speed = last.speed or 1
    rest = source_end / speed - (last.source_start_ms or 0) / speed
    longest = max(last.duration_ms or 0, min(length - (last.start_ms or 0), rest))
    played = [*parts[:-1], _replace(last, duration_ms=round_ms(longest))]
    while length - played[-1].end_ms > _MIN_PART_MS and len(played) < _MAX_PARTS:
        start = played[-1].end_ms
        again = round_ms(min(length - start, source_end / speed))
        played.append(
            _replace(last, start_ms=start, duration_ms=again, source_start_ms=0, fade_in_ms=None)
        )
    return played


def _move_fade_out_to_end(parts: list[Segment], fade_out: Number | None) -> list[Segment]:
    """Move the fade-out from the old end of the music to the new one."""
    inner = [_replace(one, fade_out_ms=None) for one in parts[:-1]]
    return [*inner, _replace(parts[-1], fade_out_ms=fade_out)]
