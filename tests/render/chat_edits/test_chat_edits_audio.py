"""Rendered volumes, music, fades, titles and subtitles."""

import pytest

from tests.support.audio import loudness, tone_strength
from tests.support.chat_edits import Ask

pytestmark = pytest.mark.ffmpeg


RED, BLUE, WHITE, GREEN, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 255, 0), (0, 0, 0)
CLIPS = ("red.mp4", "blue.mp4")


@pytest.mark.slow
def test_mute_is_silent(ask: Ask) -> None:
    outcome = ask("mute the video", uploads=("red.mp4",))
    assert not outcome.result.warnings
    assert loudness(outcome.heard, 0, 2) < 0.001


@pytest.mark.slow
def test_half_volume_halves_the_amplitude(ask: Ask) -> None:
    outcome = ask("set the volume of the video to 50%", uploads=("red.mp4",))
    assert tone_strength(outcome.heard, 440, 0.5, 1.0) == pytest.approx(0.15, abs=0.02)


@pytest.mark.slow
def test_music_ends_with_the_clip_and_can_be_removed(ask: Ask) -> None:
    said = ("mute the video", "add lo-fi background music at 50% volume")
    heard = ask(*said, uploads=("red.mp4",)).heard
    assert loudness(heard, 0.5, 1.5) > 0.01
    assert abs(len(heard) - 2 * 48_000) <= 1024
    with_nothing = ask(*said, "remove the music", uploads=("red.mp4",))
    assert loudness(with_nothing.heard, 0, 2) < 0.001


@pytest.mark.slow
def test_ducked_music_gets_quieter_under_the_clip(ask: Ask) -> None:
    said = ("put the clip on the timeline", "use small.wav as background music at 100% volume")
    uploads = ("blue.mp4", "small.wav")
    plain = tone_strength(ask(*said, uploads=uploads).heard, 440, 0.4, 0.9)
    ducked = tone_strength(
        ask(*said, "lower the music under the voice", uploads=uploads).heard, 440, 0.4, 0.9
    )
    assert ducked < 0.6 * plain


@pytest.mark.slow
def test_fades_are_linear_in_picture_and_sound(ask: Ask) -> None:
    outcome = ask("fade in and out over 1 second", uploads=("red.mp4",))
    seen, heard = outcome.seen, outcome.heard
    full = seen.rgb(30, 0.5, 0.5)[0]
    reds = [seen.rgb(n, 0.5, 0.5)[0] for n in (0, 7, 15, 22, 30)]
    assert reds == sorted(reds)
    assert reds[2] == pytest.approx(full / 2, abs=20)
    assert seen.rgb(59, 0.5, 0.5)[0] < 30
    assert loudness(heard, 0, 0.1) < 0.4 * loudness(heard, 0.9, 1.1)
    assert loudness(heard, 1.9, 2) < 0.4 * loudness(heard, 0.9, 1.1)


@pytest.mark.slow
def test_title_is_shown_at_its_position_and_time(ask: Ask) -> None:
    seen = ask("add a title 'Hello' at the top for 1 second", uploads=("red.mp4",)).seen
    shown = [seen.brightest(n, 0.2, 0, 0.8, 0.3) > 150 for n in (0, 15, 29, 30, 45)]
    assert shown == [True, True, True, False, False]
    assert seen.brightest(15, 0, 0.5, 1, 1) < 120


@pytest.mark.slow
def test_title_can_be_changed_and_removed(ask: Ask) -> None:
    added = "add a title 'Hello' for 2 seconds"
    moved = ask(added, "move the title to the bottom", uploads=("red.mp4",)).seen
    assert moved.brightest(15, 0, 0, 1, 0.4) < 120
    assert moved.brightest(15, 0.2, 0.7, 0.8, 1) > 150
    gone = ask(added, "remove the title", uploads=("red.mp4",)).seen
    assert gone.brightest(15, 0, 0, 1, 1) < 120


@pytest.mark.slow
def test_subtitles_are_at_the_bottom_at_their_times(ask: Ask) -> None:
    srt = "add these subtitles:\n1\n00:00:00,500 --> 00:00:01,000\nHello there\n"
    seen = ask(srt, uploads=("red.mp4",)).seen
    shown = [seen.brightest(n, 0.1, 0.7, 0.9, 1) > 150 for n in (5, 14, 15, 29, 30, 50)]
    assert shown == [False, False, True, True, False, False]
    gone = ask(srt, "remove the subtitles", uploads=("red.mp4",)).seen
    assert gone.brightest(20, 0, 0, 1, 1) < 120
