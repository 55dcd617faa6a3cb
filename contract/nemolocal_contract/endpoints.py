"""The endpoints of the contract: one table for the server's routes and the client's calls."""

from typing import Literal
from urllib.parse import quote

import msgspec

CLOUD_BASE_URL = "https://mega-api-prod.nemovideo.ai"
APP = "nemo_agent"
ME = "me"


class Endpoint(msgspec.Struct, frozen=True):
    """A method on a path template; `rule` is the rule that introduces it."""

    method: Literal["GET", "POST"]
    template: str
    rule: str

    def path(self, **values: str) -> str:
        """The path with its `{names}` filled in and quoted."""
        return self.template.format_map({k: quote(v, safe="") for k, v in values.items()})


TOKEN = Endpoint("POST", "/api/auth/anonymous-token", "AUTH-1")
SESSION = Endpoint("POST", f"/api/tasks/{{user}}/with-session/{APP}", "SES-1")
UPLOAD = Endpoint("POST", f"/api/upload-video/{APP}/{{user}}/{{session}}", "UPL-1")
CHAT = Endpoint("POST", "/run_sse", "SSE-1")
BALANCE = Endpoint("GET", "/api/credits/balance/simple", "CRD-1")
STATE = Endpoint("GET", f"/api/state/{APP}/{{user}}/{{session}}/latest", "STA-1")
RENDER = Endpoint("POST", "/api/render/proxy/lambda", "REN-1")
RENDER_STATUS = Endpoint("GET", "/api/render/proxy/lambda/{render}", "REN-4")
RENDER_DOWNLOAD = Endpoint("GET", "/api/render/proxy/{render}/download", "REN-8")

# Not the contract's: the server's own control interface, never mixed with the paths above.
CONTROL = "/__nemolocal__"
HEALTH = Endpoint("GET", f"{CONTROL}/health", "GEN-6")
JOURNAL = Endpoint("GET", f"{CONTROL}/journal", "GEN-6")
