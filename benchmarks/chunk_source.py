"""A server for measurements: each request gets a stream of events that say when they were sent."""

import asyncio
import time
from json import dumps

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_END_OF_HEAD = b"\r\n\r\n"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request; its path is `/CHUNKS/MILLISECONDS`, the pause before each chunk."""
    head = await reader.readuntil(_END_OF_HEAD)
    _, count, pause = head.split(b" ")[1].split(b"/")
    writer.write(_HEAD)
    for _ in range(int(count)):
        await asyncio.sleep(int(pause) / 1000)
        writer.write(_chunk())
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    writer.close()


def _chunk() -> bytes:
    """Return a frame as a turn has it; `timestamp` is the monotonic clock in nanoseconds."""
    part = {"text": "I have trimmed the clip to its first ten seconds."}
    event = {"content": {"role": "model", "parts": [part]}, "author": "nemo_agent"}
    frame = f"data: {dumps({**event, 'timestamp': time.monotonic_ns()})}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(frame), frame)


async def _run() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run())
