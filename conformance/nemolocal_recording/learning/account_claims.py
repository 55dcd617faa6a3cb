"""Claims about envelopes, access, tokens and credits (GEN, AUTH, CRD)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

from nemolocal_contract.endpoints import (
    CLAIM_TOKEN_PREFIX,
    missing_attribution,
)
from nemolocal_contract.responses import ResponseCode, http_status

from ..recording import ExchangeRecord
from ..text_marks import marks_of
from .claims import Sighting, claim, describe_actual
from .traffic_view import TrafficView, balance_of, bearer_of, code_of, segment, session_of

Sightings = Iterator[Sighting]
_WEEK, _TOLERANCE = timedelta(days=7), timedelta(minutes=10)
_STYLED = tuple(code for code in ResponseCode if http_status(code, "http") != http_status(code))
_NEEDED_FIELDS = {
    "session": {"task_name"},
    "claim_token": {"task_id", "session_id"},
    "chat": {"session_id", "new_message"},
    "render": {"id", "sessionId", "draft"},
}
_REFUSED_TOKEN = ResponseCode.BAD_TOKEN


def seen(
    exchange: ExchangeRecord, holds: bool | None, case: str = "", actual: object = ""
) -> Sighting:
    """Return a sighting in an exchange."""
    return Sighting(
        exchange.request.exchange, holds, case, "" if holds else describe_actual(actual)
    )


def message_of(exchange: ExchangeRecord) -> object:
    """Return the message of a refusal, as it stands in the recording."""
    return exchange.json.get("message") if isinstance(exchange.json, dict) else None


def marks(exchange: ExchangeRecord) -> frozenset[str]:
    """Return the phrases of the contract in the message of a refusal."""
    return marks_of(message_of(exchange))


@claim("GEN-1", "success", cases="token claim_token session upload balance state")
def successes_have_the_envelope(view: TrafficView) -> Sightings:
    """A success is {code: 0, data: …}."""
    for one, _ in view.successes("token", "claim_token", "session", "upload", "balance", "state"):
        broken = view.violations(one, "GEN-1")
        yield seen(one, not broken, one.endpoint, broken)


@claim("GEN-1", "failure")
def failures_have_the_envelope(view: TrafficView) -> Sightings:
    """A failure is {code: n, message: …, data: null}."""
    for one in view.failures():
        broken = view.violations(one, "GEN-1")
        yield seen(one, not broken, "", broken)


@claim("GEN-2", "status", cases="1001 1002 2001 4001 4002")
def failures_have_one_style(view: TrafficView) -> Sightings:
    """A failure has the HTTP status of one style."""
    for one in view.failures(*_STYLED):
        code = ResponseCode(code_of(one) or 0)
        style = next((s for s in ("envelope", "http") if http_status(code, s) == one.status), "")
        number = one.request.exchange
        yield Sighting(number, bool(style), str(int(code)), f"HTTP {one.status}", style)


@claim("GEN-2", "adk")
def refused_turns_may_be_those_of_adk(view: TrafficView) -> Sightings:
    """A refused turn may be a 404 or 422 with `detail`."""
    for one in view.of("chat"):
        if one.status in (404, 422) and isinstance(one.json, dict) and "detail" in one.json:
            yield Sighting(one.request.exchange, True, alternative="adk")


@claim("GEN-3", "refusal", cases="missing unknown")
def calls_need_a_token(view: TrafficView) -> Sightings:
    """A call without a token, or with an unknown one, is 1001."""
    for one in view.exchanges:
        if one.endpoint in ("", "token", "claim_page"):
            continue
        token = bearer_of(one)
        if not token:
            yield seen(one, code_of(one) == _REFUSED_TOKEN, "missing", one.json)
        elif code_of(one) == _REFUSED_TOKEN and token not in view.tokens:
            # Nobody knows whether a token call that a fault has hit gave this token.
            yield seen(one, None if view.has_hit("token") else True, "unknown")


@claim("GEN-4", "answered")
def calls_without_attribution_are_answered(view: TrafficView) -> Sightings:
    """A call without the attribution headers is answered, unless it is an export."""
    for one in view.exchanges:
        if one.endpoint not in ("", "render", "claim_page") and missing_attribution(
            one.request.headers
        ):
            yield seen(one, code_of(one) != ResponseCode.EXPORT_BLOCKED, "", one.json)


@claim("GEN-5", "refusal")
def token_in_a_url_is_refused(view: TrafficView) -> Sightings:
    """A request with a token in its URL is 1001."""
    for one in view.exchanges:
        if one.request.token_in_url and one.endpoint != "token":
            yield seen(one, code_of(one) == _REFUSED_TOKEN, "", one.json)


@claim("GEN-6", "path", cases="path method body")
def what_is_wrong_is_told(view: TrafficView) -> Sightings:
    """An unknown path is 404, a wrong method 405 with Allow, a wrong body 400 with its field."""
    for one in view.exchanges:
        code = code_of(one)
        if one.request.template is None:
            yield seen(one, (one.status, code) == (404, 404), "path", one.status)
        elif one.status == 405:
            allow = one.response.headers.get("allow") if one.response else ""
            yield seen(one, code == 405 and bool(allow), "method", f"code {code}, Allow {allow}")
        elif bearer_of(one) in view.tokens and _lacks_field(one):
            # What is no JSON object has no field that could be named.
            is_told = "field" in marks(one) or not isinstance(one.sent_json, dict)
            yield seen(one, (one.status, code) == (400, 400) and is_told, "body", one.json)


def _lacks_field(exchange: ExchangeRecord) -> bool:
    """Whether a request has no JSON object, or one that lacks a field that is needed."""
    needed = _NEEDED_FIELDS.get(exchange.endpoint)
    sent = exchange.sent_json
    return needed is not None and not (isinstance(sent, dict) and sent.keys() >= needed)


@claim("GEN-7", "own")
def own_id_is_me(view: TrafficView) -> Sightings:
    """The caller's own user id in a path is the same as `me`."""
    users = {str(data.get("token")): data.get("user_id") for _, data in view.successes("token")}
    for one in view.of("session", "upload", "state"):
        user = segment(one, "user")
        if user != "me" and users.get(bearer_of(one)) == user:
            yield seen(one, code_of(one) != ResponseCode.SESSION_NOT_FOUND, "", one.json)


