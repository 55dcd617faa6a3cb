"""Moods as music theory: chords, tempo and touch, and the expressions that FFmpeg plays."""

import msgspec

# Half of the usual rate is enough for these soft sounds, and takes half the time to compute.
MUSIC_SAMPLE_RATE = 24_000

_A4, _A4_KEY = 440.0, 69


class Mood(msgspec.Struct, frozen=True):
    """A mood: chords as MIDI keys, seconds of a beat, four of which are a chord.

    `decay` is how fast a note fades (1/s), `kick` and `hat` are loudnesses of the beat, `lowpass`
    is where its sound ends (Hz).
    """

    chords: tuple[tuple[int, ...], ...]
    beat: float
    decay: float
    kick: float = 0.0
    hat: float = 0.0
    lowpass: int = 6000

    @property
    def bar(self) -> float:
        """Seconds of a chord."""
        return 4 * self.beat


_MAJOR = ((48, 60, 64, 67), (43, 59, 62, 67), (45, 60, 64, 69), (41, 57, 60, 65))
_MINOR = ((45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62))
_JAZZ = ((50, 60, 65, 69, 76), (43, 59, 65, 69, 74), (48, 59, 64, 67, 74), (45, 60, 64, 67, 76))

MOODS: dict[str, Mood] = {
    "lofi": Mood(_JAZZ, 0.75, 1.6, kick=0.35, hat=0.03, lowpass=2400),
    "upbeat": Mood(_MAJOR, 0.5, 4.0, kick=0.4, hat=0.08, lowpass=8000),
    "calm": Mood(_MAJOR, 1.0, 0.8, lowpass=2500),
    "cinematic": Mood(_MINOR, 1.0, 0.5, kick=0.3, lowpass=3500),
    "happy": Mood(_MAJOR, 0.45, 5.0, kick=0.3, hat=0.05, lowpass=9000),
    "sad": Mood(_MINOR, 1.0, 1.0, lowpass=2000),
    "epic": Mood(_MINOR, 0.6, 1.2, kick=0.6, hat=0.04, lowpass=6000),
    "ambient": Mood(_JAZZ, 1.25, 0.4, lowpass=1800),
}


def build_bar_expressions(mood: Mood) -> list[str]:
    """A sound of one bar for each chord, as expressions of the seconds `t` since its start."""
    return [_chord(chord, mood) for chord in mood.chords]


def _chord(keys: tuple[int, ...], mood: Mood) -> str:
    notes = [_note(key, place * mood.beat / 2, mood.decay) for place, key in enumerate(keys)]
    return "+".join((f"{0.8 / len(keys):.3f}*({'+'.join(notes)})", *_drums(mood)))


def _note(key: int, start: float, decay: float) -> str:
    pitch = _A4 * 2 ** ((key - _A4_KEY) / 12)
    since = f"(t-{start:.3f})"
    wave = f"(sin({pitch * 6.283185:.3f}*{since})+0.2*sin({pitch * 12.56637:.3f}*{since}))"
    return f"gte(t,{start:.3f})*exp(-{decay}*{since})*{wave}"


def _drums(mood: Mood) -> list[str]:
    drums = []
    if mood.kick:
        since = f"mod(t,{mood.beat})"
        drums.append(f"{mood.kick}*sin(345*{since})*exp(-16*{since})")
    if mood.hat:
        since = f"mod(t+{mood.beat / 2},{mood.beat})"
        drums.append(f"{mood.hat}*(random(0)-0.5)*exp(-50*{since})")
    return drums
