"""What a recording may keep as it is: names, enumerations and headers of the contract.

Everything else is redacted. So what nobody thought of is not in a recording, rather than in it.
"""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

import msgspec

from nemolocal_contract import endpoints, responses
from nemolocal_contract.draft import draft_wire_names
from nemolocal_contract.generations import GENERATION_2_PLATFORMS
from nemolocal_contract.media import ACCEPTED_EXTENSIONS, MediaKind, Resolution

KEPT_HEADERS = (
    "authorization",
    "x-client-id",
    "x-skill-source",
    "x-skill-version",
    "x-skill-platform",
    "content-type",
    "retry-after",
    "allow",
    "date",
)
"""The headers whose values are kept or replaced by pseudonyms; the others are counted."""
METHODS = frozenset("GET POST PUT PATCH DELETE HEAD OPTIONS CONNECT TRACE".split())
PLATFORMS = frozenset((*GENERATION_2_PLATFORMS, "clawhub", "unknown"))
MEDIA_TYPES = frozenset(
    "application/json text/event-stream multipart/form-data application/x-www-form-urlencoded "
    "text/plain text/html application/octet-stream video/mp4 video/quicktime video/webm "
    "video/x-msvideo video/x-matroska image/jpeg image/png image/gif image/webp audio/mpeg "
    "audio/wav audio/x-wav audio/mp4 audio/aac".split()
)
SUFFIXES = frozenset((*ACCEPTED_EXTENSIONS, "jpeg", "m3u8", "json", "txt"))
ID_KEYS = frozenset(
    "session_id sessionId task_id user_id id invocationId token claim_token hash src".split()
)
URL_KEYS = frozenset(("cdn_url", "url", "outputUrl", "urls"))
TIME_KEYS = frozenset(("expires_at", "createdAt", "completedAt"))
FILENAME_KEYS = frozenset(("filename",))
ID_PREFIXES = ("nmv_usr_", "clm_", "anon_", "render_", "e-")
"""What ids of the contract begin with: a pseudonym keeps it."""
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)?", re.A)
VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}", re.ASCII)
HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)
RATIO = re.compile(r"\d{1,5}:\d{1,5}", re.ASCII)

# The names of ADK's events, of typed events, of ADK's refusals and of nested renders.
_EVENT_KEYS = frozenset(
    "content parts role text functionCall functionResponse id name args response invocationId "
    "author actions stateDelta artifactDelta requestedAuthConfigs requestedToolConfirmations "
    "timestamp type result partial turnComplete finishReason errorCode errorMessage success data "
    "outputUrl createdAt completedAt detail loc msg".split()
)
_ENVELOPE_TYPES = (
    responses.Envelope, responses.TokenReply, responses.ClaimReply, responses.SessionReply,
    responses.FileReply, responses.UploadReply, responses.Balance, responses.CanvasConfig,
    responses.State, responses.StateReply, responses.RenderOutput, responses.RenderStatus,
)  # fmt: skip
_REQUEST_TYPES = (
    endpoints.SessionRequest, endpoints.ClaimRequest, endpoints.UrlUploadRequest, endpoints.Part,
    endpoints.Message, endpoints.ChatRequest, endpoints.OutputRequest, endpoints.RenderRequest,
)  # fmt: skip

ENUMERATIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "status": frozenset((*get_args(responses.RenderState), "queued")),
        "file_type": frozenset(get_args(MediaKind)),
        "format": frozenset(("mp4",)),
        "quality": frozenset(("low", "medium", "high")),
        "resolution": frozenset(get_args(Resolution)),
        "role": frozenset(("model", "user")),
        "author": frozenset((endpoints.APP_NAME, "user")),
        "type": frozenset(("text", "tool_call", "tool_result", "heartbeat", "done")),
        "app_name": frozenset((endpoints.APP_NAME,)),
        "user_id": frozenset((endpoints.CURRENT_USER,)),
        "source_type": frozenset(("url",)),
        "language": frozenset(("en", "zh")),
        # The tools whose names public documents show.
        "name": frozenset(("edit_multitrack", "generate_video_with_seedance")),
    }
)
"""JSON key → the values that are kept; ids and enumerations of the contract, and nothing free."""


@cache
def known_keys() -> frozenset[str]:
    """Return the JSON keys of the contract, in requests, replies, events and drafts."""
    types: tuple[Any, ...] = (*_ENVELOPE_TYPES, *_REQUEST_TYPES)
    fields = {field.encode_name for type_ in types for field in msgspec.structs.fields(type_)}
    return frozenset(fields) | draft_wire_names() | _EVENT_KEYS | {"color", "pos", "font", "size"}
