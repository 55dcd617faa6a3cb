"""Volumes, background music and fades."""

from typing import Any

import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    AddMusic,
    AddTitle,
    DuckMusic,
    Edit,
    Fade,
    PlaceUploads,
    RemoveMusic,
    Selector,
    SetVolume,
)
from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.draft import Draft, Segment, TrackType

A = Media("a", "a.mp4", "video", 10_000)
B = Media("b", "b.mp4", "video", 4000)
SONG = Media("song", "my song.mp3", "audio", 30_000)
CALM = Media("calm", "calm.m4a", "audio", 14_000)
EMPTY = Draft(tracks=(), duration_ms=0)
MUSIC = AddMusic("calm")
MEDIA_POOL = MediaPool((A, B), (CALM,), {MUSIC: "calm"})
DUCK = {"type": "duck", "amount": 0.7}


def edited(*edits: Edit, draft: Draft = EMPTY, media_pool: MediaPool = MEDIA_POOL) -> Draft:
    return apply_edits(edits, draft, media_pool)


def segments_of(draft: Draft, kind: TrackType) -> tuple[Segment, ...]:
    (track,) = draft.of_type(kind)
    return track.segments or ()


def volumes(draft: Draft) -> tuple[list[Any], list[Any]]:
    kinds = (TrackType.VIDEO, TrackType.AUDIO)
    one, other = ([segment.volume for segment in segments_of(draft, kind)] for kind in kinds)
    return one, other


def fades(draft: Draft, kind: TrackType = TrackType.VIDEO) -> list[tuple[Any, Any]]:
    return [(segment.fade_in_ms, segment.fade_out_ms) for segment in segments_of(draft, kind)]


BOTH = edited(PlaceUploads(), MUSIC)


@pytest.mark.parametrize(
    ("edit", "video", "music"),
    [
        (SetVolume(0.5), [0.5, 0.5], [0.5]),
        (SetVolume(0, target="video"), [0, 0], [0.35]),
        (SetVolume(0.1, target="music"), [None, None], [0.1]),
        (SetVolume(2, selector=Selector(number=2)), [None, 2], [0.35]),
        (SetVolume(9), [4, 4], [4]),
        (SetVolume(change=1.5), [1.5, 1.5], [0.525]),
        (SetVolume(change=0.5, target="music"), [None, None], [0.175]),
    ],
)
def test_volumes_are_set_or_changed(edit: Edit, video: list[Any], music: list[Any]) -> None:
    assert volumes(edited(edit, draft=BOTH)) == (video, music)


def test_new_music_covers_the_video_and_replaces_the_old() -> None:
    draft = edited(AddMusic("lofi", 0.2), draft=BOTH)
    (music,) = segments_of(draft, TrackType.AUDIO)
    assert (music.start_ms, music.duration_ms, music.volume) == (0, 14_000, 0.2)
    assert music.metadata == {"title": "Lo-fi"}
    assert music.source == "pending"


def test_uploaded_song_is_the_music_unless_a_mood_is_named() -> None:
    media_pool = MediaPool((A, SONG))
    (music,) = segments_of(edited(AddMusic(), media_pool=media_pool), TrackType.AUDIO)
    assert (music.source, music.duration_ms, music.volume) == ("song", 10_000, 0.35)
    assert music.metadata == {"title": "my song"}
    (music,) = segments_of(edited(AddMusic("sad"), media_pool=media_pool), TrackType.AUDIO)
    assert music.metadata == {"title": "Sad"}
    (music,) = segments_of(edited(AddMusic(name="My_Song"), media_pool=media_pool), TrackType.AUDIO)
    assert music.source == "song"
    (music,) = segments_of(edited(AddMusic(), AddMusic(), media_pool=media_pool), TrackType.AUDIO)
    assert music.metadata == {"title": "Calm"}


def test_zero_volume_is_a_volume() -> None:
    (music,) = segments_of(edited(AddMusic("calm", 0.0)), TrackType.AUDIO)
    assert music.volume == 0


def test_music_can_be_ducked() -> None:
    (music,) = segments_of(edited(AddMusic("calm", duck=True)), TrackType.AUDIO)
    assert music.effects == (DUCK,)
    (music,) = segments_of(edited(DuckMusic(), DuckMusic(), draft=BOTH), TrackType.AUDIO)
    assert music.effects == (DUCK,)


def test_music_can_be_removed() -> None:
    assert edited(RemoveMusic(), draft=BOTH).of_type(TrackType.AUDIO) == []


def test_fade_applies_to_video_and_music() -> None:
    draft = edited(Fade("both"), draft=BOTH)
    assert fades(draft) == [(1000, None), (None, 1000)]
    assert fades(draft, TrackType.AUDIO) == [(1000, 1000)]


@pytest.mark.parametrize(
    ("edit", "video", "music"),
    [
        (Fade("in", 500), [(500, None), (None, None)], [(500, None)]),
        (Fade("out", 2000, "music"), [(None, None)] * 2, [(None, 2000)]),
        (Fade("out", target="picture"), [(None, None), (None, 1000)], [(None, None)]),
        (Fade("both", selector=Selector(number=2)), [(None, None), (1000, 1000)], [(None, None)]),
        (
            Fade("both", 9000, selector=Selector(number=2)),
            [(None, None), (2000, 2000)],
            [(None, None)],
        ),
        (
            Fade("out", 9000, selector=Selector(number=2)),
            [(None, None), (None, 4000)],
            [(None, None)],
        ),
    ],
)
def test_fade_of_one_object(edit: Edit, video: list[Any], music: list[Any]) -> None:
    draft = edited(edit, draft=BOTH)
    assert (fades(draft), fades(draft, TrackType.AUDIO)) == (video, music)


def test_new_fade_shortens_or_replaces_an_older_one() -> None:
    one = Selector(number=2)
    long = edited(Fade("out", 3000, selector=one), Fade("in", 3000, selector=one), draft=BOTH)
    assert fades(long)[1] == (3000, 1000)
    assert fades(edited(Fade("in", 0, selector=one), draft=long))[1] == (None, 1000)


def test_titles_can_fade() -> None:
    draft = edited(AddTitle("x"), Fade("both", target="title"), draft=BOTH)
    assert fades(draft, TrackType.TEXT) == [(1000, 1000)]
    assert fades(draft) == [(None, None)] * 2


def test_a_video_without_music_can_fade() -> None:
    assert fades(edited(Fade("in"))) == [(1000, None), (None, None)]


def test_ambiguous_song_name_is_rejected_with_a_question() -> None:
    media_pool = MediaPool((A, SONG, Media("two", "my other song.mp3", "audio", 1000)))
    with pytest.raises(EditRejected, match=r"my song\.mp3, my other song\.mp3\?"):
        edited(AddMusic(name="song"), media_pool=media_pool)


def test_images_have_no_volume_beside_other_clips() -> None:
    picture = Media("p", "p.png", "image", 0)
    mixed = MediaPool((A, picture))
    for edit in (SetVolume(0), SetVolume(0, selector=Selector(number=2)), SetVolume(0.5)):
        changed = edited(edit, media_pool=mixed)
        assert segments_of(changed, TrackType.VIDEO)[1].volume is None
    assert "muted), p (10-15s)" in describe_timeline(edited(SetVolume(0), media_pool=mixed))


@pytest.mark.parametrize(
    ("language", "said"), [("en", "a (0-10s, muted)"), ("zh", "a（0-10秒，静音）")]
)
def test_silence_is_told_in_words(language: str, said: str) -> None:
    muted = edited(SetVolume(0), media_pool=MediaPool((A,)))
    assert said in describe_timeline(muted, language)
