"""Edits of audio effects, of sound effects, and of the sound of clips as a whole."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.audio_effects import audio_effect_rows, sound_rows
from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Number, Segment, TrackType
from nemolocal_contract.effects import AudioEffect, effect_to_wire

from ..errors import EditRejected
from ..intents import (
    AddSound,
    ApplyAudioEffect,
    RemoveAudioEffects,
    RemoveSounds,
    ReplaceSound,
    Selector,
    SetVolume,
)
from ..timeline import (
    PENDING,
    SOUND_TRACK,
    SOUNDS_TRACK,
    MediaPool,
    add_segment,
    change_tracks,
    clips_of,
    is_music_track,
    length_of,
    match_names,
    music_track,
    new_segment_ids,
    resolve_point,
    with_clips,
    with_segments,
)
from .audio_edits import set_volume
from .clip_edits import select_clips
from .video_rebuild import KeptRange, rebuild_video

_replace = msgspec.structs.replace
_MAX_SUSTAINED_MS = 60_000
_MAX_AUDIO_EFFECTS = 8
# Without a difference between left and right, they would take away nearly everything.
_STEREO_ONLY = ("no-vocals",)


def apply_audio_effect(draft: Draft, edit: ApplyAudioEffect, media_pool: MediaPool) -> Draft:
    """Apply an audio effect to the selected clips that have sound, or to the music."""
    row = audio_effect_rows()[edit.name]
    try:
        row.checked_amount(edit.amount)
    except msgspec.ValidationError:
        assert row.amount is not None
        raise EditRejected(
            "bad_amount", low=f"{row.amount.low:g}", high=f"{row.amount.high:g} {row.amount.unit}"
        ) from None
    wire = effect_to_wire(AudioEffect(edit.name, edit.amount))

    def change(segment: Segment) -> Segment:
        media = media_pool.find(segment.source)
        if edit.name in _STEREO_ONLY and media is not None and media.channels == 1:
            raise EditRejected("needs_stereo", name=media.filename)
        effects = segment.effects or ()
        kept = tuple(effect for effect in effects if effect.get("type") != edit.name)
        if sum(map(_is_audio_effect, kept)) >= _MAX_AUDIO_EFFECTS:
            raise EditRejected("many_audio_effects", most=_MAX_AUDIO_EFFECTS)
        types = [effect.get("type") for effect in effects]
        at = types.index(edit.name) if edit.name in types else len(kept)
        return _replace(segment, effects=(*kept[:at], wire, *kept[at:]))

    return _change_sounding(draft, edit.target, edit.selector, change, media_pool)


def _is_audio_effect(effect: dict[str, object]) -> bool:
    return effect.get("type") in audio_effect_rows()


def remove_audio_effects(draft: Draft, edit: RemoveAudioEffects, media_pool: MediaPool) -> Draft:
    """Remove one audio effect or all; raises `EditRejected` if there is none."""

    def change(segment: Segment) -> Segment:
        kept = tuple(
            effect
            for effect in segment.effects or ()
            if not _is_audio_effect(effect) or edit.name not in (None, effect.get("type"))
        )
        return segment if kept == segment.effects else _replace(segment, effects=kept or None)

    after = _change_sounding(draft, edit.target, edit.selector, change, media_pool)
    if after == draft:
        raise EditRejected("no_effect" if edit.name != "echo" else "no_echo_added")
    return after


def _change_sounding(
    draft: Draft,
    target: str,
    selector: Selector,
    change: Callable[[Segment], Segment],
    media_pool: MediaPool,
) -> Draft:
    """Change the music, or the selected clips that have sound."""
    if target == "music":
        music = music_track(draft)
        if music is None or not music.segments:
            raise EditRejected("no_music")
        return change_tracks(draft, is_music_track, change)
    draft, clips, indexes = select_clips(draft, selector, media_pool)
    sounding = [index for index in indexes if media_pool.has_audio(clips[index])]
    if not sounding:
        raise EditRejected("no_sound")
    for index in sounding:
        clips[index] = change(clips[index])
    return with_clips(draft, clips)


def add_sound(draft: Draft, edit: AddSound, media_pool: MediaPool) -> Draft:
    """Play a sound effect at a time, at the end, or at each cut."""
    if edit.name is None:
        names = [f"{name} ({row.label[1]})" for name, row in sound_rows().items()]
        raise EditRejected("which_sound", names=names)
    total, length = length_of(draft), sound_length_ms(edit)
    source = media_pool.asset_ids.get(edit, PENDING)
    for start in _sound_starts(draft, edit, total, length):
        segment = Segment(
            id=next(new_segment_ids(draft)),
            start_ms=start,
            duration_ms=min(length, total - start),
            source=source,
            source_start_ms=0,
            metadata={"title": sound_rows()[edit.name].label[0]},
        )
        draft = add_segment(draft, TrackType.AUDIO, SOUNDS_TRACK, segment)
    return draft


def sound_length_ms(edit: AddSound) -> int:
    """How long the sound effect of an edit is."""
    row = sound_rows()[edit.name or ""]
    if row.sustained and edit.duration_ms:
        return min(edit.duration_ms, _MAX_SUSTAINED_MS)
    return round(row.seconds * 1000)


def _sound_starts(draft: Draft, edit: AddSound, total: Number, length: int) -> list[Number]:
    if edit.at_cuts:
        cuts = [clip.start_ms or 0 for clip in clips_of(draft)[1:]]
        if not cuts:
            raise EditRejected("no_cuts")
        return [max(cut - length // 2, 0) for cut in cuts]
    start: Number = resolve_point(edit.start, total)
    if edit.start.before_end and edit.start.share is None and not edit.start.ms:
        start = max(total - length, 0)
    elif start >= total or (not edit.start.before_end and edit.start.ms > total):
        raise EditRejected("past_end", at=format_seconds(edit.start.ms))
    return [start]


def remove_sounds(draft: Draft, edit: RemoveSounds, _: MediaPool) -> Draft:
    """Remove one kind of sound effect, or all."""
    label = None if edit.name is None else sound_rows()[edit.name].label[0]
    after = draft
    for track in draft.of_type(TrackType.AUDIO):
        if track.name != SOUNDS_TRACK:
            continue
        kept = [
            segment
            for segment in track.segments or ()
            if label is not None and (segment.metadata or {}).get("title") != label
        ]
        if len(kept) < len(track.segments or ()):
            after = with_segments(after, track, kept)
    if after is draft:
        raise EditRejected("no_sounds_added")
    return after


def replace_sound(draft: Draft, edit: ReplaceSound, media_pool: MediaPool) -> Draft:
    """Mute the clips and play the sound of an upload instead.

    If that upload is a clip beside others, its picture leaves the timeline: "the audio of a.mp4
    over the video of b.mp4".
    """
    uploads = [media for media in media_pool.uploads if media.kind != "image"]
    found = match_names(edit.name, [(media.filename, media.stem) for media in uploads])
    names = [media.filename for media in uploads]
    if not found:
        raise EditRejected("no_such_upload", count=len(uploads), names=names)
    if len(found) > 1:
        raise EditRejected("which_upload", names=[names[index] for index in found])
    media = uploads[found[0]]
    if not media.has_audio:
        raise EditRejected("no_sound_in", name=media.filename)
    others = [clip for clip in clips_of(draft) if clip.source != media.id]
    if others and len(others) < len(clips_of(draft)):
        kept = [KeptRange(clip.start_ms or 0, clip.end_ms) for clip in others]
        draft = rebuild_video(draft, kept, media_pool)
    if any(media_pool.has_audio(clip) for clip in clips_of(draft)):
        draft = set_volume(draft, SetVolume(0.0, target="video"), media_pool)
    segment = Segment(
        id=next(new_segment_ids(draft)),
        start_ms=0,
        duration_ms=min(length_of(draft), media.duration_ms),
        source=media.id,
        source_start_ms=0,
        metadata={"title": media.stem},
    )
    for track in draft.of_type(TrackType.AUDIO):
        if track.name == SOUND_TRACK:
            draft = with_segments(draft, track, [])
    return add_segment(draft, TrackType.AUDIO, SOUND_TRACK, segment)
