"""The bodies of requests as frozen types; `msgspec` names the field that is wrong (GEN-6)."""

from typing import Annotated, Any, Literal

import msgspec

from .endpoints import APP_NAME, CURRENT_USER
from .media import Resolution


class SessionRequest(msgspec.Struct, frozen=True):
    """Open a session (SES-1); `task_name` is always sent."""

    task_name: str = "project"
    language: str | msgspec.UnsetType | None = msgspec.UNSET


class ClaimRequest(msgspec.Struct, frozen=True):
    """Ask for a link that opens a project on the web side (AUTH-7)."""

    task_id: str
    session_id: str


class UrlUploadRequest(msgspec.Struct, frozen=True):
    """Upload by URL (UPL-1)."""

    urls: tuple[str, ...]
    source_type: Literal["url"]


class Part(msgspec.Struct, frozen=True):
    """A part of a message."""

    text: str


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the user says: the texts of its parts, a line each."""

    parts: tuple[Part, ...]
    role: str | None = None

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts)


class ChatRequest(msgspec.Struct, frozen=True):
    """A turn of the conversation, snake_case throughout (SSE-1)."""

    session_id: str
    new_message: Message
    app_name: str = APP_NAME
    user_id: str = CURRENT_USER


class OutputRequest(msgspec.Struct, frozen=True):
    """How an export should come out; everything is optional (REN-1, REN-7).

    `format` and `quality` are always sent, as the skills do. `fps` is ours: pictures a second.
    """

    format: Literal["mp4"] = "mp4"
    quality: Literal["low", "medium", "high"] = "high"
    resolution: Resolution | msgspec.UnsetType | None = msgspec.UNSET
    fps: Annotated[float, msgspec.Meta(ge=1, le=60)] | msgspec.UnsetType | None = msgspec.UNSET


class RenderRequest(msgspec.Struct, frozen=True, rename={"session_id": "sessionId"}):
    """Submit an export; `sessionId` is the contract's one camelCase request field (REN-1)."""

    id: str
    session_id: str
    draft: dict[str, Any]
    output: OutputRequest = OutputRequest()
