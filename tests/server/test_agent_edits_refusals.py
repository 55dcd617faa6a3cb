"""Edits that are rejected: the reason, in the language of the session."""

from string import Formatter

import pytest

from nemolocal_agent import errors
from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    AddMusic,
    AddOverlay,
    AddSubtitles,
    AddTitle,
    AddTransition,
    ApplyEffect,
    ChangeTitle,
    Compress,
    Cue,
    DuckMusic,
    Edit,
    Fade,
    KeepSpan,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    RemoveClip,
    RemoveEffects,
    RemoveMusic,
    RemoveOverlays,
    RemoveSpan,
    RemoveTitle,
    RemoveTransitions,
    ReverseOrder,
    Selector,
    SetAspect,
    SetFrameRate,
    SetSpeed,
    SetVolume,
    Slideshow,
    Split,
    StartOver,
    SwapClips,
    TimelinePoint,
    TimelineSpan,
    span_after,
    span_between,
)
from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.effects import Blur

BEACH = Media("beach-id", "beach day.mp4", "video", 20_000)
CITY = Media("city-id", "city.mp4", "video", 8000)
PHOTO = Media("photo-id", "photo one.jpg", "image", 0)
SECOND_PHOTO = Media("photo-2", "photo two.jpg", "image", 0)
SONG = Media("song-id", "song.mp3", "audio", 60_000)
SECOND_SONG = Media("song-2", "song two.mp3", "audio", 60_000)
FILM = Media("film", "film.mp4", "video", 5_400_000)
PHOTOS = tuple(Media(f"{n}", "a.jpg", "image", 0) for n in range(151))


REFUSED: list[tuple[Edit, tuple[Media, ...], str]] = [
    (Compress(), (), "upload one first"),
    (Compress(), (SONG,), "upload one first"),
    (Merge(), (), "upload one first"),
    (PlaceUploads(), (), "upload one first"),
    (KeepSpan(span_after(50_000)), (BEACH,), "ends before 50s"),
    (RemoveSpan(span_between(50_000, 60_000)), (BEACH,), "ends before 50s"),
    (KeepSpan(span_between(8000, 3000)), (BEACH,), "end is not after its start"),
    (RemoveSpan(TimelineSpan()), (BEACH,), "remove everything"),
    (RemoveClip(Selector(number=1)), (BEACH,), "remove everything"),
    (RemoveClip(Selector(number=3)), (BEACH, CITY), "I found 2 clips: beach day, city"),
    (RemoveClip(Selector(number=0)), (BEACH,), "no such clip"),
    (RemoveClip(Selector(name="forest")), (BEACH,), "I found 1 clip: beach day"),
    (RemoveClip(Selector(name=" ")), (BEACH,), "no such clip"),
    (RemoveClip(Selector(name="phot")), (PHOTO, SECOND_PHOTO), r"1\. photo one, 2\. photo two\?"),
    (PlaceUploads(Selector(name="phot")), (PHOTO, SECOND_PHOTO), "which one"),
    (PlaceUploads(Selector(name="song")), (BEACH, SONG), "ask for it as background music"),
    (PlaceUploads(Selector(number=2)), (BEACH, SONG), "I found 1 file: beach day.mp4"),
    (Split(), (BEACH,), "say where"),
    (Split((TimelinePoint(20_000),)), (BEACH,), "there is a cut already"),
    (Split(parts=1000), (BEACH,), "more than 150 clips"),
    (Loop(times=1), (BEACH,), "say how often"),
    (Loop(times=151), (BEACH,), "more than 150 clips"),
    (Loop(times=76), (BEACH, CITY), "more than 150 clips"),
    (Loop(times=150, selector=Selector(number=1)), (BEACH, CITY), "more than 150 clips"),
    (Loop(times=2), (FILM,), "longer than 2 hours"),
    (SetSpeed(8), (BEACH,), "at 8x, and only 0.25x to 4x"),
    (SetSpeed(0), (BEACH,), "at 0x"),
    (SetSpeed(0.25), (FILM,), "longer than 2 hours"),
    (SetSpeed(3), (Media("blink", "blink.mp4", "video", 2),), "too short"),
    (MoveClip(Selector(number=1), 1), (BEACH,), "only one: beach day"),
    (MoveClip(Selector(number=1), 3), (BEACH, CITY), "no place 3; I found 2 clips"),
    (MoveClip(Selector(number=1), 0), (BEACH, CITY), "no place 0"),
    (MoveClip(Selector(number=2), -1), (BEACH, CITY), "in that order already"),
    (SwapClips(Selector(number=1), Selector()), (BEACH, CITY), r"1\. beach day, 2\. city\?"),
    (SwapClips(Selector(number=1), Selector(number=1)), (BEACH, CITY), "in that order already"),
    (ReverseOrder(), (BEACH,), "only one: beach day"),
    (Slideshow(), (BEACH,), "needs pictures"),
    (Slideshow(total_ms=1), (PHOTO, SECOND_PHOTO), "too short"),
    (Slideshow(each_ms=9_000_000), (PHOTO,), "longer than 2 hours"),
    (Slideshow(), PHOTOS, "150 clips"),
    (SetVolume(), (BEACH,), "say how loud"),
    (SetVolume(0.5, target="music"), (BEACH,), "no background music"),
    (DuckMusic(), (BEACH,), "no background music"),
    (RemoveMusic(), (BEACH,), "no background music"),
    (Fade("in", target="music"), (BEACH,), "no background music"),
    (AddMusic(name="song"), (BEACH,), "no sound was uploaded"),
    (AddMusic(name="waltz"), (BEACH, SONG), "I found 1 sound: song.mp3"),
    (AddMusic(name="son"), (BEACH, SONG, SECOND_SONG), "song.mp3, song two.mp3"),
    (Fade("in", target="title"), (BEACH,), "no title yet"),
    (AddTitle("x", span_between(50_000, 53_000)), (BEACH,), "ends before 50s"),
    (AddTitle(" "), (BEACH,), "no words"),
    (AddTitle("x" * 2001), (BEACH,), "at most 2000 characters"),
    (ChangeTitle(), (BEACH,), "say what to change"),
    (ChangeTitle(color="red"), (BEACH,), "no title yet"),
    (RemoveTitle(), (BEACH,), "no title yet"),
    (RemoveTitle(subtitles=True), (BEACH,), "no subtitles"),
    (AddSubtitles((Cue(21_000, 22_000, "x"),)), (BEACH,), "which is 20s long"),
    (AddSubtitles(()), (BEACH,), "no words"),
    (AddSubtitles((Cue(2000, 1000, "x"),)), (BEACH,), "must end after it begins"),
    (ApplyEffect(Blur(), Selector(number=2)), (BEACH,), "no such clip"),
    (RemoveEffects(), (BEACH,), "no such effect"),
    (AddTransition(), (BEACH,), "two clips in a row"),
    (AddTransition(selector=Selector(number=2)), (BEACH, CITY), "two clips in a row"),
    (RemoveTransitions(), (BEACH,), "no transitions"),
    (RemoveOverlays(), (BEACH,), "no watermark"),
    (AddOverlay("picture-in-picture"), (), "upload one first"),
    (AddOverlay("picture-in-picture"), (BEACH,), "another one below it"),
    (AddOverlay("picture-in-picture", Selector(name="x")), (SONG,), "upload one first"),
    (AddOverlay("watermark"), (BEACH,), "such as logo.png"),
    (SetAspect(9, 1), (BEACH,), "not 9:1"),
    (SetAspect(0, 1), (BEACH,), "not 0:1"),
    (SetFrameRate(0), (BEACH,), "1 to 60"),
    (Compress("size"), (BEACH,), "10 MB"),
    (StartOver(), (BEACH,), "empty already"),
]


