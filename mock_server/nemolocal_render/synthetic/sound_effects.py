"""Generate the sound effects of `sound_effects.toml`: no licences, no downloads."""

from pathlib import Path

from nemolocal_contract.audio_effects import sound_rows

from ..media import MediaInfo
from ..probing.media_probe import probe
from .sample_media import write_generated

MAX_SOUND_SECONDS = 60.0


async def make_sound(name: str, seconds: float, destination: Path) -> MediaInfo:
    """Write a sound effect as an .m4a: AAC, stereo, 48 kHz, always the same.

    `seconds` is at most 60. Raises KeyError for an unknown name, ValueError for another duration,
    FFmpegFailed if FFmpeg fails.
    """
    row = sound_rows()[name]
    if not 0 < seconds <= MAX_SOUND_SECONDS:
        raise ValueError(f"a sound lasts from 0 to {MAX_SOUND_SECONDS:.0f} s, not {seconds}")
    filters = [
        f"{one.name}={':'.join(f'{key}={value}' for key, value in one.options.items())}"
        for one in row.filters
    ]
    fade = min(0.02, seconds / 4)
    ends = f"afade=t=out:st={seconds - fade:.3f}:d={fade:.3f}"
    source = f"aevalsrc='{row.expression}':s=48000:d={seconds:.3f}"
    graph = ",".join([source, *filters, "aformat=channel_layouts=stereo", f"{ends}[sound]"])
    encoding = ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2"]
    arguments = ["-filter_complex", graph, "-map", "[sound]", *encoding]
    await write_generated(arguments, "ipod", destination)
    return await probe(destination, "m4a")
