"""What the proxy has seen of the callers: whose token, session and render is whose."""

from typing import Any

from nemolocal_contract.endpoints import CLIENT_ID, TOKENS_CHANGE, TOKENS_MAKE, parse_bearer_token
from tests.mutation.mutation_middleware import WireRequest, WireResponse

_MADE = range(200, 300)
_CHANGE_TOKEN = TOKENS_CHANGE.template.partition("{")[0]


def token_of(request: WireRequest) -> str:
    """Return the bearer token of a request, "" if there is none."""
    return parse_bearer_token(request.headers.get("authorization")) or ""


def caller_of(request: WireRequest) -> str:
    """Return what tells callers apart: the token, or the client id of a token call."""
    return token_of(request) or request.headers.get(CLIENT_ID.lower(), "")


def outcome_of(response: WireResponse) -> str:
    """Return "success", or the code of a failure, or the status of another one."""
    code = response.code
    if isinstance(code, int) and code != 0:
        return str(code)
    return "success" if response.status in _MADE else str(response.status)


class ObservedCallers:
    """The callers so far, from the server's own responses, those of the control API included."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        self.scopes: dict[str, list[str]] = {}
        self.revoked: set[str] = set()
        self.sessions: dict[str, str] = {}
        self.renders: dict[str, str] = {}
        self.successes: dict[str, WireResponse] = {}
        self.requests: dict[str, WireRequest] = {}
        self._refused: set[str] = set()
        self._tokens: dict[int, str] = {}

    def observe(self, request: WireRequest, response: WireResponse) -> None:
        """Record a call of the contract."""
        name, token = request.endpoint, token_of(request)
        if outcome_of(response) != "success":
            if outcome_of(response) == "1001":
                self._refused.add(token)
            return
        body = response.json
        self.successes[name] = response
        self.requests[name] = request
        data = body.get("data", body) if isinstance(body, dict) else {}
        if name == "token":
            self.users[data["token"]] = data["user_id"]
        if name == "session":
            self.sessions[data["session_id"]] = token
        if name == "render":
            self.renders[data["id"]] = token

    def observe_control(self, request: WireRequest, response: WireResponse) -> None:
        """Record a call of the control API that makes or changes a token."""
        if request.method != "POST" or response.status not in _MADE:
            return
        if request.path == TOKENS_MAKE.template:
            made: Any = response.json
            token = made["token"]
            self.users[token] = made["user_id"]
            self.scopes[token] = list(request.json.get("scopes") or ())
            self._tokens[made["id"]] = token
        elif request.path.startswith(_CHANGE_TOKEN) and request.json.get("revoked"):
            self.revoked.add(self._tokens.get(int(request.path.removeprefix(_CHANGE_TOKEN)), ""))

    def good_token(self) -> str:
        """Return the newest token that may do everything and was never refused, "" if none."""
        usable = [
            token
            for token in self.users
            if not self.scopes.get(token) and token not in self._refused
        ]
        return usable[-1] if usable else ""
