"""What a skill document says, as frozen values; lines and columns count from 1."""

from typing import Literal

import msgspec

RouteTarget = Literal["export", "credits", "state", "upload", "chat", "other"]
LimitKind = Literal[
    "upload_limit",
    "poll_interval",
    "poll_tries",
    "turn_timeout",
    "working_note",
    "token_life",
    "grant",
    "rate_limit_wait",
    "resolution_promised",
    "resolution_given",
]


class RawFinding(msgspec.Struct, frozen=True):
    """Something to be said about a place of the document: the id of its check, where, and what."""

    check: str
    line: int
    message: str
    column: int = 0


class Frontmatter(msgspec.Struct, frozen=True):
    """The head of the document; `values` are texts, lists and mappings, nothing else.

    Dotted keys are nested. `lines` has the line of each top-level key. `start` and `end` are the
    lines of the fences, 0 where there is none.
    """

    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    start: int = 0
    end: int = 0

    def text(self, name: str) -> str:
        """A value that is a text, without the space around it; "" for anything else."""
        value = self.values.get(name)
        return value.strip() if isinstance(value, str) else ""


class StatedLimit(msgspec.Struct, frozen=True):
    """A figure that the document states: bytes, seconds, days, pixels of height, or a count."""

    kind: LimitKind
    value: int
    line: int
    column: int
    text: str


class FormatList(msgspec.Struct, frozen=True):
    """File formats named in one place, in small letters; `whole` where it is the accepted list."""

    names: tuple[str, ...]
    line: int
    column: int
    is_accepted_list: bool


class RouteRow(msgspec.Struct, frozen=True):
    """Words of the user and where they go; `skips_sse` is None where the table does not say."""

    words: tuple[str, ...]
    action: str
    target: RouteTarget
    section: str
    skips_sse: bool | None
    line: int


class ErrorRow(msgspec.Struct, frozen=True):
    """A code, and all that the document says about it."""

    code: int
    text: str
    line: int


class GuiRow(msgspec.Struct, frozen=True):
    """What the backend says, and what is to be done."""

    says: str
    action: str
    line: int


class EventRow(msgspec.Struct, frozen=True):
    """An event of the stream, and what is to be done."""

    event: str
    action: str
    line: int


class EndpointMention(msgspec.Struct, frozen=True):
    """A path that the document names.

    `method` is "" where none is said; `about` is what is said about it, `bodies` the JSON texts
    in that; `name` is the contract's endpoint, "" where it knows none of this method and path.
    """

    method: str
    path: str
    line: int
    column: int
    about: str
    bodies: tuple[str, ...] = ()
    name: str = ""


class SkillLimits(msgspec.Struct, frozen=True):
    """The first figure of each kind that is stated; None where none is.

    Bytes, seconds, days, pixels of height.
    """

    upload_bytes: int | None = None
    formats: tuple[str, ...] = ()
    poll_seconds: int | None = None
    poll_tries: int | None = None
    turn_seconds: int | None = None
    token_days: int | None = None
    credits: int | None = None
    resolution: int | None = None
