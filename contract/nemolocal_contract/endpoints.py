"""The endpoints of the contract, and the headers and bodies of their requests.

The server takes its routes from here, the client its calls. `msgspec` names the invalid field of a
body (GEN-6).
"""

import functools
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec

from .media import Resolution

CLOUD_BASE_URL = "https://mega-api-prod.nemovideo.ai"
APP_NAME = "nemo_agent"
CURRENT_USER = "me"


class Endpoint(msgspec.Struct, frozen=True):
    """A method on a path template; `rule` is the rule that introduces it."""

    method: Literal["GET", "POST", "DELETE"]
    template: str
    rule: str

    def path(self, **values: str) -> str:
        """Return the path with `{names}` replaced by quoted values, which cannot add segments."""
        return self.template.format_map({k: _quoted(v) for k, v in values.items()})


def _quoted(value: str) -> str:
    if value in (".", ".."):
        return value.replace(".", "%2E")
    return quote(value, safe="", errors="surrogatepass")


TOKEN = Endpoint("POST", "/api/auth/anonymous-token", "AUTH-1")
CLAIM_TOKEN = Endpoint("POST", "/api/auth/claim-token", "AUTH-7")
SESSION = Endpoint("POST", f"/api/tasks/{{user}}/with-session/{APP_NAME}", "SES-1")
UPLOAD = Endpoint("POST", f"/api/upload-video/{APP_NAME}/{{user}}/{{session}}", "UPL-1")
CHAT = Endpoint("POST", "/run_sse", "SSE-1")
BALANCE = Endpoint("GET", "/api/credits/balance/simple", "CRD-1")
STATE = Endpoint("GET", f"/api/state/{APP_NAME}/{{user}}/{{session}}/latest", "STA-1")
RENDER = Endpoint("POST", "/api/render/proxy/lambda", "REN-1")
RENDER_STATUS = Endpoint("GET", "/api/render/proxy/lambda/{render}", "REN-4")
RENDER_CANCEL = Endpoint("POST", "/api/render/proxy/lambda/{render}/cancel", "REN-8")
RENDER_DOWNLOAD = Endpoint("GET", "/api/render/proxy/{render}/download", "REN-8")
CLAIM_PAGE = Endpoint("GET", "/workspace/claim", "AUTH-7")

# Not part of the contract: the control API of the local server.
CONTROL_PREFIX = "/__nemolocal__"
# What the workers of a render farm fetch and return, by signed paths.
FARM_PREFIX = f"{CONTROL_PREFIX}/farm"
# The dashboard: pages for a browser, guarded like the control API.
UI_PREFIX = f"{CONTROL_PREFIX}/ui"
UI_SIGN_IN = f"{UI_PREFIX}/sign-in"
UI_STATIC = f"{UI_PREFIX}/static"
UI_COOKIE = "nemolocal_ui"
SETTINGS = Endpoint("GET", f"{CONTROL_PREFIX}/settings", "GEN-6")
CLOCK = Endpoint("GET", f"{CONTROL_PREFIX}/clock", "GEN-6")
CLOCK_ADVANCE = Endpoint("POST", f"{CONTROL_PREFIX}/clock/advance", "GEN-6")
TOKENS = Endpoint("GET", f"{CONTROL_PREFIX}/tokens", "AUTH-6")
TOKENS_MAKE = Endpoint("POST", f"{CONTROL_PREFIX}/tokens", "AUTH-6")
TOKENS_CHANGE = Endpoint("POST", f"{CONTROL_PREFIX}/tokens/{{token}}", "AUTH-6")
HEALTH = Endpoint("GET", f"{CONTROL_PREFIX}/health", "GEN-6")
JOURNAL = Endpoint("GET", f"{CONTROL_PREFIX}/journal", "GEN-6")
JOURNAL_CLEAR = Endpoint("DELETE", f"{CONTROL_PREFIX}/journal", "GEN-6")
JOURNAL_SUMMARY = Endpoint("GET", f"{CONTROL_PREFIX}/journal/summary", "CRD-3")
SESSIONS = Endpoint("GET", f"{CONTROL_PREFIX}/sessions", "GEN-6")
SESSION_DETAIL = Endpoint("GET", f"{CONTROL_PREFIX}/sessions/{{session}}", "GEN-6")
DRAFT_VERSION = Endpoint(
    "GET", f"{CONTROL_PREFIX}/sessions/{{session}}/drafts/{{version}}", "STA-2"
)
DRAFT_CHANGES = Endpoint(
    "GET", f"{CONTROL_PREFIX}/sessions/{{session}}/drafts/{{version}}/changes", "CLI-3"
)
ASSET_STRIP = Endpoint("GET", f"{CONTROL_PREFIX}/assets/{{asset}}/strip.jpg", "UPL-2")
ASSET_WAVEFORM = Endpoint("GET", f"{CONTROL_PREFIX}/assets/{{asset}}/waveform.svg", "UPL-2")
RENDERS = Endpoint("GET", f"{CONTROL_PREFIX}/renders", "GEN-6")
RENDER_DETAIL = Endpoint("GET", f"{CONTROL_PREFIX}/renders/{{file}}", "REN-5")
RENDER_STOP = Endpoint("POST", f"{CONTROL_PREFIX}/renders/{{file}}/cancel", "REN-8")
EVENTS = Endpoint("GET", f"{CONTROL_PREFIX}/events", "GEN-6")
FAULTS = Endpoint("GET", f"{CONTROL_PREFIX}/faults", "GEN-6")
FAULTS_ARM = Endpoint("POST", f"{CONTROL_PREFIX}/faults", "GEN-6")
FAULTS_CLEAR = Endpoint("DELETE", f"{CONTROL_PREFIX}/faults", "GEN-6")
FAULTS_DISARM = Endpoint("DELETE", f"{CONTROL_PREFIX}/faults/{{fault}}", "GEN-6")
SCENARIOS = Endpoint("GET", f"{CONTROL_PREFIX}/scenarios", "GEN-6")
SCENARIOS_LOAD = Endpoint("POST", f"{CONTROL_PREFIX}/scenarios", "GEN-6")
REPLIES = Endpoint("GET", f"{CONTROL_PREFIX}/replies", "GEN-6")
REPLIES_ADD = Endpoint("POST", f"{CONTROL_PREFIX}/replies", "GEN-6")
REPLIES_CLEAR = Endpoint("DELETE", f"{CONTROL_PREFIX}/replies", "GEN-6")
OPENAPI = Endpoint("GET", f"{CONTROL_PREFIX}/openapi.json", "GEN-6")
SNAPSHOT = Endpoint("POST", f"{CONTROL_PREFIX}/snapshot", "GEN-6")
SNAPSHOT_LIST = Endpoint("GET", f"{CONTROL_PREFIX}/snapshot", "GEN-6")
SNAPSHOT_DELETE = Endpoint("DELETE", f"{CONTROL_PREFIX}/snapshot/{{snapshot}}", "GEN-6")
RESTORE = Endpoint("POST", f"{CONTROL_PREFIX}/restore", "GEN-6")
RESET = Endpoint("POST", f"{CONTROL_PREFIX}/reset", "GEN-6")


