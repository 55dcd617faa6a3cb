"""Server mutants of section 2: what tells tokens apart, second calls, claim tokens in time."""

from email.utils import parsedate_to_datetime

from nemolocal_contract.responses import ResponseCode, failure

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import AttributePatch, patch_mutant, response_mutant

_SIX_DAYS = 6 * 86_400.0
_TOKENS = "nemolocal_server.data.tokens"


def _made(request: WireRequest, response: WireResponse) -> bool:
    return request.endpoint == "token" and response.code == 0


@response_mutant("token.one-user", "AUTH-1", "GEN-7", "SES-1", "STA-1", kills="token.new.distinct")
def one_user(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Every anonymous token has the same user_id."""
    if not _made(request, response):
        return None
    return response.with_data(user_id=memory.setdefault("user", response.json["data"]["user_id"]))


@response_mutant("token.twice", "AUTH-1", "AUTH-5", kills="token.new.distinct")
def token_twice(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """The second of two clients gets the token of the first."""
    shown: WireResponse | None = memory.pop("shown", None)
    if not _made(request, response):
        return None
    memory["shown"] = shown or response
    return shown


def _clients(request: WireRequest, response: WireResponse, memory: Memory) -> str:
    """Remember whose token is whose; return that of a client that is refused a second one."""
    client = f"client {request.headers.get('x-client-id')}"
    if _made(request, response):
        memory[client] = f"Bearer {response.json['data']['token']}"
    refused = request.endpoint == "token" and response.code == ResponseCode.RATE_LIMITED
    return str(memory.get(client, "")) if refused else ""


@response_mutant("token.again-revokes", "AUTH-3", kills="token.again.harmless")
def again_revokes(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A refused token request revokes the first token."""
    if first := _clients(request, response, memory):
        memory[first] = True
    if request.endpoint != "balance" or request.headers.get("authorization") not in memory:
        return None
    return response.with_json(failure(ResponseCode.BAD_TOKEN, "this token was revoked"), 200)


@response_mutant("token.again-spends", "AUTH-3", kills="token.again.harmless")
def again_spends(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A refused token request costs the first token a credit."""
    if first := _clients(request, response, memory):
        memory[first] = True
    if request.endpoint != "balance" or request.headers.get("authorization") not in memory:
        return None
    data = response.json["data"]
    return response.with_data(available=data["available"] - 1, total=data["total"] - 1)


@response_mutant("token.after-six-days", "AUTH-3", "AUTH-5", "AUTH-1", kills="token.again.all-week")
def after_six_days(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A client gets a second token after six days."""
    client = request.headers.get("x-client-id", "")
    now = parsedate_to_datetime(response.headers["date"]).timestamp()
    if _made(request, response):
        memory[client] = now, response
    if request.endpoint != "token" or response.code != ResponseCode.RATE_LIMITED:
        return None
    begun, first = memory.get(client, (now, None))
    return first if now - begun > _SIX_DAYS else None


def _page(request: WireRequest, response: WireResponse, claim: str) -> WireResponse | None:
    """Open the page for a claim token that begins like this."""
    is_closed = request.endpoint == "claim_page" and response.status == 404
    if not is_closed or not request.query.startswith(f"ct={claim}"):
        return None
    return response.with_status(200)


@response_mutant("claim.any", "AUTH-7", kills="token.claim.page-own token.claim.life")
def any_claim(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The claim page opens for any claim token."""
    return _page(request, response, "clm_")


@response_mutant("claim.session", "AUTH-7", kills="token.claim.page-own")
def session_as_claim(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The claim page opens for a session id."""
    return _page(request, response, "") if request.query[3:].isdecimal() else None


@response_mutant("claim.none", "AUTH-7", kills="token.claim.page-own")
def no_claim(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The claim page opens without a claim token."""
    is_empty = request.query in ("", "ct=")
    return _page(request, response, "") if is_empty else None


@response_mutant("claim.first-project", "AUTH-7", kills="token.claim.page-own")
def first_project(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """The claim page always shows the first project that was opened."""
    if request.endpoint != "claim_page" or response.status != 200:
        return None
    first = memory.setdefault("page", response)
    return None if first.body == response.body else first


SHORT_CLAIM = patch_mutant(
    "claim.short",
    "AUTH-7",
    kills="token.claim.life",
    sentence="A claim token opens its page for a day.",
    patches=(AttributePatch(_TOKENS, "CLAIM_SECONDS", 86_400),),
)
ENDLESS_CLAIM = patch_mutant(
    "claim.endless",
    "AUTH-7",
    kills="token.claim.life",
    sentence="A claim token opens its page for a year.",
    patches=(AttributePatch(_TOKENS, "CLAIM_SECONDS", 365 * 86_400),),
)