def test_impossible_edits_are_rejected_with_the_reason(subtests: pytest.Subtests) -> None:
    for edit, uploads, reason in REFUSED:
        with subtests.test(edit=edit, uploads=uploads, reason=reason):
            empty = Draft(tracks=(), duration_ms=0)
            with pytest.raises(EditRejected, match=reason) as refusal:
                apply_edits([edit], empty, MediaPool(uploads))
            english, chinese = refusal.value.message_in("en-GB"), refusal.value.message_in("zh-CN")
            assert english == str(refusal.value)
            assert chinese != english
            assert "{" not in chinese


@pytest.mark.parametrize(
    ("first", "edit", "reason"),
    [
        (PlaceUploads(), PlaceUploads(), "on the timeline already"),
        (PlaceUploads(), Merge(), "without a gap already"),
        (PlaceUploads(), AddOverlay("picture-in-picture"), r"2\. city, 3\. photo one\?"),
        (PlaceUploads(), AddOverlay("watermark", Selector(name="x")), "I found 3 files"),
        (PlaceUploads(), AddOverlay("watermark", Selector(number=9)), "I found 3 clips"),
        (SetVolume(0), SetVolume(change=1.5), "as loud as it can be"),
        (AddTitle("one"), RemoveTitle(Selector(name="two")), "I found 1 title: one"),
        (AddTitle("one"), ChangeTitle(Selector(number=2), "two"), "no such title"),
        (AddTitle("one"), ChangeTitle(Selector(span=span_after(9000)), "two"), "no such title"),
    ],
)
def test_edit_without_effect_is_rejected(first: Edit, edit: Edit, reason: str) -> None:
    media_pool = MediaPool((BEACH, CITY, PHOTO))
    draft = apply_edits([first], Draft(tracks=(), duration_ms=0), media_pool)
    with pytest.raises(EditRejected, match=reason):
        apply_edits([edit], draft, media_pool)


def test_single_clip_cannot_be_its_own_overlay() -> None:
    alone = Draft(tracks=(), duration_ms=0)
    placed = apply_edits([PlaceUploads()], alone, MediaPool((BEACH,)))
    with pytest.raises(EditRejected, match="upload one more"):
        apply_edits([AddOverlay("picture-in-picture")], placed, MediaPool((BEACH,)))


def test_gaps_are_not_clips() -> None:
    gap = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1, "src": "x"}, {"s": 9, "d": 1, "src": "x"}]}]}
    from_gap = RemoveClip(Selector(span=span_between(3, 6)))
    with pytest.raises(EditRejected, match="no such clip"):
        apply_edits([from_gap], draft_from_wire(gap), MediaPool())


def test_cut_that_leaves_an_empty_clip_is_rejected() -> None:
    almost = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 5000.0004, "src": "x"}]}]}
    with pytest.raises(EditRejected, match="too short"):
        apply_edits([Split((TimelinePoint(5000),))], draft_from_wire(almost), MediaPool())


def test_both_languages_have_the_same_reasons_and_placeholders() -> None:
    def named(words: str) -> set[str]:
        return {field for _, field, _, _ in Formatter().parse(words) if field is not None}

    english, chinese = errors._ENGLISH, errors._CHINESE
    assert {code: named(words) for code, words in english.items()} == {
        code: named(words) for code, words in chinese.items()
    }
