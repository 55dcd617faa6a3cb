"""Read the packets of an encoded video without decoding them."""

from pathlib import Path

import msgspec

from .. import ffmpeg_cli

_SECONDS = 300.0
_EXTRADATA = "#extradata"


class VideoPackets(msgspec.Struct, frozen=True):
    """The bytes of each packet in the order of decoding, and the SHA-256 of the header.

    The header are the parameter sets of the encoder, which all packets refer to; "" without one.
    """

    header: str
    sizes: tuple[int, ...]


async def read_packets(folder: Path, name: str) -> VideoPackets:
    """Read the video of a file in a job folder, sandboxed; raises FFmpegFailed."""
    headers: list[str] = []
    sizes: list[int] = []

    def read(line: str) -> None:
        # "stream, dts, pts, duration, size, hash", and for a header "#extradata stream, size, hash"
        fields = [field.strip() for field in line.split(",")]
        if line.startswith(_EXTRADATA):
            headers.append(fields[-1])
        elif not line.startswith("#"):
            sizes.append(int(fields[4]))

    await ffmpeg_cli.run(
        [
            *("-f", "mov", "-i", f"file:{name}", "-map", "0:v", "-c", "copy"),
            *("-f", "framehash", "-hash", "sha256", "-"),
        ],
        folder=folder,
        timeout=_SECONDS,
        on_line=read,
    )
    return VideoPackets(headers[0] if headers else "", tuple(sizes))
