"""Edits of LUTs and subtitle files: the only one, the one that is named, or a question."""

import pytest

from nemolocal_agent import (
    Analysis,
    AnalysisRequest,
    Media,
    MediaPool,
    SilenceRequest,
    Silences,
    Subtitles,
    SubtitlesRequest,
    apply_edits,
)
from nemolocal_agent.edits.extra_upload_edits import with_subtitles
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    AddCaptions,
    AddSubtitleFile,
    AddSubtitles,
    ApplyLut,
    Cue,
    Edit,
    RemoveEffects,
    Selector,
    StartOver,
    span_between,
)
from nemolocal_contract.draft import Draft, TrackType

CLIPS = (Media("beach-id", "beach.mp4", "video", 4000), Media("city-id", "city.mp4", "video", 4000))
TEAL, NOIR = (Media(f"{name}-id", f"{name}.cube", "lut", 1) for name in ("teal", "noir"))
SUBS, MORE = (Media(f"{name}-id", f"{name}.srt", "subtitles", 1) for name in ("subs", "more"))
CUES = (Cue(0, 1000, "Hi"), Cue(500, 20_000, "there"))
READ: dict[tuple[str, AnalysisRequest], Analysis] = {(SUBS.id, SubtitlesRequest()): Subtitles(CUES)}


def edited(*edits: Edit, extras: tuple[Media, ...]) -> Draft:
    """The draft after these edits of both clips."""
    return apply_edits(edits, Draft(), MediaPool(CLIPS, analyses=READ, extras=extras))


def effects(draft: Draft) -> list[object]:
    return [segment.effects for segment in (draft.tracks or ())[0].segments or ()]


def test_lut_changes_all_clips_the_named_one_or_a_span() -> None:
    lut = {"type": "lut", "source": "teal-id", "amount": 1.0}
    assert effects(edited(ApplyLut(), extras=(SUBS, TEAL))) == [(lut,), (lut,)]
    one = ApplyLut("teal", 0.5, Selector(2))
    assert effects(edited(one, extras=(NOIR, TEAL))) == [None, ({**lut, "amount": 0.5},)]
    part = ApplyLut(selector=Selector(span=span_between(1000, 2000)))
    assert effects(edited(part, extras=(TEAL,))) == [None, (lut,), None, None]


def test_lut_replaces_the_one_that_was_there_and_is_removed_by_name() -> None:
    draft = edited(ApplyLut("teal"), ApplyLut("noir"), extras=(TEAL, NOIR))
    assert effects(draft) == [({"type": "lut", "source": "noir-id", "amount": 1.0},)] * 2
    assert effects(edited(ApplyLut(), RemoveEffects("lut"), extras=(TEAL,))) == [None, None]
    assert effects(edited(ApplyLut(), RemoveEffects(), extras=(TEAL,))) == [None, None]
    reset = RemoveEffects(colors_only=True)
    assert effects(edited(ApplyLut(), reset, extras=(TEAL,))) == [None, None]


def test_subtitles_of_a_file_stand_at_their_times() -> None:
    draft = edited(AddSubtitleFile(), extras=(TEAL, SUBS))
    shown = [
        (segment.start_ms, segment.duration_ms, segment.text)
        for track in draft.of_type(TrackType.TEXT)
        for segment in track.segments or ()
    ]
    assert shown == [(0, 1000, "Hi"), (500, 7500, "there")]


def test_reply_gets_the_subtitles_of_the_file() -> None:
    pool = MediaPool(analyses=READ, extras=(SUBS,))
    assert with_subtitles((AddSubtitleFile(), StartOver()), pool) == (
        AddSubtitles(CUES, "subs.srt"),
        StartOver(),
    )


@pytest.mark.parametrize(
    ("edit", "extras", "reason"),
    [
        (ApplyLut(), (SUBS,), "no LUT was uploaded: upload a .cube file"),
        (AddSubtitleFile(), (TEAL,), "no subtitles were uploaded: paste the SRT into the message"),
        (ApplyLut(), (TEAL, NOIR), "which one do you mean: teal.cube, noir.cube"),
        (AddSubtitleFile(), (SUBS, MORE), "which one do you mean: subs.srt, more.srt"),
        (ApplyLut("x.cube"), (TEAL,), "no upload has that name; I found 1 file: teal"),
        (AddSubtitleFile("more.srt"), (SUBS, MORE), "more.srt could not be read"),
    ],
)
def test_what_is_not_there_or_not_clear_is_rejected(
    edit: Edit, extras: tuple[Media, ...], reason: str
) -> None:
    with pytest.raises(EditRejected, match=reason) as rejected:
        edited(edit, extras=extras)
    assert rejected.value.message_in("zh") != str(rejected.value)


def test_words_of_a_script_all_get_a_caption_where_there_is_sound() -> None:
    quiet: dict[tuple[str, AnalysisRequest], Analysis] = {
        ("beach-id", SilenceRequest(-35.0, 300)): Silences(((150, 4000),))
    }
    pool = MediaPool(CLIPS[:1], analyses=quiet)
    words = tuple(f"word {number}" for number in range(40))
    draft = apply_edits([AddCaptions(words=words)], Draft(), pool)
    (track,) = draft.of_type(TrackType.TEXT)
    assert [segment.text for segment in track.segments or ()] == [*words]
    assert (track.segments or ())[-1].end_ms <= 150
    with pytest.raises(EditRejected, match="there are 300 captions, but too little sound"):
        apply_edits([AddCaptions(words=words[:1] * 300)], Draft(), pool)
