"""A draft in words: the summary line as documented, and what changed as a person would say it."""

from typing import Any

import pytest

from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.summary import changes, timeline


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
    assert timeline(draft(video(CITY), LOFI, TITLE)) == (
        "Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) "
        '3. Title: "Urban Dreams" (0-3s)'
    )


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({}, "Timeline (0 tracks):"),
        ({"t": [{"tt": 0}]}, "Timeline (1 track): 1. Video: empty"),
        ({"t": [{"tt": 9, "sg": [{}]}]}, "Timeline (1 track): 1. Track type 9: untitled (0-0s)"),
        (
            {"t": [video({"s": 0, "d": 500, "src": "f"}, {"s": 500, "d": 1000, "sp": 2})]},
            "Timeline (1 track): 1. Video: f (0-0.5s), untitled (0.5-1.5s, 2x)",
        ),
    ],
)
def test_the_timeline_of_odd_drafts_is_still_a_line(wire: dict[str, Any], expected: str) -> None:
    assert timeline(draft_from_wire(wire)) == expected


def test_added_things_are_told_by_what_they_are() -> None:
    styled = {
        "tt": 7,
        "sg": [
            {
                "id": "c",
                "s": 0,
                "d": 3000,
                "txt": "Paradise Found",
                "st": {"color": "white", "pos": "top-center"},
            }
        ],
    }
    assert changes(draft(), draft(video(CITY), LOFI, styled, d=10_000)) == [
        "Video added: city timelapse (0-10s)",
        "BGM added: Lo-fi (0-10s, 35%)",
        "Title added: 'Paradise Found' (white, top-center, 0-3s)",
    ]


def test_a_trim_is_told_by_the_new_length_and_where_it_starts() -> None:
    trimmed = {**CITY, "d": 4000, "ss": 2000}
    assert changes(draft(video(CITY), d=10_000), draft(video(trimmed), d=4000)) == [
        "Video city timelapse changed: now 4s, from 2s of its source",
        "Total length changed from 10s to 4s",
    ]


def test_other_changes_of_a_segment_are_told() -> None:
    quiet = {"tt": 1, "sg": [{**MUSIC, "v": 0.1, "s": 1000}]}
    assert changes(draft(LOFI), draft(quiet)) == [
        "BGM Lo-fi changed: now starts at 1s; volume 35% to 10%"
    ]
    renamed = {"tt": 7, "sg": [{**WORDS, "txt": "Other"}]}
    assert changes(draft(TITLE), draft(renamed)) == [
        "Title \"Other\" changed: text was 'Urban Dreams'"
    ]
    blurred = video({**CITY, "fx": [{"type": "blur"}]})
    assert changes(draft(video(CITY)), draft(blurred)) == [
        "Video city timelapse changed: its settings"
    ]


def test_removed_things_and_project_settings_are_told() -> None:
    assert changes(draft(video(CITY), LOFI), draft(video(CITY))) == [
        "Removed BGM: Lo-fi (0-10s, 35%)"
    ]
    compressed = draft(video(CITY), m={"compress": {"mode": "rtk"}})
    assert changes(draft(video(CITY)), compressed) == ["Project compression is now {'mode': 'rtk'}"]


def test_nothing_changed_is_nothing_told() -> None:
    same = draft(video(CITY), LOFI, TITLE, d=10_000, m={"title": "x"})
    assert changes(same, same) == []


def test_segments_without_ids_are_told_apart_by_their_place() -> None:
    one, two = {"s": 0, "d": 1000, "src": "p"}, {"s": 1000, "d": 1000, "src": "q"}
    assert changes(draft(video(one)), draft(video(one, two))) == ["Video added: q (1-2s)"]
