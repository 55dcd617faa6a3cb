"""The reference client of the NemoVideo contract.

with Client("http://127.0.0.1:8787", attribution=Attribution("my-skill", "1.0")) as client:
    client.upload("clip.mp4")
    turn = client.say("trim to the first 10 seconds")
    print(*turn.lines, sep="\\n")
    client.export("out.mp4")
"""

from nemolocal_contract.endpoints import CLOUD_BASE_URL, Attribution
from nemolocal_contract.responses import Balance, FileReply, StateReply

from .assistant import Answer, Assistant, AsyncAssistant
from .client import TOKEN_VARIABLE, AsyncClient, Client
from .client_flows import Resolution
from .errors import (
    BackendError,
    BadAttribution,
    BadReply,
    BadRequest,
    BadText,
    BadToken,
    CannotConnect,
    CannotFetch,
    ConnectionCut,
    DownloadFailed,
    ExportBlocked,
    FileProblem,
    FileTooLarge,
    NemoError,
    NothingToExport,
    OutOfCredits,
    RateLimited,
    RenderFailed,
    ServerLost,
    SessionNotFound,
    StreamTimeout,
    TransportFailed,
    TurnFailed,
    UnsupportedFile,
)
from .exports import Export
from .httpx_adapter import host_of, is_loopback
from .local_files import check_destination
from .message_routing import Route, Step, route, steps
from .operations import AsyncNotify, KeptSession, Notice, NoticeKind, Notify
from .profile import IdentityStore, MemoryProfile, Profile, config_folder
from .retry import PollPolicy, ReconnectPolicy
from .sessions import draft_of
from .turns import Turn

__all__ = [
    "CLOUD_BASE_URL",
    "TOKEN_VARIABLE",
    "Answer",
    "Assistant",
    "AsyncAssistant",
    "AsyncClient",
    "AsyncNotify",
    "Attribution",
    "BackendError",
    "BadAttribution",
    "BadReply",
    "BadRequest",
    "BadText",
    "BadToken",
    "Balance",
    "CannotConnect",
    "CannotFetch",
    "Client",
    "ConnectionCut",
    "DownloadFailed",
    "Export",
    "ExportBlocked",
    "FileProblem",
    "FileReply",
    "FileTooLarge",
    "IdentityStore",
    "KeptSession",
    "MemoryProfile",
    "NemoError",
    "NothingToExport",
    "Notice",
    "NoticeKind",
    "Notify",
    "OutOfCredits",
    "PollPolicy",
    "Profile",
    "RateLimited",
    "ReconnectPolicy",
    "RenderFailed",
    "Resolution",
    "Route",
    "ServerLost",
    "SessionNotFound",
    "StateReply",
    "Step",
    "StreamTimeout",
    "TransportFailed",
    "Turn",
    "TurnFailed",
    "UnsupportedFile",
    "check_destination",
    "config_folder",
    "draft_of",
    "host_of",
    "is_loopback",
    "route",
    "steps",
]
