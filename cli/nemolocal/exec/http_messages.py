"""Reads and answers HTTP/1.1 on asyncio streams."""

import asyncio

import h11

BLOCK_BYTES = 64 * 1024


async def read_event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    """Read the next event of a request; raises h11.RemoteProtocolError for invalid HTTP."""
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(BLOCK_BYTES))
    return event


async def send_https_redirect(writer: asyncio.StreamWriter, host: str, path: str) -> None:
    """Redirect a client from HTTP to HTTPS."""
    where = f"Location: https://{host}{path}\r\n"
    await send_text_response(writer, "308 Permanent Redirect", "", where)


async def send_text_response(
    writer: asyncio.StreamWriter, status: str, text: str, fields: str = ""
) -> None:
    """Send a response of plain text that closes the connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
    writer.write(f"{head}{fields}Connection: close\r\n\r\n{text}".encode())
    await writer.drain()
