"""Messages about sound, in the samples and the counted frames of rendered files."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.audio import loudness, tone_strength
from tests.support.chat_edits import Ask
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = [pytest.mark.slow, pytest.mark.ffmpeg]


@pytest.fixture(scope="session")
def pauses(media: Path, media_cache: MediaCache) -> str:
    """The counted frames of the sample, silent from 1 to 2 s, and louder from 3 s on."""
    mute = "volume=volume=0:enable='between(t,1,2)',volume=volume=4:enable='gte(t,3)'"

    def make(path: Path) -> None:
        run_ffmpeg("-i", media / "sample.mp4", "-c:v", "copy", "-af", mute, path)

    return str(media_cache.file("pauses.mp4", make, mute))


def test_silence_is_cut_out_of_the_counted_frames(ask: Ask, pauses: str) -> None:
    done = ask("remove the silence", uploads=(pauses,))
    numbers = done.counters(*range(len(done.seen)))
    assert len(numbers) == pytest.approx(120 - 25, abs=2)
    jumps = [(one, other) for one, other in pairwise(numbers) if other - one > 1]
    assert len(jumps) == 1
    assert jumps[0] == pytest.approx((31, 58), abs=2)
    assert loudness(done.heard, 0.2, 0.8) > 0.01


def test_captions_stand_where_there_is_sound(ask: Ask, media_cache: MediaCache) -> None:
    tone = "aevalsrc=0.3*sin(2764*t)*(1-between(t\\,1\\,2)):s=48000:d=3"

    def make(path: Path) -> None:
        black = "color=black:s=320x180:r=30:d=3"
        run_ffmpeg("-f", "lavfi", "-i", black, "-f", "lavfi", "-i", tone, "-c:a", "aac", path)

    black = str(media_cache.file("black-pauses.mp4", make, tone))
    done = ask("add captions", uploads=(black,))
    bright = [done.seen.brightest(frame, 0, 0.5, 1, 1) > 180 for frame in (15, 45, 75)]
    assert bright == [True, False, True]


def test_highlights_keep_the_loud_end(ask: Ask, pauses: str) -> None:
    done = ask("make a 1 second highlight reel", uploads=(pauses,))
    numbers = done.counters(0, len(done.seen) - 1)
    assert len(done.seen) == 30
    assert numbers == pytest.approx([90, 119], abs=2)


def test_a_bleep_takes_the_place_of_the_sound_and_a_ding_is_added(ask: Ask) -> None:
    heard = ask("bleep at 0:01", "add a ding at 2.5s").heard
    assert tone_strength(heard, 1000, 1.2, 1.4) > 0.15
    assert tone_strength(heard, 220, 1.2, 1.4) < 0.01
    assert tone_strength(heard, 220, 0.4, 0.6) > 0.05
    assert tone_strength(heard, 1568, 2.52, 2.6) > 0.1


def test_other_sound_under_the_picture(ask: Ask) -> None:
    done = ask("use the audio from tones.mp4 over the video of sample.mp4",
               uploads=("tones.mp4", "sample.mp4"))  # fmt: skip
    assert done.counters(0, 30) == [0, 30]
    assert tone_strength(done.heard, 440, 0.4, 0.6) > 0.2
    assert tone_strength(done.heard, 220, 0.4, 0.6) < 0.01
