"""Audio effects and fades of the sound alone: what they do to samples of rendered files."""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.audio_effects import audio_effect_rows
from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.draft_limits import DraftRejected
from nemolocal_render.planning.effect_reader import MAX_AUDIO_EFFECTS
from nemolocal_render.planning.planner import MediaSource, plan_render
from nemolocal_render.synthetic.sound_effects import make_sound
from tests.support.audio import RATE, loudness, read_samples, tone_strength
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
SIZE = {"width": 64, "height": 36}

# Each is 2 seconds of stereo sound, both channels alike where there is no bar.
_SOUNDS = {
    # A tone in white noise.
    "noisy": "0.2*sin(2*PI*1000*t)+0.02*(random(0)*2-1)",
    "plain": "0.2*sin(2*PI*1000*t)",
    # A voice of 300 Hz, hum of 50 and 60 Hz and a harmonic.
    "hum": "0.2*sin(2*PI*300*t)+0.05*(sin(2*PI*50*t)+sin(2*PI*60*t)+sin(2*PI*100*t))",
    "deep": "0.2*sin(2*PI*30*t)+0.1*sin(2*PI*1000*t)",
    "quiet": "0.01*sin(2*PI*1000*t)",
    # Clicks of 20 ms at each second.
    "clicks": "0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.02)",
    "left": "0.3*sin(2*PI*1000*t)|0",
    # 500 Hz in the middle, 2000 Hz on the left only.
    "middle": "0.2*sin(2*PI*500*t)+0.2*sin(2*PI*2000*t)|0.2*sin(2*PI*500*t)",
    "wide": "0.1*(sin(2*PI*200*t)+sin(2*PI*1000*t)+sin(2*PI*8000*t))",
}
_LENGTH = 2


def _make_sounds(folder: Path) -> None:
    for name, formula in _SOUNDS.items():
        both = formula if "|" in formula else f"{formula}|{formula}"
        source = f"aevalsrc='{both}':s={RATE}:d={_LENGTH}"
        run_ffmpeg("-f", "lavfi", "-i", source, folder / f"{name}.wav")


@pytest.fixture(scope="session")
def sounds(media_cache: MediaCache) -> Path:
    return media_cache.folder("sounds", _make_sounds, _SOUNDS)


def effect(name: str, amount: float | None = None) -> dict[str, Any]:
    return {"type": name} | ({} if amount is None else {"amount": amount})


@pytest.fixture
def hear(make: Make, sounds: Path) -> Callable[..., Any]:
    """Render sounds one after another, each with the effect beside it, and read the samples."""

    def render(*rows: tuple[str, dict[str, Any] | None], length: int = 1000 * _LENGTH) -> Any:
        segments = [
            {
                "src": str(sounds / f"{name}.wav"),
                "s": number * length,
                "d": length,
                "fx": [one] if one else [],
            }
            for number, (name, one) in enumerate(rows)
        ]
        return read_samples(make([{"tt": 1, "sg": segments}], **SIZE)[0])

    return render


def tone(samples: Any, row: int, hertz: float) -> float:
    """How strong a tone is in the middle of the sound with this number."""
    start = _LENGTH * row + 0.9
    return tone_strength(samples, hertz, start, start + 0.2)


def level(samples: Any, row: int, start: float, end: float) -> float:
    """The loudness of a part of the sound with this number."""
    return loudness(samples, _LENGTH * row + start, _LENGTH * row + end)


