"""Edits by a rhythm, a length or a direction: split every 5 s, fit into 10 s, move a title up."""

import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    AddMusic,
    AddTitle,
    ChangeTitle,
    Edit,
    Fade,
    KeepSpan,
    PlaceUploads,
    SetSpeed,
    SetVolume,
    Split,
    middle_span,
)
from nemolocal_agent.replies import write_edit_reply
from nemolocal_contract.draft import Draft, Segment, TrackType

MEDIA_POOL = MediaPool(
    (
        Media("a", "a.mp4", "video", 20_000),
        Media("s", "song.mp3", "audio", 60_000),
    )
)
EMPTY = Draft(tracks=(), duration_ms=0)


def edited(*edits: Edit) -> Draft:
    return apply_edits((PlaceUploads(), *edits), EMPTY, MEDIA_POOL)


def segments_of(draft: Draft, kind: TrackType) -> tuple[Segment, ...]:
    (track,) = draft.of_type(kind)
    return track.segments or ()


def rejected(*edits: Edit) -> str:
    with pytest.raises(EditRejected) as caught:
        edited(*edits)
    assert caught.value.message_in("zh") != str(caught.value)
    return caught.value.code


def test_split_every_few_seconds_cuts_at_each_multiple() -> None:
    clips = segments_of(edited(Split(every_ms=6000)), TrackType.VIDEO)
    assert [clip.start_ms for clip in clips] == [0, 6000, 12_000, 18_000]
    assert rejected(Split(every_ms=1)) == "too_many_clips"
    assert rejected(Split(every_ms=30_000)) == "where_to_split"


def test_speed_fits_the_video_into_a_length() -> None:
    assert edited(SetSpeed(duration_ms=10_000)).duration_ms == 10_000
    assert edited(SetSpeed(duration_ms=40_000)).duration_ms == 40_000


def test_middle_of_a_length_is_kept() -> None:
    (clip,) = segments_of(edited(KeepSpan(middle_span(4000))), TrackType.VIDEO)
    assert (clip.source_start_ms, clip.duration_ms) == (8000, 4000)


def test_music_starts_later_and_without_its_beginning() -> None:
    (music,) = segments_of(edited(AddMusic(at_ms=8000, skip_ms=30_000)), TrackType.AUDIO)
    assert (music.start_ms, music.source_start_ms, music.duration_ms) == (8000, 30_000, 12_000)
    assert rejected(AddMusic(at_ms=20_000)) == "past_end"
    assert rejected(AddMusic(skip_ms=60_000)) == "past_end_of_sound"


def test_title_moves_to_the_next_position() -> None:
    def position(*edits: Edit) -> str | None:
        (title,) = segments_of(edited(AddTitle("A"), *edits), TrackType.TEXT)
        return None if title.style is None else title.style.position

    down, left = ChangeTitle(shift="down"), ChangeTitle(shift="left")
    assert position() == "top-center"
    assert position(down) == "center"
    assert position(down, down) == "bottom-center"
    assert position(left) == "top-left"
    assert position(down, left) == "center-left"
    assert position(left, ChangeTitle(shift="right")) == "top-center"
    assert rejected(AddTitle("A"), ChangeTitle(shift="up")) == "at_the_edge"


def test_sound_of_a_clip_fades_without_its_picture() -> None:
    draft = edited(AddMusic(), Fade("out", 2000, "sound"))
    (clip,) = segments_of(draft, TrackType.VIDEO)
    assert clip.effects == ({"type": "sound-fade", "in_ms": 0.0, "out_ms": 2000},)
    assert [music.fade_out_ms for music in segments_of(draft, TrackType.AUDIO)] == [2000]
    assert [clip.fade_out_ms for clip in segments_of(draft, TrackType.VIDEO)] == [None]


@pytest.mark.parametrize(
    ("edit", "english", "chinese"),
    [
        (Split(every_ms=5000), "split the video every 5s", "每隔5秒分割了视频"),
        (SetSpeed(duration_ms=10_000), "so that it lasts 10s", "总长10秒"),
        (KeepSpan(middle_span(4000)), "kept the middle 4s", "中间4秒"),
        (AddMusic(at_ms=8000), "from 8s on", "从8秒开始"),
        (AddMusic(skip_ms=8000), "without its first 8s", "跳过开头8秒"),
        (ChangeTitle(shift="up"), "now one place up", "上移"),
        (Fade("out", None, "sound"), "gave the sound a fade out", "给声音加了淡出"),
    ],
)
def test_reply_says_what_was_done(edit: Edit, english: str, chinese: str) -> None:
    assert english in write_edit_reply((edit,), EMPTY, "en", None)
    assert chinese in write_edit_reply((edit,), EMPTY, "zh", None)


def test_reply_has_the_remarks_after_what_was_done() -> None:
    said = write_edit_reply((SetVolume(0.0),), EMPTY, "en", None, " I left that out.")
    assert said.startswith("Done! I muted the sound. I left that out. ")
