"""Edits of the structure: freeze frames, boomerangs, ramps, loops, gaps, replaced clips."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from nemolocal_contract.audio_effects import audio_effect_rows
from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Number, Segment, TrackType, Transition
from nemolocal_contract.effects import Freeze, Reverse, Solid, effect_to_wire

from ..errors import EditRejected
from ..intents import (
    SELECT_ALL,
    Boomerang,
    FreezeFrame,
    InsertGap,
    ReplaceClip,
    ReverseSound,
    SeamlessLoop,
    Selector,
    ShuffleClips,
    SpeedRamp,
    TimelinePoint,
)
from ..timeline import (
    SOUND_TRACK,
    Media,
    MediaPool,
    add_segment,
    clamp_fades,
    clip_names,
    clips_of,
    find_clips,
    find_uploads,
    is_reversed,
    length_of,
    move_segment,
    new_segment_ids,
    require_one,
    resolve_point,
    round_ms,
    start_of,
    with_clips,
)
from .clip_edits import (
    check_limits,
    merged_clip_ranges,
    replace_ranges,
    select_clips,
    unplaced_uploads,
)
from .ripple import TimeMapping, ripple_tracks
from .video_rebuild import (
    KeptRange,
    checked_speed,
    fit_transitions,
    rebuild_video,
    reorder_clips,
    split_at,
)

_replace = msgspec.structs.replace
# A shorter freeze frame or gap would not be seen.
_SHORTEST_MS = 40
# The last frame of a source starts before its end.
_BEFORE_END_MS = 1
_RAMP_PARTS, _SHORTEST_PART_MS = 8, 100
_LOOP_FADE_MS, _SHORTEST_LOOP_MS = 1000, 800
_REVERSE, _FREEZE = effect_to_wire(Reverse()), effect_to_wire(Freeze())
# Effects that a freeze frame does not inherit.
_MOVING = ("reverse", "zoom")


def insert_clips(
    draft: Draft, at: Number, inserted: Sequence[Segment], length: Number, media_pool: MediaPool
) -> Draft:
    """Insert clips that are `length` ms long together, or a gap; what follows moves.

    The clips have their starts already, and get new ids. Raises `EditRejected` if the video becomes
    too long.
    """
    total = length_of(draft)
    if 0 < at < total:
        draft = rebuild_video(draft, split_at(total, [at]), media_pool)
    clips = clips_of(draft)
    new_ids = new_segment_ids(draft)
    inserted = [_replace(clip, id=next(new_ids)) for clip in inserted]
    # Times on either side of a cut differ by rounding errors at most.
    before = [clip for clip in clips if start_of(clip) < at - 0.5]
    after = [move_segment(clip, round_ms(start_of(clip) + length)) for clip in clips[len(before) :]]
    if not clips:
        return check_limits(with_clips(draft, inserted))
    mappings = [
        TimeMapping(start, end, start + by, end + by)
        for start, end, by in ((0, at, 0), (at, total, length))
        if start < end
    ]
    placed = fit_transitions([*before, *inserted, *after])
    return check_limits(ripple_tracks(draft, placed, mappings, media_pool))


def point_on_timeline(draft: Draft, point: TimelinePoint) -> Number:
    """A point of the video in ms; raises `EditRejected` if the video ends before it."""
    total = length_of(draft)
    if point.before_end and not point.ms and point.share is None:
        return total  # which may be no whole number
    if not point.before_end and point.share is None and point.ms > total:
        raise EditRejected("past_end", at=format_seconds(point.ms))
    return resolve_point(point, total)


def require_visible_length(length: int) -> None:
    """Raise `EditRejected` for a duration too short to be seen."""
    if length < _SHORTEST_MS:
        raise EditRejected("too_short")


def freeze_frame(draft: Draft, edit: FreezeFrame, media_pool: MediaPool) -> Draft:
    """Freeze the frame at a point; at the end of the video or of a clip, the last one."""
    require_visible_length(edit.duration_ms)
    clips = clips_of(draft)
    if edit.selector == SELECT_ALL:
        at = point_on_timeline(draft, edit.at)
        held = next((clip for clip in clips if start_of(clip) <= at < clip.end_ms), None)
        if held is None:
            held = next((clip for clip in reversed(clips) if abs(clip.end_ms - at) <= 1), None)
        if held is None:
            raise EditRejected("no_picture_there", at=format_seconds(at))
    else:
        held = clips[require_one(clips, find_clips(clips, edit.selector, media_pool), media_pool)]
        length = held.duration_ms or 0
        if not edit.at.before_end and edit.at.share is None and edit.at.ms > length:
            raise EditRejected("past_end_of_clip", at=format_seconds(edit.at.ms))
        at = start_of(held) + resolve_point(edit.at, length)
    return _hold(draft, held, min(at, held.end_ms), edit.duration_ms, media_pool)


def _hold(
    draft: Draft, clip: Segment, at: Number, duration_ms: int, media_pool: MediaPool
) -> Draft:
    """Insert the frame of a clip that is shown at a time."""
    shown = at - start_of(clip)
    ends = clip.end_ms - at < 1
    if ends and clip.fade_out_ms:
        clips = [_replace(c, fade_out_ms=None) if c is clip else c for c in clips_of(draft)]
        draft = with_clips(draft, clips)
    held = _replace(
        clip,
        start_ms=at,
        duration_ms=duration_ms,
        fade_in_ms=None,
        fade_out_ms=clip.fade_out_ms if ends else None,
        transition=None,
    )
    if not media_pool.is_static(clip):
        kept = [effect for effect in clip.effects or () if effect.get("type") not in _MOVING]
        held = _replace(
            held,
            source_start_ms=_source_time(clip, shown),
            speed=None,
            volume=None,
            effects=(*kept, _FREEZE),
        )
    return insert_clips(draft, at, [clamp_fades(held)], duration_ms, media_pool)


def _source_time(clip: Segment, shown: Number) -> Number:
    """The time in the source of the frame that is shown so long after the start of a clip."""
    length, speed = clip.duration_ms or 0, clip.speed or 1
    if is_reversed(clip):
        shown = length - shown
    shown = min(shown, length - _BEFORE_END_MS / speed)
    return round_ms(max((clip.source_start_ms or 0) + shown * speed, 0))


def boomerang(draft: Draft, edit: Boomerang, media_pool: MediaPool) -> Draft:
    """Play the selected clips forwards and then backwards."""
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    spans = merged_clip_ranges(clips, indexes)
    if edit.selector == SELECT_ALL:
        # A gap at the start would be one at the end, where there is none.
        spans = [(start_of(clips[0]), length_of(draft))]
    # From the last one on, so that the times of the others stay.
    for start, end in reversed(spans):
        draft = check_limits(_with_return(draft, start, end, media_pool))
    return draft


def _with_return(draft: Draft, start: Number, end: Number, media_pool: MediaPool) -> Draft:
    """The draft with a part of the video played backwards after itself."""
    clips, total = clips_of(draft), length_of(draft)
    first = sum(start_of(clip) < start for clip in clips)
    count = sum(start <= start_of(clip) < end for clip in clips)
    parts = [(0, start), (start, end), (start, end), (end, total)]
    draft = rebuild_video(draft, [KeptRange(*part) for part in parts], media_pool)
    clips = clips_of(draft)
    there, back = clips[: first + count], clips[first + count : first + 2 * count]
    static = media_pool.static_flags(back)
    mirrored = [
        _replace(
            clip if still else _turned(clip),
            start_ms=round_ms(2 * end - start - (clip.end_ms - end)),
            transition=before.transition if before else None,
            fade_out_ms=None,
        )
        for clip, still, before in zip(back, static, [None, *back], strict=False)
    ][::-1]
    mirrored[-1] = clamp_fades(_replace(mirrored[-1], fade_out_ms=back[-1].fade_out_ms))
    return with_clips(draft, fit_transitions([*there, *mirrored, *clips[len(there) + count :]]))


def _turned(clip: Segment) -> Segment:
    """Return the clip with its direction reversed."""
    others = [effect for effect in clip.effects or () if effect.get("type") != "reverse"]
    effects = others if is_reversed(clip) else [*others, _REVERSE]
    return _replace(clip, effects=tuple(effects) or None)


def ramp_speed(draft: Draft, edit: SpeedRamp, media_pool: MediaPool) -> Draft:
    """Play each run of the selected clips in parts whose speed changes from part to part."""
    if edit.start == edit.end:
        raise EditRejected("flat_ramp")
    if not min(edit.start, edit.end) > 0:
        checked_speed(min(edit.start, edit.end))
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    spans = merged_clip_ranges(clips, indexes)
    ramps = [_ramp(start, end, edit) for start, end in spans]
    return check_limits(
        rebuild_video(draft, replace_ranges(length_of(draft), spans, ramps), media_pool)
    )


def _ramp(start: Number, end: Number, edit: SpeedRamp) -> list[KeptRange]:
    count = min(int((end - start) // _SHORTEST_PART_MS), _RAMP_PARTS)
    if count < 2:
        raise EditRejected("too_short")
    times = [start + round((end - start) * n / count) for n in range(count)] + [end]
    step = (edit.end - edit.start) / (count - 1)
    return [
        KeptRange(times[n], times[n + 1], round(edit.start + n * step, 3)) for n in range(count)
    ]


def loop_seamlessly(draft: Draft, _: SeamlessLoop, media_pool: MediaPool) -> Draft:
    """Start a little later, and end with the original start, crossfaded from the end.

    The last frame is followed by the first one in the source; half of the fade is taken from
    either side of the cut.
    """
    total = length_of(draft)
    if total < _SHORTEST_LOOP_MS:
        raise EditRejected("too_short")
    fade = min(_LOOP_FADE_MS, round(total / 4))
    half, begin = fade / 2, 2 * fade
    parts = [KeptRange(begin, round_ms(total - half)), KeptRange(round_ms(half), begin)]
    draft = rebuild_video(draft, parts, media_pool)
    clips, seam = clips_of(draft), total - half - begin
    last = max(n for n, clip in enumerate(clips) if start_of(clip) < seam - 0.5)
    clips[last] = _replace(
        clips[last], transition=Transition(type="crossfade", duration_ms=fade), fade_out_ms=None
    )
    return with_clips(draft, fit_transitions(clips))


def shuffle_clips(draft: Draft, _: ShuffleClips, media_pool: MediaPool) -> Draft:
    """Put the clips into another order: the same one for equal clips in equal order."""
    clips = clips_of(draft)
    if len(clips) < 2:
        raise EditRejected("one_clip", names=clip_names(clips, media_pool))
    ids = ",".join(str(clip.id) for clip in clips)

    def drawn(number: int) -> bytes:
        return sha256(f"{ids}|{number}".encode()).digest()

    order = sorted(range(len(clips)), key=drawn)
    if order == sorted(order):
        order = [*order[1:], order[0]]
    return reorder_clips(draft, clips, order, media_pool)


def insert_gap(draft: Draft, edit: InsertGap, media_pool: MediaPool) -> Draft:
    """Insert black at a time, after a clip, or between all clips."""
    require_visible_length(edit.duration_ms)
    clips = clips_of(draft)
    if edit.at is not None:
        times = [point_on_timeline(draft, edit.at)]
    elif edit.selector != SELECT_ALL:
        times = [clips[n].end_ms for n in find_clips(clips, edit.selector, media_pool)]
    else:
        times = [start_of(clip) for clip in clips[1:]]
        if not times:
            raise EditRejected("no_cuts")
    for at in sorted(times, reverse=True):
        black: list[Segment] = []
        if at >= length_of(draft) - 0.5:  # the end of a draft is that of its last clip
            black = [make_solid(Solid(), at, edit.duration_ms)]
        draft = insert_clips(draft, at, black, edit.duration_ms, media_pool)
    return draft


def make_solid(solid: Solid, at: Number, length: Number) -> Segment:
    """A segment of a plain colour, without an id."""
    return Segment(
        start_ms=at,
        duration_ms=length,
        effects=(effect_to_wire(solid),),
        metadata={"title": solid.color},
    )


def replace_clip(draft: Draft, edit: ReplaceClip, media_pool: MediaPool) -> Draft:
    """Replace a clip with an upload of at most its length; everything after it moves up."""
    clips = clips_of(draft)
    index = require_one(clips, find_clips(clips, edit.selector, media_pool), media_pool)
    media = _replacement(draft, edit, media_pool)
    old = clips[index]
    start, length = start_of(old), old.duration_ms or 0
    if media.kind != "image" and media.duration_ms < length:
        length = media.duration_ms
        kept = [KeptRange(0, start + length), KeptRange(old.end_ms, length_of(draft))]
        draft = rebuild_video(draft, kept, media_pool)
    clips = clips_of(draft)
    own = ("freeze", "solid")
    effects = [effect for effect in old.effects or () if effect.get("type") not in own]
    clips[index] = clamp_fades(
        _replace(
            old,
            duration_ms=length,
            source=media.id,
            source_start_ms=0,
            speed=None,
            effects=tuple(effects) or None,
            metadata={"title": media.stem},
        )
    )
    return with_clips(draft, fit_transitions(clips))


def _replacement(draft: Draft, edit: ReplaceClip, media_pool: MediaPool) -> Media:
    if edit.name is not None:
        return find_uploads(media_pool.visual_uploads, Selector(name=edit.name))[0]
    fresh = unplaced_uploads(draft, media_pool)
    if len(fresh) > 1:
        raise EditRejected("which_upload", names=[media.filename for media in fresh])
    if not fresh:
        raise EditRejected("no_replacement")
    return fresh[0]


def reverse_sound(draft: Draft, edit: ReverseSound, media_pool: MediaPool) -> Draft:
    """Mute the selected clips, and play their sound backwards on a track of its own."""
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    heard = [n for n in indexes if media_pool.has_audio(clips[n]) and clips[n].volume != 0]
    if not heard:
        raise EditRejected("no_sound")
    new_ids = new_segment_ids(draft)
    sounds = [
        _replace(_turned(clips[n]), id=next(new_ids), transition=None, metadata=clips[n].metadata)
        for n in heard
    ]
    for n in heard:
        clips[n] = _replace(clips[n], volume=0)
    draft = with_clips(draft, clips)
    for sound in sounds:
        draft = add_segment(draft, TrackType.AUDIO, SOUND_TRACK, _only_sound(sound))
    return draft


def _only_sound(clip: Segment) -> Segment:
    """Return the clip as an audio segment, without its video effects."""
    effects = [e for e in clip.effects or () if e.get("type") in _sound_effects()]
    return _replace(clip, effects=tuple(effects) or None)


def _sound_effects() -> set[str]:
    return {"reverse", "sound-fade", *audio_effect_rows()}
