"""Clients that deal badly with tokens, with client ids, and with being refused."""

from typing import Any

from nemolocal_client.effects import Call, Flow, RenewClientId, Wait
from nemolocal_client.errors import (
    BadRequest,
    ExportBlocked,
    FileTooLarge,
    NemoError,
    OutOfCredits,
    RateLimited,
    UnsupportedFile,
)
from nemolocal_client.failures import failure_of
from nemolocal_contract.endpoints import TOKEN

from . import scenarios
from .mutant import ClientMutant, Hit, broken_client


@broken_client(
    "nameless", "AUTH-1", "AUTH-2", "CLI-7",
    kills="client.client-id client.after-400.client-id",
    scenario=scenarios.talk_or_not, at="identity._token_for",
)  # fmt: skip
def nameless(original: Any, hit: Hit) -> Any:
    """The token call names no client."""

    def token_for(_: str) -> Flow[Any]:
        hit()
        return (yield from original(""))

    return token_for


@broken_client(
    "gives-up-at-400", "CLI-7", "AUTH-2",
    kills="client.after-400.client-id", scenario=scenarios.bad_client_id, at="identity._token_for",
)  # fmt: skip
def gives_up_at_400(original: Any, hit: Hit) -> Any:
    """A refused client id is no reason to make another one."""

    def token_for(client_id: str) -> Flow[Any]:
        try:
            return (yield from original(client_id))
        except BadRequest as refused:
            hit()
            raise NemoError(refused.message) from None

    return token_for


@broken_client(
    "forgetful", "CLI-9", "AUTH-3", "AUTH-5",
    kills="client.token.once-a-week", scenario=scenarios.two_runs, at="profile.MemoryProfile.token",
)  # fmt: skip
def forgetful(original: Any, hit: Hit) -> Any:
    """The token is not kept between runs, the client id is."""
    del original

    def token(profile: Any, base_url: str) -> None:
        del profile, base_url
        hit()

    return token


@broken_client(
    "newcomer", "CLI-9",
    kills="client.client-id.kept", scenario=scenarios.two_runs, at="client.Desk.answer",
)  # fmt: skip
def newcomer(original: Any, hit: Hit) -> Any:
    """Each run makes a client id of its own, and keeps nothing."""

    def answer(desk: Any, effect: Any) -> object:
        match type(effect).__name__:
            case "RecallClientId":
                hit()
                effect = RenewClientId()
            case "RecallToken" | "KeepToken":
                return None
        return original(desk, effect)

    return answer


@broken_client(
    "dodger", "CLI-9", "AUTH-3",
    kills="client.429.client-id", scenario=scenarios.token_limited, at="identity._ask",
)  # fmt: skip
def dodger(original: Any, hit: Hit) -> Any:
    """Where one client id has had its token, another one asks."""

    def ask(account: Any, *, refused: Any) -> Flow[None]:
        try:
            yield from original(account, refused=refused)
        except RateLimited:
            hit()
            yield RenewClientId()
            yield from original(account, refused=refused)

    return ask


@broken_client(
    "anonymous-after-all", "AUTH-8", "CLI-7",
    kills="client.manual-token", scenario=scenarios.manual_token_expired, at="identity._attempt",
)  # fmt: skip
def anonymous_after_all(original: Any, hit: Hit) -> Any:
    """A refused NEMO_TOKEN is replaced by a free token."""

    def attempt(account: Any, request: Any) -> Flow[Any]:
        hit()
        account.fixed = False
        return (yield from original(account, request))

    return attempt


@broken_client(
    "stays-refused", "CLI-7", "AUTH-5",
    kills="client.after-1001.renew", scenario=scenarios.token_expired, at="identity._renew",
)  # fmt: skip
def stays_refused(original: Any, hit: Hit) -> Any:
    """A refused token is tried again instead of renewed."""
    del original

    def renew(account: Any) -> Flow[None]:
        del account
        hit()
        return
        yield

    return renew


@broken_client(
    "renames-itself", "CLI-7", "CLI-9",
    kills="client.after-1001.client-id", scenario=scenarios.token_expired, at="identity._renew",
)  # fmt: skip
def renames_itself(original: Any, hit: Hit) -> Any:
    """A new token is asked for under a new client id."""

    def renew(account: Any) -> Flow[None]:
        hit()
        yield RenewClientId()
        yield from original(account)

    return renew