@claim("GEN-7", "foreign")
def foreign_session_is_unknown(view: TrafficView) -> Sightings:
    """Another user's session is 1002, with no hint that it exists."""
    for one in view.of("state", "upload", "chat", "render", "claim_token"):
        asked = session_of(one)
        owner = view.sessions.get(asked)
        if owner is None or owner == bearer_of(one) or bearer_of(one) not in view.tokens:
            continue
        is_refused = code_of(one) == ResponseCode.SESSION_NOT_FOUND
        yield seen(one, is_refused and "exists" not in marks(one), "", one.json)


@claim("AUTH-1", "reply", count=2)
def token_reply_has_its_form(view: TrafficView) -> Sightings:
    """A new token comes with 100 credits, a user id and a time."""
    for one, data in view.successes("token"):
        broken = view.violations(one, "AUTH-1")
        yield seen(one, not broken and data.get("credits") == 100, "", broken or data)


@claim("AUTH-1", "week")
def token_expires_in_a_week(view: TrafficView) -> Sightings:
    """A new token expires 7 days after the date of its reply."""
    for one, data in view.successes("token"):
        begun = _date(one)
        try:
            ends = datetime.fromisoformat(str(data.get("expires_at")).replace("Z", "+00:00"))
            apart = None if begun is None else abs(ends - begun - _WEEK)
        except (ValueError, TypeError):
            continue
        if apart is not None:
            yield seen(one, apart <= _TOLERANCE, "", f"{data['expires_at']} at {begun}")


def _date(exchange: ExchangeRecord) -> datetime | None:
    try:
        headers = exchange.response.headers if exchange.response else {}
        return parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None


