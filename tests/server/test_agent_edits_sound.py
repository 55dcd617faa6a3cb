"""Audio effects, sound effects, silence, captions and highlights: what they do to the draft."""

from typing import Any

import pytest

from nemolocal_agent import (
    Analysis,
    AnalysisRequest,
    Moments,
    MomentsRequest,
    SilenceRequest,
    Silences,
    requested_analyses,
)
from nemolocal_agent.edits import PENDING, Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    TIMELINE_END,
    AddCaptions,
    AddMusic,
    AddSound,
    ApplyAudioEffect,
    ApplyEffect,
    CutSilence,
    Edit,
    Fade,
    FreezeFrame,
    KeepHighlights,
    KeepSpan,
    PlaceUploads,
    RemoveAudioEffects,
    RemoveSounds,
    ReplaceSound,
    Selector,
    SetSpeed,
    SetVolume,
    Split,
    TimelinePoint,
    first_span,
)
from nemolocal_contract.audio_effects import audio_effect_rows, sound_rows
from nemolocal_contract.describe import describe_changes, describe_timeline
from nemolocal_contract.draft import Draft, Segment, TrackType
from nemolocal_contract.effects import Reverse, effect_from_wire

A = Media("a", "a.mp4", "video", 10_000)
B = Media("b", "b.mp4", "video", 4000)
MUTE = Media("mute", "mute.mp4", "video", 5000, has_audio=False)
CALM = Media("calm", "calm.m4a", "audio", 14_000)
EMPTY = Draft(tracks=(), duration_ms=0)
MUSIC = AddMusic("calm")
USUAL = SilenceRequest(-35.0, 500)
CAPTIONS = SilenceRequest(-35.0, 300)


def pool(*uploads: Media, **analyses: Analysis) -> MediaPool:
    """Uploads (A unless others are named), and what is in them for every request of these tests."""
    known: dict[tuple[str, AnalysisRequest], Analysis] = {}
    for name, result in analyses.items():
        requests = [MomentsRequest()] if isinstance(result, Moments) else [USUAL, CAPTIONS]
        known |= {(name, request): result for request in requests}
    return MediaPool(uploads or (A,), (CALM,), {MUSIC: "calm"}, known)


def edited(*edits: Edit, draft: Draft = EMPTY, media: MediaPool | None = None) -> Draft:
    return apply_edits(edits, draft, media or pool())


def segments(draft: Draft, kind: TrackType) -> list[Segment]:
    return [one for track in draft.of_type(kind) for one in track.segments or ()]


def spans(draft: Draft, kind: TrackType = TrackType.VIDEO) -> list[tuple[Any, Any]]:
    return [(one.start_ms, one.end_ms) for one in segments(draft, kind)]


def sources(draft: Draft) -> list[tuple[Any, Any]]:
    """The ranges of the sources that are shown, at normal speed."""
    return [
        (one.source_start_ms, (one.source_start_ms or 0) + (one.duration_ms or 0))
        for one in segments(draft, TrackType.VIDEO)
    ]


def test_an_audio_effect_replaces_one_of_its_name_and_keeps_the_others() -> None:
    draft = edited(
        ApplyAudioEffect("bass", 6.0), ApplyAudioEffect("echo"), ApplyAudioEffect("bass", -3.0)
    )
    assert segments(draft, TrackType.VIDEO)[0].effects == (
        {"type": "bass", "amount": -3.0},
        {"type": "echo"},
    )


def test_an_audio_effect_is_for_the_music_or_for_clips_with_sound() -> None:
    draft = edited(PlaceUploads(), MUSIC, ApplyAudioEffect("reverb", target="music"))
    assert segments(draft, TrackType.VIDEO)[0].effects is None
    assert segments(draft, TrackType.AUDIO)[0].effects == ({"type": "reverb"},)
    some = edited(ApplyAudioEffect("mono"), media=pool(MUTE, A))
    assert [one.effects is None for one in segments(some, TrackType.VIDEO)] == [True, False]


