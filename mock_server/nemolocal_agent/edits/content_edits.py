"""Edits that depend on what is heard and seen in the files: silence, captions, highlights.

All make ordinary cuts and subtitles. What is in the files comes as analyses (`analyses.py`).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Number, Segment

from ..analyses import (
    CAPTION_SILENCE_MS,
    Analysis,
    AnalysisRequest,
    Moments,
    MomentsRequest,
    SilenceRequest,
    Silences,
)
from ..errors import EditRejected
from ..intents import AddCaptions, AddSubtitles, Cue, CutSilence, KeepHighlights
from ..timeline import MediaPool, clips_of, is_reversed, length_of
from .clip_edits import select_clips
from .title_edits import add_subtitles
from .video_rebuild import MAX_CLIPS, KeptRange, rebuild_video, subtract_ranges

_Range = tuple[Number, Number]
# Silence that stays at both ends of a cut, so that no word is clipped.
_PADDING_MS = 80
_MIN_CUT_MS = 40
# Silence that begins so soon is at the start of the video.
_EDGE_MS = 50
_MIN_SPEECH_MS = 120
_CAPTION_MS, _WORD_MS = 3500, 400
_MAX_CAPTIONS = 300
# Captions become shorter by this factor until there is one for each text of a script.
_SHORTER = 0.8
_DEFAULT_HIGHLIGHTS_MS = 30_000
_SHORTEST_PART_MS, _LONGEST_PART_MS = 2000, 6000
_SILENT_DB = -90.0
# A part that begins with a new scene counts as so much louder.
_SCENE_BONUS_DB = 6.0


def cut_silence(draft: Draft, edit: CutSilence, media_pool: MediaPool) -> Draft:
    """Cut the silent ranges out of the selected clips; a little of each stays."""
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    heard = [clips[index] for index in indexes if media_pool.has_audio(clips[index])]
    if not heard:
        raise EditRejected("no_sound")
    request = SilenceRequest(edit.level_db, edit.min_ms)
    silent = [one for clip in heard for one in _silent_ranges(clip, request, media_pool)]
    total = length_of(draft)
    padded = (_padded(one, total) for one in silent if _is_at(one, edit.place, total))
    removed = [(start, end) for start, end in padded if end - start >= _MIN_CUT_MS]
    values = {"seconds": format_seconds(edit.min_ms), "level": f"{edit.level_db:g}"}
    if not removed:
        raise EditRejected("no_silence", **values)
    if sum(end - start for start, end in silent) >= sum(c.duration_ms or 0 for c in heard) - 1:
        raise EditRejected("all_silent", **values)
    kept = subtract_ranges(total, removed)
    if len(kept) > MAX_CLIPS:
        raise EditRejected("many_silences", count=len(removed), most=MAX_CLIPS)
    return rebuild_video(draft, kept, media_pool)


def _is_at(silent: _Range, place: str, total: Number) -> bool:
    """Whether a silent range is where silence is to be cut."""
    at_start = place in ("start", "ends") and silent[0] <= _EDGE_MS
    at_end = place in ("end", "ends") and silent[1] >= total - _EDGE_MS
    return place == "all" or at_start or at_end


def _padded(silent: _Range, total: Number) -> _Range:
    """What is cut out of a silent range: a little stays beside what is heard."""
    start, end = silent
    return (
        start if start <= _EDGE_MS else start + _PADDING_MS,
        end if end >= total - _EDGE_MS else end - _PADDING_MS,
    )


def _silent_ranges(
    clip: Segment, request: SilenceRequest, media_pool: MediaPool
) -> Iterator[_Range]:
    """The silent ranges of a clip, on the timeline."""
    silences = cast(Silences, _analysis(clip, request, media_pool))
    for start, end in silences.ranges:
        yield from _on_timeline(clip, start, end)


def _analysis(clip: Segment, request: AnalysisRequest, media_pool: MediaPool) -> Analysis:
    found = media_pool.analyses.get((clip.source or "", request))
    if found is None:
        raise EditRejected("not_analyzed")
    return found


def _on_timeline(clip: Segment, start: float, end: float) -> Iterator[_Range]:
    """A range of the source of a clip on the timeline, if the clip plays any of it."""
    speed, first = clip.speed or 1, clip.source_start_ms or 0
    begin, length = clip.start_ms or 0, clip.duration_ms or 0
    low, high = (start - first) / speed, (end - first) / speed
    if is_reversed(clip):
        low, high = length - high, length - low
    low, high = max(low, 0), min(high, length)
    if low < high:
        yield round(begin + low), round(begin + high)


def add_captions(draft: Draft, edit: AddCaptions, media_pool: MediaPool) -> Draft:
    """Add subtitles where there is sound; without words of a script they are placeholders."""
    heard = [clip for clip in clips_of(draft) if media_pool.has_audio(clip)]
    if not heard:
        raise EditRejected("no_sound")
    request = SilenceRequest(CutSilence().level_db, CAPTION_SILENCE_MS)
    speech: list[_Range] = []
    for clip in heard:
        begin, end = clip.start_ms or 0, clip.end_ms
        silent = sorted(_silent_ranges(clip, request, media_pool))
        speech += _gaps(silent, begin, end)
    total = sum(end - start for start, end in speech)
    if not speech:
        raise EditRejected("no_speech")
    longest = max(_WORD_MS if edit.by_word else _CAPTION_MS, total / _MAX_CAPTIONS)
    name = "word" if edit.by_word else "caption"
    times = [piece for one in speech for piece in _pieces(one, longest)]
    while len(times) < len(edit.words):
        longest *= _SHORTER
        if longest < 1:
            raise EditRejected("many_words", count=len(edit.words))
        times = [piece for one in speech for piece in _pieces(one, longest)]
    texts = edit.words or [f"[{name} {n}]" for n in range(1, len(times) + 1)]
    cues = [Cue(start, end, text) for (start, end), text in zip(times, texts, strict=False)]
    return add_subtitles(draft, AddSubtitles(tuple(cues)), media_pool)


def _gaps(silent: Sequence[_Range], begin: Number, end: Number) -> Iterator[_Range]:
    """What is between silent ranges, without what is too short to be speech."""
    at = begin
    for start, stop in [*silent, (end, end)]:
        if start - at >= _MIN_SPEECH_MS:
            yield at, start
        at = max(at, stop)


def _pieces(span: _Range, longest: float) -> Iterator[tuple[int, int]]:
    """A span in equal pieces, none longer than `longest`."""
    start, end = span
    count = max(1, -int(-(end - start) // longest))
    times = [round(start + (end - start) * n / count) for n in range(count + 1)]
    yield from pairwise(times)


def keep_highlights(draft: Draft, edit: KeepHighlights, media_pool: MediaPool) -> Draft:
    """Keep the loudest parts and those after scene changes, in their order."""
    total = length_of(draft)
    wanted = edit.duration_ms or min(_DEFAULT_HIGHLIGHTS_MS, round(total / 2))
    if wanted >= total:
        raise EditRejected("short_already", at=format_seconds(total))
    part = min(max(wanted // 6, _SHORTEST_PART_MS), _LONGEST_PART_MS, wanted)
    loudness, changes = _moments(draft, media_pool, round(total))
    chosen: list[_Range] = []
    rest = wanted
    for start in _ranked_starts(loudness, changes, part, round(total)):
        length = min(part, rest)
        end = start + length
        if end <= total and all(end <= low or high <= start for low, high in chosen):
            chosen.append((start, end))
            rest -= length
        if rest <= 0:
            break
    if rest > 0:
        chosen = _lengthened(chosen, rest, round(total))
    return rebuild_video(draft, [KeptRange(*one) for one in _merged(chosen)], media_pool)


def _lengthened(chosen: Sequence[_Range], rest: Number, total: Number) -> list[_Range]:
    """The parts, the best ones lengthened until all are so much longer: the gaps are too short."""
    longer = list(chosen)
    for n, (start, end) in enumerate(longer):
        others = longer[:n] + longer[n + 1 :]
        after = min([total, *(low for low, _ in others if low >= end)])
        before = max([0, *(high for _, high in others if high <= start)])
        later = min(rest, after - end)
        earlier = min(rest - later, start - before)
        longer[n] = (start - earlier, end + later)
        rest -= later + earlier
    return longer


def _moments(draft: Draft, media_pool: MediaPool, total: int) -> tuple[list[float], set[int]]:
    """The loudness of each second of the timeline in dB, and where a scene begins on it."""
    loudness = [_SILENT_DB] * (total // 1000 + 1)
    changes: set[int] = set()
    for clip in clips_of(draft):
        changes.add(round(clip.start_ms or 0))
        media = media_pool.find(clip.source)
        if media is not None and media.kind == "image":
            continue
        found = cast(Moments, _analysis(clip, MomentsRequest(), media_pool))
        for second, level in enumerate(found.loudness):
            for start, end in _on_timeline(clip, second * 1000, second * 1000 + 1000):
                for at in range(int(start // 1000), int(-(-end // 1000))):
                    if clip.volume != 0:
                        loudness[at] = max(loudness[at], level)
        for change in found.scene_changes:
            changes.update(int(at) for at, _ in _on_timeline(clip, change, change + 1))
    return loudness, changes


def _ranked_starts(
    loudness: Sequence[float], changes: set[int], part: int, total: int
) -> list[int]:
    """Where a part can start, the best first; equal ones in order of time."""
    starts = sorted({*range(0, max(total - part, 0) + 1, 1000), *changes})
    scores: dict[int, float] = {}
    for start in starts:
        seconds = loudness[start // 1000 : (start + part) // 1000 or None] or loudness[-1:]
        bonus = _SCENE_BONUS_DB if start in changes else 0.0
        scores[start] = sum(seconds) / len(seconds) + bonus
    return sorted(starts, key=lambda start: (-round(scores[start], 2), start))


def _merged(ranges: Sequence[_Range]) -> list[_Range]:
    merged: list[_Range] = []
    for start, end in sorted(ranges):
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