@functools.cache
def endpoints() -> dict[str, Endpoint]:
    """Return every endpoint by the name of its constant in lower case (`render_status`)."""
    return {name.lower(): value for name, value in globals().items() if isinstance(value, Endpoint)}


def find_endpoint(method: str, path: str) -> tuple[str, Endpoint] | None:
    """Return the name and the endpoint of a request, or None if it matches none."""
    return next(
        (
            (name, endpoint)
            for name, endpoint in endpoints().items()
            if endpoint.method == method and _pattern(endpoint.template).fullmatch(path)
        ),
        None,
    )


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)))


AUTHORIZATION = "Authorization"
CLIENT_ID = "X-Client-Id"
SKILL_SOURCE = "X-Skill-Source"
SKILL_VERSION = "X-Skill-Version"
SKILL_PLATFORM = "X-Skill-Platform"
ATTRIBUTION = (SKILL_SOURCE, SKILL_VERSION, SKILL_PLATFORM)

# Not part of the contract: asks a local server for faults in this request (`cut-fin;after=2`).
FAULT = "X-Nemolocal-Fault"
# Not part of the contract: a scripted reply for this chat request, as a JSON object.
REPLY = "X-Nemolocal-Reply"
# Not part of the contract: the id of the journal entry that this request repeats.
REPLAY_OF = "X-Nemolocal-Replay-Of"
# Not part of the contract: opens the control API of a local server that requires it.
CONTROL_TOKEN = "X-Nemolocal-Control-Token"

CLIENT_ID_MAX = 64

ANONYMOUS_TOKEN_PREFIX = "nmv_usr_"
CLAIM_TOKEN_PREFIX = "clm_"
ANONYMOUS_USER_PREFIX = "anon_"


class Attribution(msgspec.Struct, frozen=True):
    """The skill on whose behalf a client calls (GEN-4, CLI-1)."""

    source: str
    version: str
    platform: str = "unknown"

    def headers(self) -> dict[str, str]:
        """The three attribution headers."""
        return {
            SKILL_SOURCE: self.source,
            SKILL_VERSION: self.version,
            SKILL_PLATFORM: self.platform,
        }


def missing_attribution(headers: Mapping[str, str]) -> list[str]:
    """Return the attribution headers that a request lacks or leaves empty (REN-2)."""
    present = {name.lower() for name, value in headers.items() if value.strip()}
    return [name for name in ATTRIBUTION if name.lower() not in present]


def bearer_header(token: str) -> dict[str, str]:
    """Return the header that carries a token (GEN-3)."""
    return {AUTHORIZATION: f"Bearer {token}"}


def parse_bearer_token(authorization: str | None) -> str | None:
    """Return the token of an Authorization header, or None if it is missing or malformed."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token:
        return None
    return token


def control_headers(token: str) -> dict[str, str]:
    """Return the header that opens the control API; empty without a token."""
    return {CONTROL_TOKEN: token} if token else {}


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
