"""The content of a skill document as frozen values; lines and columns count from 1."""

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
    """A finding before the catalogue is added: the id of its check, position and message."""

    check: str
    line: int
    message: str
    column: int = 0


class Frontmatter(msgspec.Struct, frozen=True):
    """The frontmatter of the document; `values` are texts, lists and mappings.

    Dotted keys are nested. `lines` has the line of each top-level key. `start` and `end` are the
    lines of the fences, 0 if there is none.
    """

    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    start: int = 0
    end: int = 0

    def text(self, name: str) -> str:
        """Return a text value without the space around it; "" for anything else."""
        value = self.values.get(name)
        return value.strip() if isinstance(value, str) else ""


class StatedLimit(msgspec.Struct, frozen=True):
    """A limit that the document states: bytes, seconds, days, pixels of height, or a count."""

    kind: LimitKind
    value: int
    line: int
    column: int
    text: str


class FormatList(msgspec.Struct, frozen=True):
    """A list of file formats, in lower case."""

    names: tuple[str, ...]
    line: int
    column: int
    is_accepted_list: bool


class RouteRow(msgspec.Struct, frozen=True):
    """Words of the user and their route; `skips_sse` is None if the table does not say."""

    words: tuple[str, ...]
    action: str
    target: RouteTarget
    section: str
    skips_sse: bool | None
    line: int


class ErrorRow(msgspec.Struct, frozen=True):
    """A code and what the document says about it."""

    code: int
    text: str
    line: int


class GuiRow(msgspec.Struct, frozen=True):
    """A text of the backend and the action for it."""

    says: str
    action: str
    line: int


class EventRow(msgspec.Struct, frozen=True):
    """An event of the stream and the action for it."""

    event: str
    action: str
    line: int


class EndpointMention(msgspec.Struct, frozen=True):
    """An endpoint that the document mentions.

    `method` is "" if the document does not say; `about` is the text about it, `bodies` the JSON
    objects in that text; `name` is the contract's endpoint, "" if there is none of this method and
    path.
    """

    method: str
    path: str
    line: int
    column: int
    about: str
    bodies: tuple[str, ...] = ()
    name: str = ""


class ExamplePhrase(msgspec.Struct, frozen=True):
    """A message that the document proposes to its users, without its quotation marks."""

    text: str
    line: int
    column: int


class SkillLimits(msgspec.Struct, frozen=True):
    """The first stated limit of each kind, None if there is none.

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