def noise(samples: Any, row: int) -> float:
    """The loudness of what is not a tone of 1000 Hz."""
    return math.sqrt(max(level(samples, row, 0.9, 1.1) ** 2 - tone(samples, row, 1000) ** 2 / 2, 0))


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_every_effect_renders_at_its_bounds_to_the_exact_length_and_is_heard(
    hear: Callable[..., Any],
) -> None:
    rows = [
        (name, amount)
        for name, row in audio_effect_rows().items()
        for amount in ([row.amount.low, row.amount.high] if row.amount else [None])
    ]
    samples = hear(*(("noisy", effect(*row)) for row in rows), length=500)
    assert 0 <= len(samples) - len(rows) * 0.5 * RATE < 1024
    heard = [loudness(samples, at / 2 + 0.1, at / 2 + 0.4) for at in range(len(rows))]
    assert [row for row, loud in zip(rows, heard, strict=True) if loud < 0.002] == []


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_each_effect_changes_the_spectrum_as_it_says(hear: Callable[..., Any]) -> None:
    samples = hear(
        ("noisy", None), ("noisy", effect("noise-reduction")), ("hum", effect("hum")),
        ("deep", effect("wind")), ("wide", effect("bass", 10)), ("wide", effect("treble", -10)),
        ("wide", effect("telephone")), ("wide", effect("underwater")),
        ("plain", effect("loudness", -24)), ("quiet", effect("loudness", -24)),
        ("quiet", effect("even")), ("wide", effect("voice")),
    )  # fmt: skip
    assert noise(samples, 1) < noise(samples, 0) / 3
    assert tone(samples, 1, 1000) == pytest.approx(tone(samples, 0, 1000), rel=0.1)
    assert [tone(samples, 2, f) for f in (50, 60, 100)] == pytest.approx([0, 0, 0], abs=0.01)
    assert tone(samples, 2, 300) == pytest.approx(0.2, rel=0.15)
    assert tone(samples, 3, 30) < 0.02
    assert tone(samples, 3, 1000) == pytest.approx(0.1, rel=0.15)
    assert tone(samples, 4, 200) > 0.13
    assert tone(samples, 4, 8000) == pytest.approx(0.1, rel=0.1)
    assert tone(samples, 5, 8000) < 0.06
    assert tone(samples, 6, 200) < 0.05 < tone(samples, 6, 1000)
    assert tone(samples, 7, 8000) < 0.005 < tone(samples, 7, 200)
    # A sine of 1000 Hz on both channels has as many LUFS as decibels of its peak (ITU-R BS.1770).
    levels = [20 * math.log10(tone(samples, row, 1000)) for row in (8, 9)]
    assert levels == pytest.approx([-24, -24], abs=1.5)
    assert tone(samples, 10, 1000) > 0.1
    assert tone(samples, 11, 1000) > 1.2 * tone(samples, 11, 200)


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_echoes_pitch_and_channels(hear: Callable[..., Any]) -> None:
    samples = hear(
        ("clicks", None), ("clicks", effect("echo", 300)), ("clicks", effect("reverb")),
        ("plain", effect("pitch", -5)), ("plain", effect("deep-voice", 4)),
        ("plain", effect("chipmunk", 8)), ("left", effect("mono")),
        ("left", effect("swap-channels")), ("middle", effect("no-vocals")),
        ("plain", effect("no-vocals")),
    )  # fmt: skip
    assert level(samples, 0, 1.29, 1.33) < 0.001
    assert level(samples, 1, 1.30, 1.32) > 0.05
    assert level(samples, 1, 1.15, 1.25) < 0.005
    assert level(samples, 2, 1.03, 1.12) > 10 * level(samples, 0, 1.03, 1.12)
    for row, semitones in ((3, -5), (4, -4), (5, 8)):
        assert tone(samples, row, 1000 * 2 ** (semitones / 12)) > 0.1
        assert tone(samples, row, 1000) < 0.05
    # Only the left channel is read.
    assert tone(samples, 6, 1000) == pytest.approx(0.15, rel=0.05)
    assert tone(samples, 7, 1000) < 0.001
    assert tone(samples, 8, 500) < 0.03
    assert tone(samples, 8, 2000) > 0.1
    assert level(samples, 9, 0.9, 1.1) > 0.005


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_sound_fades_and_the_picture_does_not(make: Make) -> None:
    fade = {"type": "sound-fade", "in_ms": 500, "out_ms": 500}
    path, _ = make([{"tt": 0, "sg": [{"src": "red.mp4", "s": 0, "d": 2000, "fx": [fade]}]}], **SIZE)
    samples = read_samples(path)
    heard = [tone_strength(samples, 440, t, t + 0.1) for t in (0.2, 0.95, 1.7)]
    assert heard == pytest.approx([0.15, 0.3, 0.15], abs=0.03)
    assert DecodedVideo(path).rgb(0, 0.5, 0.5)[0] > 200


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        ([effect("bass", 40)], r"fx\[0\].amount: must be from -20 to 20"),
        ([effect("robot", 1)], r"fx\[0\].amount: This effect has no amount"),
        ([effect("bass")] * (MAX_AUDIO_EFFECTS + 1), "at most 8 are rendered"),
    ],
)
def test_effects_out_of_bounds_are_refused(
    source: Callable[[str], MediaSource], effects: list[dict[str, Any]], said: str
) -> None:
    wire = {"t": [{"tt": 0, "sg": [{"src": "red.mp4", "s": 0, "d": 1000, "fx": effects}]}]}
    with pytest.raises(DraftRejected, match=said):
        plan_render(draft_from_wire(wire), {"red.mp4": source("red.mp4")})


def test_an_effect_that_no_row_has_is_a_warning(source: Callable[[str], MediaSource]) -> None:
    wire = {
        "t": [{"tt": 0, "sg": [{"src": "red.mp4", "s": 0, "d": 1000, "fx": [effect("yodel")]}]}]
    }
    plan = plan_render(draft_from_wire(wire), {"red.mp4": source("red.mp4")})
    assert plan.warnings == (
        "draft.t[0].sg[0].fx[0]: the effect 'yodel' is not known, it is left out",
    )


@pytest.mark.parametrize("seconds", [0, -1, 61, float("nan")])
def test_sound_effect_of_another_length_is_refused(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(ValueError, match="a sound lasts from 0 to 60 s"):
        asyncio.run(make_sound("bleep", seconds, tmp_path / "bleep.m4a"))
    assert list(tmp_path.iterdir()) == []
