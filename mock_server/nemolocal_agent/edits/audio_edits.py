"""Edits of volumes, of the background music, and of fades."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Number, Segment, Track, TrackType
from nemolocal_contract.effects import Duck, SoundFade, effect_to_wire

from ..errors import EditRejected
from ..intents import SELECT_ALL, AddMusic, DuckMusic, Fade, RemoveMusic, SetVolume
from ..timeline import (
    DEFAULT_MOOD,
    MAX_MUSIC_MS,
    MUSIC_TITLES,
    MUSIC_TRACK,
    PENDING,
    Media,
    MediaPool,
    add_track,
    change_tracks,
    is_music_track,
    length_of,
    match_names,
    music_track,
    new_segment_ids,
    sorted_segments,
    with_clips,
    with_segments,
)
from .clip_edits import select_clips, used_sources
from .music_fitting import fit_music
from .title_edits import change_titles

MAX_VOLUME = 4.0
DEFAULT_MUSIC_VOLUME = 0.35
_replace = msgspec.structs.replace
_DEFAULT_FADE_MS = 1000


def set_volume(draft: Draft, edit: SetVolume, media_pool: MediaPool) -> Draft:
    """Set or change the volume of the clips, the music, both, or some clips."""
    if edit.volume is None and edit.change is None:
        raise EditRejected("how_loud")
    after = _apply_volume(draft, edit, media_pool)
    if edit.volume != 0:
        _require_audio(draft, edit, media_pool)
    if edit.change is not None and edit.change > 1 and after == draft:
        raise EditRejected("no_louder")
    return after


def _require_audio(draft: Draft, edit: SetVolume, media_pool: MediaPool) -> None:
    """Reject a change of the volume of something that has no sound."""
    if edit.target == "music":
        return
    if edit.selector != SELECT_ALL:
        _, clips, indexes = select_clips(draft, edit.selector, media_pool)
        meant = [clips[index] for index in indexes]
    else:
        tracks = draft.of_type(TrackType.VIDEO)
        tracks += [music_track(draft) or Track()] if edit.target == "all" else []
        meant = [segment for track in tracks for segment in track.segments or ()]
    if meant and not any(map(media_pool.has_audio, meant)):
        raise EditRejected("no_sound")


def _apply_volume(draft: Draft, edit: SetVolume, media_pool: MediaPool) -> Draft:
    change = _skip_stills(draft, _volume_change(edit), media_pool)
    if edit.target == "music":
        _require_music(draft)
        return change_tracks(draft, is_music_track, change)
    if edit.selector != SELECT_ALL:
        draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
        for index in indexes:
            clips[index] = change(clips[index])
        return with_clips(draft, clips)
    everything = edit.target == "all"
    return change_tracks(
        draft,
        lambda track: track.type == TrackType.VIDEO or (everything and is_music_track(track)),
        change,
    )


def _skip_stills(
    draft: Draft, change: Callable[[Segment], Segment], media_pool: MediaPool
) -> Callable[[Segment], Segment]:
    """Leave still images, which have no sound, out of the change."""
    segments = [s for t in draft.of_type(TrackType.VIDEO) for s in t.segments or ()]
    still = dict(zip((s.id for s in segments), media_pool.static_flags(segments), strict=True))
    return lambda segment: segment if still.get(segment.id) else change(segment)


def _volume_change(edit: SetVolume) -> Callable[[Segment], Segment]:
    """The function that sets the volume of a segment, or multiplies it."""
    if edit.volume is not None:
        volume = _clamp_volume(edit.volume)
        return lambda segment: _replace(segment, volume=volume)
    change = edit.change or 0
    return lambda segment: _replace(segment, volume=_clamp_volume(_volume(segment) * change))


def _volume(segment: Segment) -> float:
    return 1.0 if segment.volume is None else segment.volume


def _clamp_volume(volume: float) -> float:
    return round(min(max(volume, 0.0), MAX_VOLUME), 4)


def choose_music_upload(draft: Draft, edit: AddMusic, media_pool: MediaPool) -> Media | None:
    """The upload that becomes the music; None if music has to be composed.

    This is the upload that the edit names; without a name and a mood, the first unused one.
    """
    sounds = [media for media in media_pool.uploads if media.kind == "audio"]
    if edit.name is None:
        placed = used_sources(draft)
        free = [media for media in sounds if media.id not in placed]
        return free[0] if free and edit.mood is None else None
    found = match_names(edit.name, [(media.filename, media.stem) for media in sounds])
    names = [media.filename for media in sounds]
    if not sounds:
        raise EditRejected("no_sounds")
    if not found:
        raise EditRejected("no_such_sound", count=len(sounds), names=names)
    if len(found) > 1:
        raise EditRejected("which_upload", names=[names[index] for index in found])
    return sounds[found[0]]


def add_music(draft: Draft, edit: AddMusic, media_pool: MediaPool) -> Draft:
    """Put music under the whole video; it replaces the music that was there."""
    sound = choose_music_upload(draft, edit, media_pool)
    source = media_pool.asset_ids.get(edit) or (PENDING if sound is None else sound.id)
    longest = media_pool.source_duration_ms(source)
    longest = MAX_MUSIC_MS if longest is None else longest
    total = length_of(draft)
    if edit.at_ms >= total:
        raise EditRejected("past_end", at=format_seconds(edit.at_ms))
    if edit.skip_ms >= longest:
        raise EditRejected("past_end_of_sound", at=format_seconds(edit.skip_ms))
    segment = Segment(
        id=next(new_segment_ids(draft)),
        start_ms=edit.at_ms,
        duration_ms=min(total - edit.at_ms, longest - edit.skip_ms),
        source=source,
        source_start_ms=edit.skip_ms,
        volume=DEFAULT_MUSIC_VOLUME if edit.volume is None else _clamp_volume(edit.volume),
        effects=(effect_to_wire(Duck()),) if edit.duck else None,
        metadata={"title": _music_title(source, edit, media_pool)},
    )
    old = music_track(draft)
    if old is None:
        draft = add_track(draft, TrackType.AUDIO, MUSIC_TRACK, [segment])
    else:
        draft = with_segments(draft, old, [segment])
    return fit_music(draft, media_pool)


def _music_title(source: str, edit: AddMusic, media_pool: MediaPool) -> str:
    upload = next((media for media in media_pool.uploads if media.id == source), None)
    return MUSIC_TITLES[edit.mood or DEFAULT_MOOD] if upload is None else upload.stem


def _require_music(draft: Draft) -> Track:
    music = music_track(draft)
    if music is None or not music.segments:
        raise EditRejected("no_music")
    return music


def duck_music(draft: Draft, _: DuckMusic, __: MediaPool) -> Draft:
    """Lower the music while the clips have sound."""
    _require_music(draft)
    return change_tracks(draft, is_music_track, _duck)


def _duck(segment: Segment) -> Segment:
    others = [effect for effect in segment.effects or () if effect.get("type") != "duck"]
    return _replace(segment, effects=(*others, effect_to_wire(Duck())))


def remove_music(draft: Draft, _: RemoveMusic, __: MediaPool) -> Draft:
    """Remove the background music."""
    return with_segments(draft, _require_music(draft), [])


def add_fade(draft: Draft, edit: Fade, media_pool: MediaPool) -> Draft:
    """Fade in or out: the video and its music, one of the two, some clips, or titles."""
    if edit.target == "title":
        return change_titles(
            draft, edit.selector, lambda title: _fade_segment(title, edit, edit.way)
        )
    if edit.target == "music":
        return _fade_music(draft, edit)
    if edit.target == "sound":
        return _fade_sound(draft, edit, media_pool)
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


def _fade_sound(draft: Draft, edit: Fade, media_pool: MediaPool) -> Draft:
    """Fade the sound of the clips and the music; the picture stays."""
    draft, clips, indexes = select_clips(draft, edit.selector, media_pool)
    music = music_track(draft)
    if not any(media_pool.has_audio(clips[index]) for index in indexes):
        if music is None:
            raise EditRejected("no_sound")
        return _fade_music(draft, edit)
    each = edit.selector != SELECT_ALL
    for index in indexes:
        if edit.way != "out" and (each or index == 0):
            clips[index] = _fade_sound_of(clips[index], edit, "in")
        if edit.way != "in" and (each or index == len(clips) - 1):
            clips[index] = _fade_sound_of(clips[index], edit, "out")
    after = with_clips(draft, clips)
    return after if each or music is None or not music.segments else _fade_music(after, edit)


def _fade_sound_of(segment: Segment, edit: Fade, way: str) -> Segment:
    """Set a fade of the sound, at most as long as the segment."""
    effects = segment.effects or ()
    old = next((effect for effect in effects if effect.get("type") == "sound-fade"), {})
    wanted = _DEFAULT_FADE_MS if edit.duration_ms is None else max(edit.duration_ms, 0)
    length = min(wanted, segment.duration_ms or 0)
    fades = {"in_ms": old.get("in_ms", 0.0), "out_ms": old.get("out_ms", 0.0), f"{way}_ms": length}
    others = tuple(effect for effect in effects if effect.get("type") != "sound-fade")
    return _replace(segment, effects=(*others, effect_to_wire(SoundFade(**fades))))


def _fade_music(draft: Draft, edit: Fade) -> Draft:
    music = _require_music(draft)
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