@claim("AUTH-2", "refusal", cases="missing empty")
def token_call_needs_a_client_id(view: TrafficView) -> Sightings:
    """A token call without a client id, or with an empty one, is HTTP 400 with code 400."""
    for one in view.of("token"):
        client = one.request.headers.get("x-client-id")
        if client is None or not client.strip():
            holds = (one.status, code_of(one)) == (400, 400) and "field" in marks(one)
            yield seen(one, holds, "missing" if client is None else "empty", one.json)


@claim("AUTH-3", "limit")
def second_token_is_refused(view: TrafficView) -> Sightings:
    """A second token for a client id is HTTP 429 with code 429 and Retry-After."""
    clients: set[str] = set()
    for one in view.of("token"):
        client = one.request.headers.get("x-client-id", "")
        if client in clients:
            wait = one.response.headers.get("retry-after") if one.response else None
            holds = (one.status, code_of(one)) == (429, 429) and wait is not None
            yield seen(one, holds, "", f"HTTP {one.status}, Retry-After {wait}")
        elif code_of(one) == 0 and client.strip():
            clients.add(client)


@claim("AUTH-5", "again")
def client_gets_another_token_later(view: TrafficView) -> Sightings:
    """After 7 days the same client id gets another token."""
    first: dict[str, float] = {}
    for one, _ in view.successes("token"):
        client, at = one.request.headers.get("x-client-id", ""), one.request.at
        if client in first:
            yield seen(one, at - first[client] >= _WEEK.total_seconds() - 60, "", "earlier")
        first[client] = at


@claim("AUTH-6", "anonymous", cases="balance state session chat upload")
def anonymous_tokens_have_their_scopes(view: TrafficView) -> Sightings:
    """An anonymous token may read, write and upload."""
    for one in view.of("balance", "state", "session", "chat", "upload"):
        if bearer_of(one) in view.tokens and not one.request.token_in_url:
            refused = code_of(one) in (_REFUSED_TOKEN, ResponseCode.FORBIDDEN)
            yield seen(one, not refused, one.endpoint, one.json)


@claim("AUTH-7", "reply")
def claim_token_has_its_form(view: TrafficView) -> Sightings:
    """A claim token begins with clm_ and lives 604,800 seconds."""
    for one, data in view.successes("claim_token"):
        broken = view.violations(one, "AUTH-7")
        starts = str(data.get("claim_token", "")).startswith(CLAIM_TOKEN_PREFIX)
        yield seen(one, not broken and starts, "", broken or data)


@claim("CRD-1", "sum", count=3)
def balance_adds_up(view: TrafficView) -> Sightings:
    """A balance is whole numbers of 0 or more, and total = available + frozen."""
    for one, _ in view.successes("balance"):
        broken = view.violations(one, "CRD-1")
        yield seen(one, not broken, "", broken)


@claim("CRD-2", "settled")
def credits_are_settled_after_a_turn(view: TrafficView) -> Sightings:
    """After a turn nothing is frozen any more."""
    for before, after in pairwise(view.of("chat", "balance")):
        is_pair = (before.endpoint, after.endpoint) == ("chat", "balance") and before.is_stream
        is_same = bearer_of(before) == bearer_of(after)
        if is_pair and is_same and not view.is_paid_unseen(before, after):
            yield seen(after, balance_of(after)[1] == 0, "", balance_of(after))


@claim("CRD-3", "tariff", cases="talk edit later-edit generation")
def turns_cost_the_tariff(view: TrafficView) -> Sightings:
    """A generation costs 100, the first edit of a session 50, a further one and talk nothing."""
    for turn in view.turns:
        case: str = turn.kind
        if case == "edit":
            case = {"first": "edit", "later": "later-edit", "": ""}[view.edit_order(turn)]
        cost = view.cost_of(turn)
        if case and cost is not None:
            due = {"generation": 100, "edit": 50}.get(case, 0)
            yield seen(turn.exchange, cost == due, case, f"{cost} for {case}")


@claim("CRD-4", "link")
def missing_credits_come_with_a_link(view: TrafficView) -> Sightings:
    """A 2001 of an anonymous user has the registration link with ?bind=."""
    for one in view.failures(ResponseCode.NO_CREDITS):
        if bearer_of(one) in view.tokens:
            yield seen(one, "bind_link" in marks(one), "", message_of(one))