def test_audio_effects_are_removed_by_name_or_all() -> None:
    draft = edited(ApplyAudioEffect("bass"), ApplyAudioEffect("echo"))
    left = edited(RemoveAudioEffects("bass"), draft=draft)
    assert segments(left, TrackType.VIDEO)[0].effects == ({"type": "echo"},)
    none = edited(RemoveAudioEffects(), draft=draft)
    assert segments(none, TrackType.VIDEO)[0].effects is None


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (ApplyAudioEffect("bass", 60.0), "bad_amount"),
        (ApplyAudioEffect("echo", target="music"), "no_music"),
        (RemoveAudioEffects("bass"), "no_effect"),
        (RemoveAudioEffects("echo"), "no_echo_added"),
        (AddSound(None), "which_sound"),
        (AddSound("ding", at_cuts=True), "no_cuts"),
        (AddSound("ding", TimelinePoint(11_000)), "past_end"),
        (RemoveSounds(), "no_sounds_added"),
        (ReplaceSound("nothing.mp3"), "no_such_upload"),
        (CutSilence(), "not_analyzed"),
        (KeepHighlights(), "not_analyzed"),
    ],
)
def test_what_cannot_be_done_is_rejected(edit: Edit, code: str) -> None:
    with pytest.raises(EditRejected) as rejected:
        edited(edit)
    assert rejected.value.code == code
    assert rejected.value.message_in("zh") != rejected.value.message_in("en")


@pytest.mark.parametrize(
    "edit", [ApplyAudioEffect("echo"), CutSilence(), AddCaptions(), Fade("in", target="sound")]
)
def test_without_sound_there_is_nothing_to_change(edit: Edit) -> None:
    with pytest.raises(EditRejected, match="no sound in it"):
        edited(edit, media=pool(MUTE))


def test_vocals_of_a_mono_sound_are_not_taken_out() -> None:
    mono = Media("a", "a.mp4", "video", 10_000, channels=1)
    with pytest.raises(EditRejected, match="is mono"):
        edited(ApplyAudioEffect("no-vocals"), media=pool(mono))


def test_sound_effects_stand_where_they_were_asked_for() -> None:
    draft = edited(
        AddSound("ding", TimelinePoint(5000)),
        AddSound("applause", TIMELINE_END),
        AddSound("bleep", TimelinePoint(1000), duration_ms=2000),
        AddSound("boom", TimelinePoint(9500)),
    )
    assert sorted(spans(draft, TrackType.AUDIO)) == [
        (1000, 3000), (5000, 6200), (7000, 10_000), (9500, 10_000),
    ]  # fmt: skip
    assert {one.source for one in segments(draft, TrackType.AUDIO)} == {PENDING}
    assert "Sound: a ding (5-6.2s)" in describe_timeline(draft)
    left = edited(RemoveSounds("applause"), RemoveSounds("boom"), draft=draft)
    assert sorted(spans(left, TrackType.AUDIO)) == [(1000, 3000), (5000, 6200)]
    assert segments(edited(RemoveSounds(), draft=draft), TrackType.AUDIO) == []


def test_music_stays_when_sound_effects_are_removed() -> None:
    draft = edited(PlaceUploads(), MUSIC, AddSound("ding"), RemoveSounds())
    assert [one.source for one in segments(draft, TrackType.AUDIO)] == ["calm"]


def test_a_clip_has_at_most_eight_audio_effects() -> None:
    names = [*audio_effect_rows()][:9]
    full = edited(*(ApplyAudioEffect(name) for name in names[:8]))
    assert len(segments(full, TrackType.VIDEO)[0].effects or ()) == 8
    with pytest.raises(EditRejected) as rejected:
        edited(ApplyAudioEffect(names[8]), draft=full)
    assert rejected.value.code == "many_audio_effects"


def test_a_sound_at_each_cut_is_centred_on_it() -> None:
    draft = edited(Split(parts=2), AddSound("whoosh", at_cuts=True))
    assert spans(draft, TrackType.AUDIO) == [(4600, 5400)]


def test_the_sound_of_one_upload_goes_under_the_picture_of_another() -> None:
    draft = edited(ReplaceSound("a.mp4"), media=pool(A, B))
    (clip,) = segments(draft, TrackType.VIDEO)
    (sound,) = segments(draft, TrackType.AUDIO)
    assert (clip.source, clip.volume, clip.start_ms) == ("b", 0, 0)
    assert (sound.source, sound.start_ms, sound.duration_ms) == ("a", 0, 4000)


def test_the_sound_of_an_audio_file_takes_the_place_of_an_earlier_one() -> None:
    song, other = Media("s", "song.mp3", "audio", 20_000), Media("o", "other.mp3", "audio", 3000)
    media = pool(MUTE, song, other)
    draft = edited(ReplaceSound("song.mp3"), media=media)
    (clip,) = segments(draft, TrackType.VIDEO)
    assert (clip.source, clip.volume) == ("mute", None)
    assert spans(draft, TrackType.AUDIO) == [(0, 5000)]
    again = edited(ReplaceSound("other.mp3"), draft=draft, media=media)
    (sound,) = segments(again, TrackType.AUDIO)
    assert (sound.source, sound.start_ms, sound.end_ms) == ("o", 0, 3000)
    # Music plays on.
    with_music = edited(MUSIC, ReplaceSound("song.mp3"), media=media)
    assert [one.source for one in segments(with_music, TrackType.AUDIO)] == ["calm", "s"]


