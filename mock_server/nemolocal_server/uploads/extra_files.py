"""Uploads besides media that a setting can accept: LUTs and subtitle files."""

import asyncio
from pathlib import Path

from nemolocal_agent.intents import Cue
from nemolocal_agent.subtitle_files import (
    MAX_SUBTITLE_BYTES,
    SubtitlesRejected,
    parse_subtitles,
)
from nemolocal_render.lut_files import read_lut
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.text_files import read_text_file


async def inspect_extra_file(path: Path, extension: str) -> MediaInfo:
    """Return the kind of a valid file; raises MediaRejected with the reason otherwise."""
    if extension == "cube":
        table = await asyncio.to_thread(read_lut, path)
        return MediaInfo("lut", extension, lut=table.kind)
    await asyncio.to_thread(read_subtitles, path)
    return MediaInfo("subtitles", extension)


def read_subtitles(path: Path) -> tuple[Cue, ...]:
    """Return the cues of a `.srt` or `.vtt` file; raises MediaRejected with the line."""
    try:
        return parse_subtitles(read_text_file(path, MAX_SUBTITLE_BYTES), path.suffix[1:])
    except SubtitlesRejected as error:
        raise MediaRejected(str(error)) from error
