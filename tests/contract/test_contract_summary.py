"""A draft in words: the summary line as documented, in both languages of the sessions."""

from typing import Any

import pytest

from nemolocal_contract.describe import describe_segment, describe_timeline
from nemolocal_contract.draft import Draft, draft_from_wire


def draft(*tracks: dict[str, Any], **rest: Any) -> Draft:
    return draft_from_wire({"t": list(tracks), **rest})


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": list(segments)}


CITY = {"id": "a", "s": 0, "d": 10_000, "src": "x", "m": {"title": "city timelapse"}}
MUSIC = {"id": "b", "s": 0, "d": 10_000, "v": 0.35, "m": {"title": "Lo-fi"}}
LOFI = {"tt": 1, "n": "BGM", "sg": [MUSIC]}
WORDS = {"id": "c", "s": 0, "d": 3000, "txt": "Urban Dreams"}
TITLE = {"tt": 7, "sg": [WORDS]}


@pytest.mark.rule("STA-5")
def test_the_timeline_reads_as_the_documents_write_it() -> None:
    assert describe_timeline(draft(video(CITY), LOFI, TITLE)) == (
        "Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) "
        '3. Title: "Urban Dreams" (0-3s)'
    )


@pytest.mark.rule("STA-5")
def test_the_timeline_of_a_chinese_session_is_chinese() -> None:
    expected = (
        "时间线（3条轨道）：1. 视频：city timelapse（0-10秒） "
        "2. 背景音乐：Lo-fi（0-10秒，35%） 3. 标题：“Urban Dreams”（0-3秒）"
    )
    for language in ("zh", "zh-CN", "ZH_hans"):
        assert describe_timeline(draft(video(CITY), LOFI, TITLE), language) == expected


@pytest.mark.parametrize(
    ("wire", "english", "chinese"),
    [
        ({}, "Timeline (0 tracks):", "时间线（0条轨道）："),
        (
            {"t": [{"tt": 0}]},
            "Timeline (1 track): 1. Video: empty",
            "时间线（1条轨道）：1. 视频：空",
        ),
        (
            {"t": [{"tt": 9, "sg": [{}]}]},
            "Timeline (1 track): 1. Track type 9: untitled (0-0s)",
            "时间线（1条轨道）：1. Track type 9：未命名（0-0秒）",
        ),
        (
            {"t": [video({"s": 0, "d": 500, "src": "f"}, {"s": 500, "d": 1000, "sp": 2})]},
            "Timeline (1 track): 1. Video: f (0-0.5s), untitled (0.5-1.5s, 2x)",
            "时间线（1条轨道）：1. 视频：f（0-0.5秒），未命名（0.5-1.5秒，2倍速）",
        ),
    ],
)
def test_the_timeline_of_odd_drafts_is_still_a_line(
    wire: dict[str, Any], english: str, chinese: str
) -> None:
    assert describe_timeline(draft_from_wire(wire)) == english
    assert describe_timeline(draft_from_wire(wire), "zh") == chinese


def test_upper_pictures_and_subtitles_have_labels_of_their_own() -> None:
    small = {**CITY, "fx": [{"type": "overlay"}], "m": {"title": "logo"}}
    cues = {"tt": 7, "n": "Subtitles", "sg": [WORDS]}
    reported = describe_timeline(
        draft(video(CITY), video(small), {"tt": 0, "n": "Overlay", "sg": []}, cues)
    )
    assert reported == (
        "Timeline (4 tracks): 1. Video: city timelapse (0-10s) 2. Overlay: logo (0-10s) "
        '3. Overlay: empty 4. Subtitles: "Urban Dreams" (0-3s)'
    )


def test_a_track_of_very_many_segments_is_told_by_its_beginning() -> None:
    many = [{"s": n * 1000, "d": 1000, "src": f"f{n}"} for n in range(500)]
    assert describe_timeline(draft(video(*many))).endswith("f19 (19-20s), … and 480 more")
    assert describe_timeline(draft(video(*many)), "zh").endswith("f19（19-20秒），另有480段")


def test_a_segment_is_told_with_what_its_track_is() -> None:
    (track,) = draft(LOFI).tracks or ()
    (segment,) = track.segments or ()
    assert describe_segment(segment, track) == "BGM: Lo-fi (0-10s, 35%)"
    assert describe_segment(segment, track, "zh") == "背景音乐：Lo-fi（0-10秒，35%）"
