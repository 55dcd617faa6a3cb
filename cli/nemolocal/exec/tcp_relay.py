"""Two connections joined into one, whose ends and resets pass from one to the other."""

import asyncio
import contextlib
import socket
import struct
import sys

_BLOCK = 64 * 1024
# On, and for no seconds: the peer gets a reset.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


async def copy_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything that comes, until it ends; the other direction may go on."""
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
    """Break a connection."""
    made = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    writer.transport.abort()


async def relay_to(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: tuple[str, int]
) -> None:
    """Join a connection with a new one to a place; raises OSError where there is nobody."""
    far_reader, far_writer = await asyncio.open_connection(*place)
    with contextlib.closing(far_writer):
        await asyncio.gather(copy_stream(reader, far_writer), copy_stream(far_reader, writer))
