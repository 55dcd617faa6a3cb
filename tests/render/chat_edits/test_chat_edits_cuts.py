"""Rendered cuts, orders, speeds, loops and slideshows, checked by the sample's frame counter."""

import pytest

from tests.support.chat_edits import Ask

pytestmark = pytest.mark.ffmpeg


RED, BLUE, WHITE, GREEN, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 255, 0), (0, 0, 0)
CLIPS = ("red.mp4", "blue.mp4")


@pytest.mark.slow
def test_placed_upload_is_rendered_completely(ask: Ask) -> None:
    outcome = ask("put my clip on the timeline")
    assert len(outcome.seen) == 120
    assert outcome.counters(0, 1, 59, 119) == [0, 1, 59, 119]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("keep 1s to 3s", 30, 89),
        ("trim to the first 2 seconds", 0, 59),
        ("保留最后一秒", 90, 119),
        ("remove the first second", 30, 119),
        ("keep the second half", 60, 119),
    ],
)
def test_trim_renders_the_kept_frames(ask: Ask, said: str, first: int, last: int) -> None:
    outcome = ask(said)
    assert outcome.counters(0, len(outcome.seen) - 1) == [first, last]
    assert len(outcome.seen) == last - first + 1


@pytest.mark.slow
def test_removed_span_is_not_rendered(ask: Ask) -> None:
    outcome = ask("cut out 1s to 3s")
    assert outcome.counters(29, 30) == [29, 90]


@pytest.mark.slow
def test_part_can_be_removed_after_a_split(ask: Ask) -> None:
    outcome = ask("split it at 1 second", "delete the first clip")
    assert outcome.counters(0) == [30]


@pytest.mark.slow
def test_loop_plays_it_again(ask: Ask) -> None:
    outcome = ask("trim to the first second", "loop it 3 times")
    assert outcome.counters(0, 29, 30, 59, 60, 89) == [0, 29, 0, 29, 0, 29]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("remove the second clip", RED, RED),
        ("move the last clip to the front", BLUE, RED),
        ("swap the first two clips", BLUE, RED),
        ("reverse the order of the clips", BLUE, RED),
        ("合并所有片段", RED, BLUE),
    ],
)
def test_clips_are_rendered_in_the_requested_order(
    ask: Ask, said: str, first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    before = () if "合并" in said else ("put my clips on the timeline",)
    outcome = ask(*before, said, uploads=CLIPS)
    assert outcome.shows(first, 0)
    assert outcome.shows(last, -1)


@pytest.mark.slow
def test_double_speed_shows_every_other_frame(ask: Ask) -> None:
    outcome = ask("speed it up 2x")
    assert len(outcome.seen) == 60
    assert outcome.counters(0, 10, 59) == [0, 20, 118]


@pytest.mark.slow
def test_half_speed_shows_each_frame_twice(ask: Ask) -> None:
    outcome = ask("trim to the first second", "slow it down to half speed")
    assert len(outcome.seen) == 60
    assert outcome.counters(0, 1, 20, 21) == [0, 0, 10, 10]


@pytest.mark.slow
def test_reverse_counts_down(ask: Ask) -> None:
    outcome = ask("trim to the first second", "play it backwards")
    assert outcome.counters(0, 15, 29) == [29, 14, 0]


@pytest.mark.slow
def test_slideshow_shows_each_image_for_its_time(ask: Ask) -> None:
    outcome = ask(
        "make a slideshow of my photos, 2 seconds each", uploads=("quarters.png", "edge.png")
    )
    assert len(outcome.seen) == 120
    assert outcome.shows(RED, 5, 0.25, 0.25)
    assert outcome.shows(WHITE, 110, 0.25, 0.5)
    assert outcome.shows(BLACK, 110, 0.9, 0.5)
