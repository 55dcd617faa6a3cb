"""Music and a sample video made by FFmpeg from constants of our own: no rights, no downloads."""

from pathlib import Path

from .. import ffmpeg_cli
from ..media import MediaInfo
from ..probing.media_probe import probe
from .music import MOODS, MUSIC_SAMPLE_RATE, Mood, build_bar_expressions

__all__ = ["COUNTER_BITS", "COUNTER_BLOCK", "COUNTER_LEFT", "COUNTER_TOP", "MOODS", "make_music"]
__all__ += ["make_sample"]

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

    `seconds` is more than 0 and at most 3600. Raises KeyError for another mood, ValueError for
    another length, FFmpegFailed where FFmpeg does not work.
    """
    theory = MOODS[mood]
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"music is from 0 to {_LONGEST:.0f} s long, not {seconds}")
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
        # A moment later on the right: wider than the same sound from both sides.
        f"lowpass=f={mood.lowpass},aformat=channel_layouts=stereo,adelay=0|11,"
        f"aresample=48000,afade=t=in:d={min(0.3, seconds / 4)},"
        f"afade=t=out:st={seconds - fade}:d={fade},atrim=end={seconds}[music]"
    )
    return ";".join([*chords, chain])


async def make_sample(destination: Path, *, seconds: int = 20) -> None:
    """Write the sample video: 1280x720 at 30 frames/s, H.264 and AAC, `seconds` long.

    A slow sky with a sun that crosses it, a row of blocks that counts the frames, a low tone with
    a beep at each full second: every cut can be checked by eye, by ear and by machine. Raises
    FFmpegFailed where FFmpeg does not work.
    """
    video = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    sound = ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2"]
    length = ["-frames:v", str(seconds * SAMPLE_FPS), "-t", str(seconds)]
    graph = ["-filter_complex", _sample_graph(seconds), "-map", "[video]", "-map", "[sound]"]
    await write_generated([*graph, *video, *sound, *length], "mp4", destination)


def _sample_graph(seconds: int) -> str:
    width, height = SAMPLE_SIZE
    # The sky is smooth, so it is made small and then enlarged.
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
    """Run FFmpeg on generated sources into `destination`; `arguments` are ours alone."""
    target = ["-map_metadata", "-1", "-movflags", "+faststart", "-f", container]
    await ffmpeg_cli.run(
        [*arguments, *target, f"file:{destination.absolute()}"],
        folder=destination.absolute().parent,
        timeout=_TIMEOUT,
    )
