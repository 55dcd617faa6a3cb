"""The endpoints of the contract: one table for the server's routes and the client's calls."""

import functools
import re
from typing import Literal
from urllib.parse import quote

import msgspec

CLOUD_BASE_URL = "https://mega-api-prod.nemovideo.ai"
APP_NAME = "nemo_agent"
CURRENT_USER = "me"


class Endpoint(msgspec.Struct, frozen=True):
    """A method on a path template; `rule` is the rule that introduces it."""

    method: Literal["GET", "POST", "DELETE"]
    template: str
    rule: str

    def path(self, **values: str) -> str:
        """The path with its `{names}` filled in and quoted, so that none is a step in the path."""
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

# Not the contract's: the server's own control interface, never mixed with the paths above.
CONTROL_PREFIX = "/__nemolocal__"
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
FAULTS = Endpoint("GET", f"{CONTROL_PREFIX}/faults", "GEN-6")
FAULTS_ARM = Endpoint("POST", f"{CONTROL_PREFIX}/faults", "GEN-6")
FAULTS_CLEAR = Endpoint("DELETE", f"{CONTROL_PREFIX}/faults", "GEN-6")
FAULTS_DISARM = Endpoint("DELETE", f"{CONTROL_PREFIX}/faults/{{fault}}", "GEN-6")
SCENARIOS = Endpoint("GET", f"{CONTROL_PREFIX}/scenarios", "GEN-6")
SCENARIOS_LOAD = Endpoint("POST", f"{CONTROL_PREFIX}/scenarios", "GEN-6")
OPENAPI = Endpoint("GET", f"{CONTROL_PREFIX}/openapi.json", "GEN-6")
SNAPSHOT = Endpoint("POST", f"{CONTROL_PREFIX}/snapshot", "GEN-6")
SNAPSHOT_LIST = Endpoint("GET", f"{CONTROL_PREFIX}/snapshot", "GEN-6")
SNAPSHOT_DELETE = Endpoint("DELETE", f"{CONTROL_PREFIX}/snapshot/{{snapshot}}", "GEN-6")
RESTORE = Endpoint("POST", f"{CONTROL_PREFIX}/restore", "GEN-6")
RESET = Endpoint("POST", f"{CONTROL_PREFIX}/reset", "GEN-6")


@functools.cache
def endpoints() -> dict[str, Endpoint]:
    """Every endpoint by its name: that of its constant in small letters (`render_status`)."""
    return {name.lower(): value for name, value in globals().items() if isinstance(value, Endpoint)}


def find_endpoint(method: str, path: str) -> tuple[str, Endpoint] | None:
    """The endpoint that a request means, with its name; None for any other request."""
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
