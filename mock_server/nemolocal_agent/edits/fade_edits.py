"""Edits of fades, of clips, music and titles."""

import msgspec

from nemolocal_contract.draft import Draft, Number, Segment

from ..errors import EditRejected
from ..intents import SELECT_ALL, Fade
from ..timeline import music_track, sorted_segments, with_clips, with_segments
from .media_pool import MediaPool
from .selection import select_clips
from .title_edits import change_titles

_DEFAULT_FADE_MS = 1000
_replace = msgspec.structs.replace


def add_fade(draft: Draft, edit: Fade, media_pool: MediaPool) -> Draft:
    """Fade in or out: the video and its music, one of the two, some clips, or titles."""
    if edit.target == "title":
        return change_titles(
            draft, edit.selector, lambda title: _fade_segment(title, edit, edit.way)
        )
    if edit.target == "music":
        return _fade_music(draft, edit)
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    if edit.selector != SELECT_ALL:
        for index in indexes:
            clips[index] = _fade_segment(clips[index], edit, edit.way)
        return with_clips(draft, clips)
    after = with_clips(draft, _fade_ends(clips, edit))
    music = music_track(draft)
    if edit.target == "picture" or music is None or not music.segments:
        return after
    return _fade_music(after, edit)


def _fade_music(draft: Draft, edit: Fade) -> Draft:
    music = music_track(draft)
    if music is None or not music.segments:
        raise EditRejected("no_music")
    return with_segments(draft, music, _fade_ends(sorted_segments(music), edit))


def _fade_ends(segments: list[Segment], edit: Fade) -> list[Segment]:
    if edit.way != "out":
        segments[0] = _fade_segment(segments[0], edit, "in")
    if edit.way != "in":
        segments[-1] = _fade_segment(segments[-1], edit, "out")
    return segments


def _fade_segment(segment: Segment, edit: Fade, way: str) -> Segment:
    """Set the fade, at most as long as the segment; a fade at the other end is shortened."""
    wanted = _DEFAULT_FADE_MS if edit.duration_ms is None else max(edit.duration_ms, 0)
    length = segment.duration_ms or 0
    longest = min(wanted, length / 2 if edit.way == "both" and way == "both" else length)
    before_in, before_out = segment.fade_in_ms or 0, segment.fade_out_ms or 0
    if way == "both":
        return _with_fades(segment, longest, longest)
    if way == "in":
        return _with_fades(segment, longest, min(before_out, length - longest))
    return _with_fades(segment, min(before_in, length - longest), longest)


def _with_fades(segment: Segment, fade_in: Number, fade_out: Number) -> Segment:
    return _replace(segment, fade_in_ms=fade_in or None, fade_out_ms=fade_out or None)
