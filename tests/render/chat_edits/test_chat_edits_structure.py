"""Rendered held frames, boomerangs, ramps, gaps, cards and clocks, checked by the frame counter."""

from itertools import pairwise

import pytest

from tests.support.audio import loudness, tone_strength
from tests.support.chat_edits import Ask, Outcome

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)
CLIPS = ("red.mp4", "blue.mp4")


def lit(outcome: Outcome, frame: int, x: tuple[float, float], y: tuple[float, float]) -> bool:
    """Whether something bright is in a part of a frame."""
    return outcome.seen.brightest(frame, x[0], y[0], x[1], y[1]) > 180


@pytest.mark.parametrize("said", ["freeze the frame at 2 seconds for 1 second", "2秒处定格1秒"])
def test_held_frame_is_that_of_its_time_and_silent(ask: Ask, said: str) -> None:
    outcome = ask(said)
    assert len(outcome.seen) == 150
    assert outcome.counters(59, 60, 75, 89, 90, 149) == [59, 60, 60, 60, 60, 119]
    assert loudness(outcome.heard, 2.1, 2.9) < 0.001 < loudness(outcome.heard, 3.1, 3.9)


@pytest.mark.parametrize("said", ["freeze the last frame for 1 second", "定格在最后一帧一秒"])
def test_last_frame_is_held(ask: Ask, said: str) -> None:
    outcome = ask(said)
    assert outcome.counters(118, 119, 120, 149) == [118, 119, 119, 119]


def test_held_frame_stays_after_a_cut_and_at_another_speed(ask: Ask) -> None:
    outcome = ask("freeze the frame at 2 seconds for 2 seconds", "remove 0s to 3s", "2x")
    assert outcome.counters(0, 14, 15, 44) == [60, 60, 60, 118]


def test_boomerang_counts_up_and_down(ask: Ask) -> None:
    outcome = ask("trim to the first second", "make a boomerang")
    assert outcome.counters(0, 15, 29, 30, 45, 59) == [0, 15, 29, 29, 14, 0]


def test_ramp_shows_ever_less_of_each_second(ask: Ask) -> None:
    outcome = ask("speed ramp from 1x to 3x")
    last = len(outcome.seen) - 1
    shown = outcome.counters(*(round(last * part / 4) for part in range(5)))
    steps = [after - before for before, after in pairwise(shown)]
    assert shown[0] == 0
    assert shown[-1] >= 115
    assert all(later > earlier for earlier, later in pairwise(steps))


def test_seamless_loop_begins_after_its_end(ask: Ask) -> None:
    outcome = ask("make a seamless loop")
    assert len(outcome.seen) == 90
    first, last = outcome.counters(0, 89)
    assert first - last == 1


def test_gap_is_black_and_silent(ask: Ask) -> None:
    outcome = ask(
        "put my clips on the timeline", "add 1 second of black after clip 1", uploads=CLIPS
    )
    assert len(outcome.seen) == 150
    assert outcome.shows(RED, 59)
    assert outcome.shows(BLACK, 75)
    assert outcome.shows(BLUE, 91)
    assert loudness(outcome.heard, 2.1, 2.9) < 0.001


def test_shuffled_clips_are_rendered_in_the_new_order(ask: Ask) -> None:
    outcome = ask("put my clips on the timeline", "shuffle the clips", uploads=CLIPS)
    assert outcome.shows(BLUE, 0)
    assert outcome.shows(RED, -1)


def test_clip_is_exchanged_at_its_place(ask: Ask) -> None:
    outcome = ask(
        "put my clips on the timeline", "replace clip 1 with tones.mp4",
        uploads=(*CLIPS, "tones.mp4"),
    )  # fmt: skip
    assert outcome.shows((128, 128, 128), 30)
    assert outcome.shows(BLUE, 75)


def test_only_the_sound_plays_backwards(ask: Ask) -> None:
    outcome = ask("reverse just the audio", uploads=("tones.mp4",))
    low = [tone_strength(outcome.heard, 440, start, start + 0.5) for start in (0.2, 1.2)]
    high = [tone_strength(outcome.heard, 880, start, start + 0.5) for start in (0.2, 1.2)]
    assert low[0] < 0.02 < low[1]
    assert high[1] < 0.02 < high[0]
    sampled = ask("reverse just the audio")
    assert sampled.counters(0, 60, 119) == [0, 60, 119]


def test_cards_stand_before_between_and_after_the_clips(ask: Ask) -> None:
    outcome = ask(
        "put my clips on the timeline",
        "add a 1 second intro saying MMMM",
        "add a blue card with the text 'MMMM' after the second clip for 1 second",
        "add an outro",
        uploads=CLIPS,
    )
    assert len(outcome.seen) == 30 + 60 + 30 + 60 + 90
    assert outcome.shows(BLACK, 15, 0.05, 0.05)
    assert lit(outcome, 15, (0.3, 0.7), (0.4, 0.6))
    assert outcome.shows(RED, 60)
    assert outcome.shows((32, 80, 224), 105, 0.05, 0.05)
    assert lit(outcome, 105, (0.3, 0.7), (0.4, 0.6))
    assert lit(outcome, 225, (0.3, 0.7), (0.4, 0.6))


def test_credits_roll_over_black(ask: Ask) -> None:
    outcome = ask("add rolling credits: MMMM, MMMM", uploads=("red.mp4",))
    rows = [
        [y / 20 for y in range(20) if lit(outcome, frame, (0, 1), (y / 20, (y + 1) / 20))]
        for frame in (100, 140, 180)
    ]
    assert all(rows)
    assert min(rows[0]) > min(rows[1]) > min(rows[2])


def test_countdown_timer_and_bar_change_as_the_video_plays(ask: Ask) -> None:
    outcome = ask(
        "mute it", "add a 2 second countdown", "add a timer top left", "add a white progress bar",
        uploads=("red.mp4",),
    )  # fmt: skip
    middle, corner = ((0.3, 0.7), (0.3, 0.7)), ((0.0, 0.3), (0.0, 0.3))
    assert lit(outcome, 15, *middle)
    assert lit(outcome, 15, *corner)
    ends = [
        max(x / 40 for x in range(40) if lit(outcome, frame, (x / 40, (x + 1) / 40), (0.985, 1)))
        for frame in (20, 40)
    ]
    assert abs(ends[0] - 1 / 3) < 0.06
    assert abs(ends[1] - 2 / 3) < 0.06


def test_video_is_fitted_into_a_length(ask: Ask) -> None:
    outcome = ask("fit it into 2 seconds")
    assert len(outcome.seen) == 60
    assert outcome.counters(0, 30, 59) == [0, 60, 118]


def test_one_clip_fades(ask: Ask) -> None:
    outcome = ask("put my clips on the timeline", "fade in the second clip over 1 second",
                  uploads=CLIPS)  # fmt: skip
    assert outcome.shows(RED, 59)
    assert outcome.shows(BLACK, 60)
    assert outcome.shows(BLUE, 119)
