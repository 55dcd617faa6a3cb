"""Relays two TCP connections, with their ends and resets."""

import asyncio
import contextlib
import socket
import struct
import sys

_BLOCK = 64 * 1024
# Linger on for 0 seconds: the peer receives a reset.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


async def copy_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of the stream; the other direction may go on."""
    try:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    except ConnectionResetError:
        reset_connection(writer)
        return
    except OSError:
        pass
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


def reset_connection(writer: asyncio.StreamWriter) -> None:
    """Reset a connection."""
    made = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.transport.abort()


async def relay_to(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: tuple[str, int]
) -> None:
    """Relay a connection to a host and port; raises OSError if it cannot connect."""
    far_reader, far_writer = await asyncio.open_connection(*place)
    with contextlib.closing(far_writer):
        await asyncio.gather(copy_stream(reader, far_writer), copy_stream(far_reader, writer))