def test_an_upload_whose_sound_is_meant_has_sound_and_a_name_of_its_own() -> None:
    songs = (Media("1", "song.mp3", "audio", 9000), Media("2", "song.m4a", "audio", 9000))
    for name, code in [("song", "which_upload"), ("mute.mp4", "no_sound_in")]:
        with pytest.raises(EditRejected) as rejected:
            edited(ReplaceSound(name), media=pool(A, MUTE, *songs))
        assert rejected.value.code == code


def test_sound_of_silent_clips_fades_with_their_music() -> None:
    draft = edited(PlaceUploads(), MUSIC, Fade("out", 2000, "sound"), media=pool(MUTE))
    (clip,) = segments(draft, TrackType.VIDEO)
    (music,) = segments(draft, TrackType.AUDIO)
    assert (clip.fade_out_ms, clip.effects, music.fade_out_ms) == (None, None, 2000)


def test_volume_of_pictures_with_music_is_that_of_the_music() -> None:
    picture = Media("p", "picture.jpg", "image", 0)
    draft = edited(PlaceUploads(), MUSIC, SetVolume(0.5), media=pool(picture))
    assert [one.volume for one in segments(draft, TrackType.VIDEO)] == [None]
    assert [one.volume for one in segments(draft, TrackType.AUDIO)] == [0.5]


def test_held_frame_has_no_sound() -> None:
    with pytest.raises(EditRejected, match="no sound in it"):
        edited(
            PlaceUploads(), FreezeFrame(TimelinePoint(4000)), SetVolume(0.5, selector=Selector(2))
        )


def test_sound_fades_alone() -> None:
    draft = edited(Fade("out", 2000, "sound"), Fade("in", target="sound"))
    (clip,) = segments(draft, TrackType.VIDEO)
    assert (clip.fade_in_ms, clip.fade_out_ms) == (None, None)
    assert clip.effects == ({"type": "sound-fade", "in_ms": 1000.0, "out_ms": 2000.0},) or (
        clip.effects == ({"type": "sound-fade", "in_ms": 1000, "out_ms": 2000},)
    )


QUIET = Silences(((2000, 3000), (6000, 8000)))


def test_silence_is_cut_and_a_little_of_it_stays() -> None:
    draft = edited(CutSilence(), media=pool(a=QUIET))
    assert sources(draft) == [(0, 2080), (2920, 6080), (7920, 10_000)]
    assert draft.duration_ms == 10_000 - 840 - 1840


def test_silence_is_found_in_clips_that_are_fast_or_play_backwards() -> None:
    fast = edited(SetSpeed(2.0), CutSilence(), media=pool(a=QUIET))
    assert fast.duration_ms == 5000 - (500 - 160) - (1000 - 160)
    back = edited(ApplyEffect(Reverse()), CutSilence(), media=pool(a=QUIET))
    assert spans(back) == [(0, 2080), (2080, 5240), (5240, 7320)]
    assert sources(back) == [(7920, 10_000), (2920, 6080), (0, 2080)]


def test_silence_in_what_a_clip_does_not_show_is_not_cut() -> None:
    draft = edited(KeepSpan(first_span(5000)), CutSilence(), media=pool(a=QUIET))
    assert sources(draft) == [(0, 2080), (2920, 5000)]


@pytest.mark.parametrize(
    ("place", "shown"),
    [("start", (920, 10_000)), ("end", (0, 9080)), ("ends", (920, 9080))],
)
def test_silence_at_the_ends_alone(place: Any, shown: tuple[int, int]) -> None:
    silences = Silences(((0, 1000), (4000, 6000), (9000, 10_000)))
    assert sources(edited(CutSilence(place=place), media=pool(a=silences))) == [shown]


def test_silence_of_one_clip_alone() -> None:
    both = pool(A, B, a=QUIET, b=Silences(((1000, 2000),)))
    draft = edited(CutSilence(selector=Selector(number=2)), media=both)
    assert draft.duration_ms == 14_000 - 840


@pytest.mark.parametrize(
    ("silences", "code"),
    [(Silences(), "no_silence"), (Silences(((0, 10_000),)), "all_silent")],
)
def test_nothing_or_everything_silent_is_rejected(silences: Silences, code: str) -> None:
    with pytest.raises(EditRejected) as rejected:
        edited(CutSilence(), media=pool(a=silences))
    assert rejected.value.code == code


