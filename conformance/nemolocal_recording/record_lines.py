"""The lines of a recording: JSON objects, one a line, each written as soon as it is known.

The first line is a `Header`. An exchange is a `RequestLine`, a `RequestBodyLine`, a `ResponseLine`,
a `ChunkLine` for each chunk of an event stream, a `ResponseBodyLine` and an `EndLine`. Of an
exchange that a killed recorder left, the last ones are missing. `at` are seconds since the
beginning of the recording.
"""

from typing import Any, Literal

import msgspec

RECORDING_VERSION = 1
MAX_CHUNKS = 1_000
"""So many chunks of a body have their offset and size in a recording."""

ExchangeEnding = Literal[
    "clean", "fin", "rst", "client", "recorder", "upgraded", "unreadable", "unreachable"
]
"""How a response ended.

`clean`: completely, by its own framing. `fin` and `rst`: the server closed or reset the connection
before that, or (`fin`) the response has no length and ends with the connection. `client`: the
client went first. `recorder`: the recording was ended. `upgraded`: to another protocol.
`unreadable`: it was no HTTP. `unreachable`: no connection was made.
"""


class Header(msgspec.Struct, frozen=True, tag_field="line", tag="recording"):
    """What was recorded: when (seconds since the epoch), of which server, with texts or without."""

    started: float
    server: Literal["cloud", "other"]
    has_text: bool = False
    version: int = RECORDING_VERSION


class RequestLine(msgspec.Struct, frozen=True, tag_field="line", tag="request"):
    """The head of a request. `endpoint` is its name in the contract, `template` that of its path.

    `token_in_url` says that the URL had the token of the request, or a string that looks like one.
    """

    exchange: int
    at: float
    method: str
    endpoint: str | None
    template: str | None
    path: str
    query: list[list[str]]
    generation: int | None
    headers: dict[str, str]
    other_headers: int
    token_in_url: bool = False


class RequestBodyLine(msgspec.Struct, frozen=True, tag_field="line", tag="request_body"):
    """What is kept of the body of a request, when its last byte had come."""

    exchange: int
    at: float
    size: int
    body: dict[str, Any]


class ResponseLine(msgspec.Struct, frozen=True, tag_field="line", tag="response"):
    """The head of a response.

    `other_names` are the names of the headers that are not kept, each with the type of its value;
    two names of which only lengths are kept may be one.
    """

    exchange: int
    at: float
    status: int
    headers: dict[str, str]
    other_headers: int
    other_names: dict[str, str] = {}


class ChunkLine(msgspec.Struct, frozen=True, tag_field="line", tag="chunk"):
    """A chunk of an event stream, its size in bytes, and the frames that it completed."""

    exchange: int
    at: float
    size: int
    frames: list[dict[str, Any]]


class ResponseBodyLine(msgspec.Struct, frozen=True, tag_field="line", tag="response_body"):
    """What is kept of the body of a response; `chunks` are offsets and sizes."""

    exchange: int
    size: int
    body: dict[str, Any]
    chunks: list[tuple[float, int]]


class EndLine(msgspec.Struct, frozen=True, tag_field="line", tag="end"):
    """How an exchange ended."""

    exchange: int
    at: float
    ending: ExchangeEnding


class RefusalLine(msgspec.Struct, frozen=True, tag_field="line", tag="refused"):
    """A request that the recorder did not forward, since a limit of the user was reached."""

    exchange: int
    at: float
    limit: Literal["turns", "renders"]


RecordLine = (
    Header | RequestLine | RequestBodyLine | ResponseLine | ChunkLine | ResponseBodyLine | EndLine
    | RefusalLine
)  # fmt: skip
