"""Generate music and a sample video with FFmpeg from constants: no licences, no downloads."""

from pathlib import Path

import msgspec

from .. import ffmpeg_cli
from ..media import MediaInfo
from ..probing.media_probe import probe

# Half of the usual rate is enough for these soft sounds, and faster to compute.
MUSIC_SAMPLE_RATE = 24_000

_A4, _A4_KEY = 440.0, 69


class Mood(msgspec.Struct, frozen=True):
    """A mood: chords as MIDI keys, and the seconds of a beat; a chord lasts four beats.

    `decay` is how fast a note fades (1/s), `kick` and `hat` are volumes of the drums, `lowpass` is
    the cutoff frequency (Hz).
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
    """Return an FFmpeg expression of one bar for each chord, by the seconds `t` since its start."""
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


__all__ = ["COUNTER_BITS", "COUNTER_BLOCK", "COUNTER_LEFT", "COUNTER_TOP", "MOODS", "make_music"]
__all__ += ["make_sample", "repeat_sample"]

SAMPLE_SIZE = (1280, 720)
SAMPLE_FPS = 30

# The frame number in the picture of the sample: a row of square blocks, white for 1 and black for
# 0, the highest bit first; pixels of the sample's own size.
COUNTER_BITS = 14
COUNTER_BLOCK = 40
COUNTER_LEFT, COUNTER_TOP = 40, 640

_TIMEOUT = 300.0
_LONGEST = 3600.0


async def make_music(mood: str, seconds: float, destination: Path) -> MediaInfo:
    """Write music of a mood (a key of MOODS) as an .m4a: AAC, stereo, 48 kHz, always the same.

    `seconds` is greater than 0 and at most 3600. Raises KeyError for an unknown mood, ValueError
    for another duration, FFmpegFailed if FFmpeg fails.
    """
    theory = MOODS[mood]
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"music must last from 0 to {_LONGEST:.0f} s, not {seconds}")
    graph = _music_graph(theory, seconds)
    sound = ["-c:a", "aac", "-b:a", "160k", "-ar", "48000", "-ac", "2"]
    await write_generated(
        ["-filter_complex", graph, "-map", "[music]", *sound], "ipod", destination
    )
    return await probe(destination, "m4a")


def _music_graph(mood: Mood, seconds: float) -> str:
    sounds = build_bar_expressions(mood)
    chords = [
        f"aevalsrc='{sound}':s={MUSIC_SAMPLE_RATE}:d={mood.bar},"
        f"afade=t=out:st={mood.bar - 0.03}:d=0.03[c{n}]"
        for n, sound in enumerate(sounds)
    ]
    names = "".join(f"[c{n}]" for n in range(len(sounds)))
    size = round(mood.bar * MUSIC_SAMPLE_RATE) * len(sounds)
    fade = min(2.0, seconds / 4)
    chain = (
        f"{names}concat=n={len(sounds)}:v=0:a=1,aloop=loop=-1:size={size},atrim=end={seconds},"
        # A short delay on the right channel makes the sound wider.
        f"lowpass=f={mood.lowpass},aformat=channel_layouts=stereo,adelay=0|11,"
        f"aresample=48000,afade=t=in:d={min(0.3, seconds / 4)},"
        f"afade=t=out:st={seconds - fade}:d={fade},atrim=end={seconds}[music]"
    )
    return ";".join([*chords, chain])


async def make_sample(destination: Path, *, seconds: int = 20) -> None:
    """Write the sample video: 1280x720 at 30 frames/s, H.264 and AAC, `seconds` long.

    It shows a sky with a moving sun and a row of blocks that counts the frames, and plays a low
    tone with a beep at each full second: every cut can be checked by eye, by ear and by a program.
    Raises FFmpegFailed if FFmpeg fails.
    """
    video = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    sound = ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2"]
    length = ["-frames:v", str(seconds * SAMPLE_FPS), "-t", str(seconds)]
    graph = ["-filter_complex", _sample_graph(seconds), "-map", "[video]", "-map", "[sound]"]
    await write_generated([*graph, *video, *sound, *length], "mp4", destination)


async def repeat_sample(sample: Path, times: int, destination: Path) -> None:
    """Write a sample `times` in a row, without encoding it again; both are in the same folder.

    Raises FFmpegFailed if FFmpeg fails.
    """
    source = ["-stream_loop", str(times - 1), "-i", f"file:{sample.absolute()}"]
    await write_generated([*source, "-c", "copy"], "mp4", destination)


def _sample_graph(seconds: int) -> str:
    width, height = SAMPLE_SIZE
    # The sky is smooth, so it is generated small and then enlarged.
    sky = (
        f"gradients=s={width // 8}x{height // 8}:r={SAMPLE_FPS}:d={seconds}:n=3:seed=7:speed=0.01:"
        f"x0=0:y0=0:x1=0:y1={height // 8}:c0=0x16213e:c1=0xe07a5f:c2=0xf2cc8f,"
        f"scale={width}:{height}:flags=bicubic[sky]"
    )
    sun = f"color=c=0xfff3b0:s=120x120:r={SAMPLE_FPS}:d={seconds}[sun]"
    crossing = f"x='mod(n*4,{width})-120*(1-mod(n*4,{width})/{width})':y='80+60*sin(n/30)'"
    strip = (
        f"drawbox=x={COUNTER_LEFT - 10}:y={COUNTER_TOP - 10}:w={COUNTER_BITS * COUNTER_BLOCK + 20}"
        f":h={COUNTER_BLOCK + 20}:c=black:t=fill"
    )
    chain = ",".join([f"[sky][sun]overlay={crossing}", strip, *_counter(), "format=yuv420p"])
    tone = f"sine=f=220:b=4:r=48000:d={seconds},aformat=channel_layouts=stereo[sound]"
    return ";".join([sky, sun, f"{chain}[video]", tone])


def _counter() -> list[str]:
    return [
        f"drawbox=x={COUNTER_LEFT + place * COUNTER_BLOCK}:y={COUNTER_TOP}:w={COUNTER_BLOCK}:"
        f"h={COUNTER_BLOCK}:c=white:t=fill:enable='mod(floor(n/{2**bit}),2)'"
        for place, bit in enumerate(reversed(range(COUNTER_BITS)))
    ]


async def write_generated(arguments: list[str], container: str, destination: Path) -> None:
    """Run FFmpeg on generated sources; `arguments` never contain user input."""
    target = ["-map_metadata", "-1", "-movflags", "+faststart", "-f", container]
    await ffmpeg_cli.run(
        [*arguments, *target, f"file:{destination.absolute()}"],
        folder=destination.absolute().parent,
        timeout=_TIMEOUT,
    )