def test_too_many_cuts_are_rejected() -> None:
    many = Silences(tuple((n * 1000, n * 1000 + 600) for n in range(1, 300)))
    long = Media("a", "a.mp4", "video", 400_000)
    with pytest.raises(EditRejected, match="299 silences"):
        edited(CutSilence(), media=pool(long, a=many))


def test_captions_stand_where_there_is_sound_and_are_placeholders() -> None:
    draft = edited(AddCaptions(), media=pool(a=QUIET))
    assert spans(draft, TrackType.TEXT) == [(0, 2000), (3000, 6000), (8000, 10_000)]
    assert [one.text for one in segments(draft, TrackType.TEXT)] == [
        "[caption 1]", "[caption 2]", "[caption 3]",
    ]  # fmt: skip
    words = segments(edited(AddCaptions(True), media=pool(a=QUIET)), TrackType.TEXT)
    assert len(words) == 5 + 8 + 5
    assert words[0].text == "[word 1]"


def test_captions_need_something_to_hear() -> None:
    with pytest.raises(EditRejected) as rejected:
        edited(AddCaptions(), media=pool(a=Silences(((0, 10_000),))))
    assert rejected.value.code == "no_speech"


def test_highlights_are_as_long_as_asked_where_the_gaps_are_short() -> None:
    levels = [-30.0, -10, -10, -30, -11, -11, -30, -12, -12, -30]
    draft = edited(KeepHighlights(9000), media=pool(a=Moments(tuple(levels))))
    assert draft.duration_ms == 9000
    assert sources(draft) == [(0, 9000)]


def test_highlights_that_meet_are_one_clip() -> None:
    levels = [-30.0] * 4 + [-10.0] * 4 + [-30.0] * 2
    draft = edited(KeepHighlights(4000), media=pool(a=Moments(tuple(levels))))
    assert sources(draft) == [(4000, 8000)]


def test_muted_clips_and_pictures_are_no_loud_parts() -> None:
    picture = Media("p", "picture.jpg", "image", 0)
    loud, soft = Moments((-5.0,) * 10), Moments((-20.0,) * 4)
    draft = edited(
        PlaceUploads(), SetVolume(0.0, selector=Selector(1)), KeepHighlights(4000),
        media=pool(A, picture, B, a=loud, b=soft),
    )  # fmt: skip
    assert [(one.source, one.duration_ms) for one in segments(draft, TrackType.VIDEO)] == [
        ("b", 4000)
    ]


def test_highlights_are_the_loudest_parts_and_new_scenes_in_order() -> None:
    long = Media("a", "a.mp4", "video", 60_000)
    levels = [-30.0] * 60
    levels[10:12], levels[40:42] = [-10.0] * 2, [-12.0] * 2
    draft = edited(KeepHighlights(6000), media=pool(long, a=Moments(tuple(levels), (25_000,))))
    assert sources(draft) == [(10_000, 12_000), (25_000, 27_000), (40_000, 42_000)] or sources(
        draft
    ) == [(0, 2000), (10_000, 12_000), (40_000, 42_000)]
    assert draft.duration_ms == 6000


def test_highlights_longer_than_the_video_are_rejected() -> None:
    with pytest.raises(EditRejected, match="only 10s long"):
        edited(KeepHighlights(20_000), media=pool(a=Moments()))


def test_edits_name_the_analyses_that_they_need_once() -> None:
    edits = (CutSilence(), CutSilence(), AddCaptions(), KeepHighlights(), PlaceUploads())
    assert requested_analyses(edits) == [USUAL, CAPTIONS, MomentsRequest()]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_changes_name_each_audio_effect(language: str) -> None:
    one, other = edited(ApplyAudioEffect("bass", 6.0)), edited(ApplyAudioEffect("echo"))
    told = "\n".join(describe_changes(one, other, language))
    names = ("echo", "bass") if language == "en" else ("回声", "低音")
    assert all(name in told for name in names)


def test_every_row_is_an_effect_with_labels_and_words() -> None:
    for name, row in audio_effect_rows().items():
        assert effect_from_wire({"type": name}) is not None
        assert all(row.label)
        assert row.words
        if row.amount is not None:
            usual = (row.amount.default, row.amount.slight, row.amount.strong, row.amount.opposite)
            assert all(row.amount.low <= one <= row.amount.high for one in usual if one is not None)
    for sound in sound_rows().values():
        assert all(sound.label)
        assert 0 < sound.seconds <= 5
