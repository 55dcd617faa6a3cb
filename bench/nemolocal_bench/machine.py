"""The machine and the program versions that the figures come from."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from nemolocal_render import ffmpeg_cli
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.temporary_folder import TemporaryFolder

_CPU_INFO = Path("/proc/cpuinfo")


class MachineInfo(msgspec.Struct, frozen=True):
    """Processor, usable cores, bytes of memory (0: unknown), system and versions."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    ffmpeg: str
    nemolocal: str


async def describe_machine() -> MachineInfo:
    """Describe this machine; raises FFmpegFailed if there is no FFmpeg."""
    lines: list[str] = []
    with TemporaryFolder("bench") as folder:
        await ffmpeg_cli.run(["-version"], folder=folder, timeout=20, on_line=lines.append)
    return MachineInfo(
        _processor(_CPU_INFO),
        usable_cores(),
        _memory(),
        platform.platform(),
        platform.python_version(),
        lines[0] if lines else "unknown",
        _own_version(),
    )


def _processor(info: Path) -> str:
    try:
        lines = info.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        # Not every system reports it.
        return 0


def _own_version() -> str:
    try:
        return version("nemolocal")
    except PackageNotFoundError:
        return "0"
