"""What people write and what the agent takes it for: edits, or talk, never a guess."""

import pytest
from hypothesis import given, strategies as st

from nemolocal_server.agent.intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    Keep,
    PlaceUploads,
    Remove,
    SetVolume,
    Talk,
    Topic,
    after,
    between,
    first,
    last,
)
from nemolocal_server.agent.times import milliseconds
from nemolocal_server.agent.understanding import understand

FIRST_10 = first(10_000)

ONE_EDIT: list[tuple[str, Edit]] = [
    ("trim to the first 10 seconds", Keep(FIRST_10)),
    ("Trim the video to 10s", Keep(FIRST_10)),
    ("keep only the first ten seconds", Keep(FIRST_10)),
    ("Cut it down to 0:10", Keep(FIRST_10)),
    ("shorten this to 1m20s please", Keep(first(80_000))),
    ("keep the last 5 secs", Keep(last(5000))),
    ("trim from 0:05 to 0:15", Keep(between(5000, 15_000))),
    ("keep the part between 5s and 15s", Keep(between(5000, 15_000))),
    ("keep 2-4 seconds", Keep(between(2000, 4000))),
    ("keep everything after 3 seconds", Keep(after(3000))),
    ("remove the first 3 seconds", Remove(first(3000))),
    ("cut off the last 2.5 s", Remove(last(2500))),
    ("trim the last half a minute", Remove(last(30_000))),
    ("delete 0:05 to 0:07", Remove(between(5000, 7000))),
    ("cut out from 5s to 7s", Remove(between(5000, 7000))),
    ('add a title "Paradise Found"', AddTitle("Paradise Found")),
    (
        'add a red title "Hi there" at the bottom left for 3 seconds',
        AddTitle("Hi there", first(3000), "red", "bottom-left"),
    ),
    (
        "add the text 'trim to 5s and don't ask' from 2s to 4s in the middle",
        AddTitle("trim to 5s and don't ask", between(2000, 4000), None, "center"),
    ),
    ("put the caption “Fin” at 8s for 2s", AddTitle("Fin", between(8000, 10_000))),
    ("show the text «Go» at 8 seconds", AddTitle("Go", between(8000, 11_000))),
    ("add a title that says Hello World for 3 seconds", AddTitle("Hello World", first(3000))),
    ("title: Summer", AddTitle("Summer")),
    ("add lo-fi background music at 35% volume", AddMusic("lofi", 0.35)),
    ("add some upbeat bgm", AddMusic("upbeat", 0.35)),
    ("use epic music with volume 0.8", AddMusic("epic", 0.8)),
    ("add background music", AddMusic("calm", 0.35)),
    ("set the background music volume to 20%", SetVolume(0.2, target="music")),
    ("turn the music down to 10 percent", SetVolume(0.1, target="music")),
    (
        "compress this video using RTK encoding to reduce file size without losing quality",
        Compress(),
    ),
    ("make the file smaller", Compress()),
    ("generate a 10-second sunset timelapse", Generate("sunset", 10.0, "sunset timelapse")),
    ("Create a 5s video of the ocean at dawn", Generate("ocean", 5.0, "ocean at dawn")),
    ("generate a clip of a dancing cat", Generate("abstract", 10.0, "dancing cat")),
    ("generate 2 minutes of city traffic", Generate("city", 60.0, "city traffic")),
    ("make a video from my beach clips", PlaceUploads()),
    ("edit my raw video footage", PlaceUploads()),
    (
        "edit this 4K footage and save the session so I can come back and make changes later",
        PlaceUploads(),
    ),
    ("put my clips on the timeline", PlaceUploads()),
]


@pytest.mark.parametrize(("message", "edit"), ONE_EDIT, ids=lambda value: str(value)[:60])
def test_a_request_is_understood(message: str, edit: Edit) -> None:
    assert understand(message) == (edit,)


def test_several_requests_in_one_message_are_all_done_in_order() -> None:
    assert understand(
        'Trim to the first 10 seconds, then add a title "A, and then B." '
        "and add lo-fi music at 20%. Compress it."
    ) == (Keep(FIRST_10), AddTitle("A, and then B."), AddMusic("lofi", 0.2), Compress())


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        ("hello", "hello"),
        ("thanks!", "hello"),
        ("how do I trim a video?", "how"),
        ("What can you do", "how"),
        ("don't add music", "declined"),
        ("please do not trim it to 10 seconds", "declined"),
        ("make it look better", "unknown"),
        ("trim it", "unknown"),
        ("make a cake", "unknown"),
        ("trim from 10s to 5s", "unknown"),
        ("add a title", "unknown"),
        ("make the music louder", "unknown"),
        ("trim to the first 5 seconds and then bake a cake", "unknown"),
        ("...", "unknown"),
        ("\x000\x00", "unknown"),
    ],
)
def test_what_is_no_request_is_talk(message: str, topic: Topic) -> None:
    assert understand(message) == Talk(topic)


@given(st.text(max_size=200))
def test_any_text_is_understood_as_something(message: str) -> None:
    understand(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10s", 10_000), ("0:30", 30_000), ("1:02:03.5", 3_723_500), ("1 min 20 s", 80_000),
     ("2 minutes and 5 seconds", 125_000), ("ten-second", 10_000), ("half a minute", 30_000)],
)  # fmt: skip
def test_times_are_read_as_people_write_them(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize(
    "piece", ["1", "1s to ", "title ", "edit ", "'a ", '"', "don't ", "so i can ", "reduce ", " "]
)
def test_a_message_made_to_be_slow_is_answered_all_the_same(piece: str) -> None:
    """The patterns are bounded: without that, twenty seconds and more for some of these."""
    assert isinstance(understand("x" + piece * (20_000 // len(piece))), Talk)
