"""Sound: how loud, and the background music."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.draft import Draft, Segment, Track, TrackType
from nemolocal_contract.effects import Duck, effect_to_wire

from ..intents import ALL, AddMusic, DuckMusic, RemoveMusic, SetVolume
from ..problems import CannotEdit
from ..timeline import (
    MUSIC,
    add_track,
    change_tracks,
    fresh_ids,
    length_of,
    music_track,
    with_clips,
    with_segments,
)
from .material import LONGEST_MUSIC_MS, MUSIC_TITLES, PENDING, USUAL_MOOD, Material, Media
from .music import fit_music
from .placing import sources_of
from .selection import chosen, matching

LOUDEST = 4.0
USUAL_VOLUME = 0.35
_replace = msgspec.structs.replace


def set_volume(draft: Draft, edit: SetVolume, material: Material) -> Draft:
    """The clips, the music or both louder or quieter; those of one clip are its own."""
    if edit.volume is None and edit.change is None:
        raise CannotEdit("how_loud")
    after = _with_volume(draft, edit, material)
    if edit.volume != 0:
        _require_sound(draft, edit, material)
    if edit.change is not None and edit.change > 1 and after == draft:
        raise CannotEdit("no_louder")
    return after


def _require_sound(draft: Draft, edit: SetVolume, material: Material) -> None:
    """Refuse to make louder or quieter what cannot be heard at all."""
    if edit.target == "music":
        return
    if edit.which != ALL:
        _, clips, places = chosen(draft, edit.which, material)
        meant = [clips[place] for place in places]
    else:
        tracks = draft.of_type(TrackType.VIDEO)
        tracks += [music_track(draft) or Track()] if edit.target == "all" else []
        meant = [segment for track in tracks for segment in track.segments or ()]
    if meant and not any(map(material.has_sound, meant)):
        raise CannotEdit("no_sound")


def _with_volume(draft: Draft, edit: SetVolume, material: Material) -> Draft:
    change = _of_what_sounds(draft, _volume_change(edit), material)
    if edit.target == "music":
        _the_music(draft)
        return change_tracks(draft, _is_music, change)
    if edit.which != ALL:
        draft, clips, places = chosen(draft, edit.which, material)
        for place in places:
            clips[place] = change(clips[place])
        return with_clips(draft, clips)
    everything = edit.target == "all"
    return change_tracks(
        draft,
        lambda track: track.type == TrackType.VIDEO or (everything and _is_music(track)),
        change,
    )


def _of_what_sounds(
    draft: Draft, change: Callable[[Segment], Segment], material: Material
) -> Callable[[Segment], Segment]:
    """The change for what is no picture, where anything is not: a picture has no volume."""
    segments = [s for t in draft.of_type(TrackType.VIDEO) for s in t.segments or ()]
    still = dict(zip((s.id for s in segments), material.timeless(segments), strict=True))
    if all(still.values()):
        return change
    return lambda segment: segment if still.get(segment.id) else change(segment)


def _is_music(track: Track) -> bool:
    return track.type == TrackType.AUDIO and track.name == MUSIC


def _volume_change(edit: SetVolume) -> Callable[[Segment], Segment]:
    """What makes a segment as loud as wanted: so loud, or so much louder than it is."""
    if edit.volume is not None:
        volume = _possible(edit.volume)
        return lambda segment: _replace(segment, volume=volume)
    change = edit.change or 0
    return lambda segment: _replace(segment, volume=_possible(_volume(segment) * change))


def _volume(segment: Segment) -> float:
    return 1.0 if segment.volume is None else segment.volume


def _possible(volume: float) -> float:
    return round(min(max(volume, 0.0), LOUDEST), 4)


def choose_sound(draft: Draft, edit: AddMusic, material: Material) -> Media | None:
    """The upload that becomes the music, or None where music is to be composed.

    It is the one that is named; without a name and a mood the first one that is not in use.
    """
    sounds = [media for media in material.uploads if media.kind == "audio"]
    if edit.name is None:
        placed = sources_of(draft)
        free = [media for media in sounds if media.id not in placed]
        return free[0] if free and edit.mood is None else None
    found = matching(edit.name, [(media.filename, media.stem) for media in sounds])
    names = [media.filename for media in sounds]
    if not sounds:
        raise CannotEdit("no_sounds")
    if not found:
        raise CannotEdit("no_such_sound", count=len(sounds), names=names)
    if len(found) > 1:
        raise CannotEdit("which_upload", names=[names[place] for place in found])
    return sounds[found[0]]


def add_music(draft: Draft, edit: AddMusic, material: Material) -> Draft:
    """Music under the whole video, in place of the music that was there."""
    sound = choose_sound(draft, edit, material)
    source = material.made.get(edit) or (PENDING if sound is None else sound.id)
    longest = material.length_ms(source)
    segment = Segment(
        id=next(fresh_ids(draft)),
        start_ms=0,
        duration_ms=min(length_of(draft), LONGEST_MUSIC_MS if longest is None else longest),
        source=source,
        source_start_ms=0,
        volume=USUAL_VOLUME if edit.volume is None else _possible(edit.volume),
        effects=(effect_to_wire(Duck()),) if edit.duck else None,
        metadata={"title": _title(source, edit, material)},
    )
    return fit_music(_with_music(draft, segment), material)


def _with_music(draft: Draft, segment: Segment) -> Draft:
    old = music_track(draft)
    if old is None:
        return add_track(draft, TrackType.AUDIO, MUSIC, [segment])
    return with_segments(draft, old, [segment])


def _title(source: str, edit: AddMusic, material: Material) -> str:
    upload = next((media for media in material.uploads if media.id == source), None)
    return MUSIC_TITLES[edit.mood or USUAL_MOOD] if upload is None else upload.stem


def _the_music(draft: Draft) -> Track:
    music = music_track(draft)
    if music is None or not music.segments:
        raise CannotEdit("no_music")
    return music


def duck_music(draft: Draft, _: DuckMusic, __: Material) -> Draft:
    """The music gets quieter while the clips have sound."""
    _the_music(draft)
    return change_tracks(draft, _is_music, _ducked)


def _ducked(segment: Segment) -> Segment:
    others = [effect for effect in segment.effects or () if effect.get("type") != "duck"]
    return _replace(segment, effects=(*others, effect_to_wire(Duck())))


def remove_music(draft: Draft, _: RemoveMusic, __: Material) -> Draft:
    """No background music any more."""
    return with_segments(draft, _the_music(draft), [])
