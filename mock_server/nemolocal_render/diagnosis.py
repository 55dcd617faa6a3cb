"""What of this machine renders can use, finding by finding, for a person to read."""

import asyncio
import platform
from importlib.metadata import PackageNotFoundError, version

import msgspec

from . import ffmpeg, sandbox
from .encoders import HARDWARE, SOFTWARE, Trial, try_encoder
from .fonts import bundled_font
from .temporary_folder import TemporaryFolder

_SECONDS = 20


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at: its name, whether it is as it should be, and what was seen.

    A hardware encoder that does not work is no defect: `ok` is False, and renders use libx264.
    """

    name: str
    ok: bool
    detail: str


async def diagnose() -> list[Finding]:
    """Look at FFmpeg, its encoders and filters, the font, PyAV and the sandbox."""
    trials = await asyncio.gather(*map(try_encoder, (SOFTWARE, *HARDWARE)))
    return [
        await _binary(),
        *map(_encoder, trials),
        await _subtitles(),
        await asyncio.to_thread(_font),
        _package("av", "PyAV"),
        _sandbox(),
    ]


async def _binary() -> Finding:
    said = await _say(["-version"])
    words = said[0].split() if said else []
    return Finding(
        "ffmpeg", bool(words), f"{ffmpeg.executable()} {words[2] if len(words) > 2 else ''}".strip()
    )


async def _subtitles() -> Finding:
    said = await _say(["-filters"])
    found = any(line.split()[1:2] == ["ass"] for line in said)
    return Finding("libass", found, "titles can be drawn" if found else "titles cannot be drawn")


async def _say(arguments: list[str]) -> list[str]:
    lines: list[str] = []
    with TemporaryFolder("doctor") as folder:
        try:
            await ffmpeg.run(arguments, folder=folder, timeout=_SECONDS, on_line=lines.append)
        except ffmpeg.FFmpegFailed:
            return []
    return lines


def _encoder(trial: Trial) -> Finding:
    return Finding(trial.name, not trial.complaint, trial.complaint or "works")


def _font() -> Finding:
    font = bundled_font()
    return Finding("font", True, f"{font.family}, {len(font.characters)} characters, bundled")


def _package(name: str, label: str) -> Finding:
    try:
        return Finding(label, True, version(name))
    except PackageNotFoundError:
        return Finding(label, False, "is not installed")


def _sandbox() -> Finding:
    landlock = sandbox.landlock_version()
    if landlock:
        return Finding("sandbox", True, f"Landlock {landlock}: children see their own files only")
    return Finding("sandbox", False, f"no Landlock on {platform.system()}: resource limits only")