@broken_client(
    "renews-in-vain", "CLI-7",
    kills="client.after-1001.repeat", scenario=scenarios.token_expired_last, at="identity._renew",
)  # fmt: skip
def renews_in_vain(original: Any, hit: Hit) -> Any:
    """There is a new token, and the request is not repeated."""

    def renew(account: Any) -> Flow[None]:
        hit()
        yield from original(account)
        raise NemoError("the token was renewed", remedy="say it again")

    return renew


@broken_client(
    "renews-for-ever", "CLI-7",
    kills="client.after-1001.once", scenario=scenarios.tokens_expired, at="sessions.authorized",
)  # fmt: skip
def renews_for_ever(original: Any, hit: Hit) -> Any:
    """A request is repeated as long as its token is refused."""

    def authorized(account: Any, request: Any) -> Flow[Any]:
        for _ in range(2):
            try:
                return (yield from original(account, request))
            except NemoError:
                hit()
        return (yield from original(account, request))

    return authorized


@broken_client(
    "keeps-lost-session", "CLI-7", "SES-3",
    kills="client.after-1002.new-session",
    scenario=scenarios.session_lost, at="workspace.open_session",
)  # fmt: skip
def keeps_lost_session(original: Any, hit: Hit) -> Any:
    """A lost session is used on."""

    kept: list[Any] = []

    def open_session(*arguments: Any) -> Flow[Any]:
        if kept:
            hit()
        else:
            kept.append((yield from original(*arguments)))
        return kept[0]

    return open_session


def _stubborn(
    name: str, error: type[NemoError], at: str, scenario: scenarios.Scenario, *breaks: str
) -> ClientMutant:
    """A client that tries again what is refused for good."""
    check = f"client.after-{error.code}.no-retry"

    @broken_client(name, *breaks, kills=check, scenario=scenario, at=at)
    def stubborn(original: Any, hit: Hit) -> Any:
        """What was refused is tried again at once."""

        def flow(*arguments: Any, **options: Any) -> Flow[Any]:
            try:
                return (yield from original(*arguments, **options))
            except error:
                hit()
                return (yield from original(*arguments, **options))

        return flow

    return stubborn


_TURN, _UPLOAD, _EXPORT = "workspace.take_turn", "workspace.upload_files", "workspace.export"
spends_on = _stubborn("spends-on", OutOfCredits, _TURN, scenarios.no_credits, "CRD-4", "CLI-7")
spends_on_midway = _stubborn(
    "spends-on-midway", OutOfCredits, _TURN, scenarios.no_credits_midway, "CRD-4", "CLI-7"
)
sends_any_file = _stubborn(
    "sends-any-file", UnsupportedFile, _UPLOAD, scenarios.unsupported_file, "UPL-3", "CLI-7"
)
sends_large_files = _stubborn(
    "sends-large-files", FileTooLarge, _UPLOAD, scenarios.large_file, "UPL-4", "CLI-7"
)
exports_blocked = _stubborn(
    "exports-blocked", ExportBlocked, _EXPORT, scenarios.export_blocked, "REN-2", "CLI-7"
)


@broken_client(
    "breathless", "CLI-7",
    kills="client.429.wait", scenario=scenarios.limited, at="identity.Wait",
)  # fmt: skip
def breathless(original: Any, hit: Hit) -> Any:
    """After 429 there is no pause."""

    def wait(seconds: float) -> Wait:
        hit()
        found: Wait = original(seconds / 30)
        return found

    return wait


@broken_client(
    "persistent", "CLI-7",
    kills="client.429.once", scenario=scenarios.limited_for_long, at="identity._send",
)  # fmt: skip
def persistent(original: Any, hit: Hit) -> Any:
    """After 429 it is tried four times."""

    def send(request: Any) -> Flow[Any]:
        for _ in range(3):
            reply = yield request
            if not isinstance(failure_of(reply), RateLimited):
                return reply
            hit()
            yield Wait(30.0)
        return (yield from original(request))

    return send


@broken_client(
    "discouraged", "CLI-7",
    kills="client.429.retry", scenario=scenarios.limited_for_long, at="identity._send",
)  # fmt: skip
def discouraged(original: Any, hit: Hit) -> Any:
    """After 429 it is not tried again."""
    del original

    def send(request: Any) -> Flow[Any]:
        if not (isinstance(request, Call) and request.path == TOKEN.path()):
            hit()
        return (yield request)

    return send
