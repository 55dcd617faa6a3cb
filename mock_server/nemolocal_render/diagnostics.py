"""Check what the renderer can use on this machine, for `nemolocal doctor`."""

import asyncio
import platform
from importlib.metadata import PackageNotFoundError, version

import msgspec

from . import ffmpeg_cli, sandbox
from .encoders import HARDWARE_ENCODERS, SOFTWARE_ENCODER, EncoderProbe, probe_encoder
from .fonts import bundled_font
from .temporary_folder import TemporaryFolder

_SECONDS = 20


class SystemCheck(msgspec.Struct, frozen=True):
    """The result of one check: name, success and details.

    A hardware encoder that does not work has `ok` False, but is not an error: libx264 is used.
    """

    name: str
    ok: bool
    detail: str


async def diagnose() -> list[SystemCheck]:
    """Check FFmpeg, its encoders and filters, the font, PyAV and the sandbox."""
    trials = await asyncio.gather(*map(probe_encoder, (SOFTWARE_ENCODER, *HARDWARE_ENCODERS)))
    return [
        await _binary(),
        *map(_encoder, trials),
        await _subtitles(),
        await asyncio.to_thread(_font),
        _package("av", "PyAV"),
        _sandbox(),
    ]


async def _binary() -> SystemCheck:
    lines = await _ffmpeg_output(["-version"])
    words = lines[0].split() if lines else []
    return SystemCheck(
        "ffmpeg",
        bool(words),
        f"{ffmpeg_cli.executable()} {words[2] if len(words) > 2 else ''}".strip(),
    )


async def _subtitles() -> SystemCheck:
    lines = await _ffmpeg_output(["-filters"])
    found = any(line.split()[1:2] == ["ass"] for line in lines)
    return SystemCheck(
        "libass", found, "titles can be drawn" if found else "titles cannot be drawn"
    )


async def _ffmpeg_output(arguments: list[str]) -> list[str]:
    lines: list[str] = []
    with TemporaryFolder("doctor") as folder:
        try:
            await ffmpeg_cli.run(arguments, folder=folder, timeout=_SECONDS, on_line=lines.append)
        except ffmpeg_cli.FFmpegFailed:
            return []
    return lines


def _encoder(trial: EncoderProbe) -> SystemCheck:
    return SystemCheck(trial.name, not trial.error, trial.error or "works")


def _font() -> SystemCheck:
    font = bundled_font()
    return SystemCheck("font", True, f"{font.family}, {len(font.characters)} characters, bundled")


def _package(name: str, label: str) -> SystemCheck:
    try:
        return SystemCheck(label, True, version(name))
    except PackageNotFoundError:
        return SystemCheck(label, False, "is not installed")


def _sandbox() -> SystemCheck:
    landlock = sandbox.landlock_version()
    if landlock:
        return SystemCheck("sandbox", True, f"FFmpeg sees its own files only (Landlock {landlock})")
    return SystemCheck(
        "sandbox", False, f"no Landlock on {platform.system()}: resource limits only"
    )
