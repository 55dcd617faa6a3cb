"""Client mutants that handle tokens, client ids or errors wrongly."""

from typing import Any

import msgspec

from nemolocal_client.errors import (
    BadRequest,
    BadToken,
    ExportBlocked,
    FileTooLarge,
    NemoError,
    OutOfCredits,
    RateLimited,
    SessionNotFound,
    UnsupportedFile,
)
from nemolocal_client.operations import (
    Flow,
    HttpCall,
    LoadClientId,
    LoadTokens,
    Operation,
    RenewClientId,
    SaveToken,
    Secret,
    Sleep,
)
from nemolocal_client.response_errors import data_of, error_of
from nemolocal_contract.endpoints import TOKEN
from nemolocal_contract.responses import TokenReply

from . import client_scenarios
from .client_mutant import ClientMutant, OnApplied, client_mutant
from .flow_rewriting import Memory, endpoint_of, has_token, operation_mutant


@operation_mutant(
    "nameless", "AUTH-1", "AUTH-2", "CLI-7",
    kills="client.client-id client.after-400.client-id", scenario=client_scenarios.talk_or_not,
)  # fmt: skip
def nameless(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The token call has no client id."""
    if isinstance(operation, HttpCall) and endpoint_of(operation) == "token":
        on_applied()
        operation = msgspec.structs.replace(operation, client_id="")
    return (yield operation)


@operation_mutant(
    "gives-up-at-400", "CLI-7", "AUTH-2",
    kills="client.after-400.client-id", scenario=client_scenarios.bad_client_id,
)  # fmt: skip
def gives_up_at_400(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A refused client id is not replaced."""
    reply = yield operation
    failure = error_of(reply)
    if endpoint_of(operation) == "token" and isinstance(failure, BadRequest):
        on_applied()
        raise NemoError(failure.message)
    return reply


@operation_mutant(
    "forgetful", "CLI-9", "AUTH-3", "AUTH-5",
    kills="client.token.once-a-week", scenario=client_scenarios.two_runs,
)  # fmt: skip
def forgetful(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The client id is saved between runs, but not the token."""
    if not isinstance(operation, LoadTokens):
        return (yield operation)
    on_applied()
    return ()


@operation_mutant(
    "newcomer", "CLI-9", kills="client.client-id.kept", scenario=client_scenarios.two_runs,
)  # fmt: skip
def newcomer(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """Each run creates a new client id and saves nothing."""
    match operation:
        case LoadClientId():
            on_applied()
            return (yield RenewClientId())
        case LoadTokens():
            return ()
        case SaveToken():
            return None
    return (yield operation)


@operation_mutant(
    "dodger", "CLI-9", "AUTH-3", kills="client.429.client-id",
    scenario=client_scenarios.token_limited,
)  # fmt: skip
def dodger(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """After 429 a token is requested with another client id."""
    reply = yield operation
    if not isinstance(operation, HttpCall) or not isinstance(error_of(reply), RateLimited):
        return reply
    if not memory.get("limited"):
        memory["limited"] = True
        return reply
    on_applied()
    client_id = yield RenewClientId()
    return (yield msgspec.structs.replace(operation, client_id=client_id))


@operation_mutant(
    "anonymous-after-all", "AUTH-8", "CLI-7",
    kills="client.manual-token", scenario=client_scenarios.manual_token_expired,
)  # fmt: skip
def anonymous_after_all(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A refused NEMO_TOKEN is replaced by an anonymous token."""
    reply = yield operation
    if not isinstance(operation, HttpCall) or not isinstance(error_of(reply), BadToken):
        return reply
    on_applied()
    token = yield from _free_token()
    return (yield msgspec.structs.replace(operation, token=token))


@operation_mutant(
    "stays-refused", "CLI-7", "AUTH-5",
    kills="client.after-1001.renew", scenario=client_scenarios.token_expired,
)  # fmt: skip
def stays_refused(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A refused token is tried again instead of renewed."""
    reply = yield operation
    if not isinstance(error_of(reply), BadToken):
        return reply
    on_applied()
    reply = yield operation
    failure = error_of(reply)
    if failure is not None:
        raise failure
    return reply


@operation_mutant(
    "renames-itself", "CLI-7", "CLI-9",
    kills="client.after-1001.client-id", scenario=client_scenarios.token_expired,
)  # fmt: skip
def renames_itself(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A new token is requested with a new client id."""
    if isinstance(operation, HttpCall) and endpoint_of(operation) == "token":
        if memory.get("named"):
            on_applied()
            client_id = yield RenewClientId()
            operation = msgspec.structs.replace(operation, client_id=client_id)
        memory["named"] = True
    return (yield operation)


@operation_mutant(
    "renews-in-vain", "CLI-7",
    kills="client.after-1001.repeat", scenario=client_scenarios.token_expired_last,
)  # fmt: skip
def renews_in_vain(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """The request is not repeated with the new token."""
    if isinstance(operation, SaveToken):
        memory["tokens"] = memory.get("tokens", 0) + 1
    elif has_token(operation) and memory["tokens"] > 1:
        on_applied()
        raise NemoError("the token was renewed", remedy="say it again")
    return (yield operation)


@operation_mutant(
    "renews-for-ever", "CLI-7", kills="client.after-1001.once",
    scenario=client_scenarios.tokens_expired,
)  # fmt: skip
def renews_for_ever(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A request is repeated as long as its token is refused."""
    reply = yield operation
    while isinstance(operation, HttpCall) and isinstance(error_of(reply), BadToken):
        on_applied()
        token = yield from _free_token()
        reply = yield msgspec.structs.replace(operation, token=token)
    return reply


def _free_token() -> Flow[Secret]:
    client_id = yield LoadClientId()
    request = HttpCall(method=TOKEN.method, path=TOKEN.path(), client_id=client_id)
    return Secret(data_of((yield request), TokenReply).token)


@operation_mutant(
    "keeps-lost-session", "CLI-7", "SES-3",
    kills="client.after-1002.new-session", scenario=client_scenarios.session_lost,
)  # fmt: skip
def keeps_lost_session(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A lost session is still used."""
    if endpoint_of(operation) != "session":
        return (yield operation)
    if "session" in memory:
        on_applied()
    else:
        memory["session"] = yield operation
    return memory["session"]


@operation_mutant(
    "gives-up-at-1002", "CLI-7", "SES-3",
    kills="client.after-1002.new-session", scenario=client_scenarios.session_lost,
)  # fmt: skip
def gives_up_at_1002(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """The client gives up after a lost session."""
    if "lost" in memory:
        on_applied()
        raise NemoError("the session is lost", remedy="start over")
    reply = yield operation
    if isinstance(error_of(reply), SessionNotFound):
        memory["lost"] = True
    return reply


def _stubborn(
    name: str,
    error: type[NemoError],
    at: str,
    scenario: client_scenarios.MutationScenario,
    *breaks: str,
) -> ClientMutant:
    """Make a mutant that repeats a request after a permanent error."""
    check = f"client.after-{error.code}.no-retry"

    @client_mutant(name, *breaks, kills=check, scenario=scenario, at=at)
    def stubborn(original: Any, on_applied: OnApplied) -> Any:
        """A refused request is repeated at once."""

        def flow(*arguments: Any, **options: Any) -> Flow[Any]:
            try:
                return (yield from original(*arguments, **options))
            except error:
                on_applied()
                return (yield from original(*arguments, **options))

        return flow

    return stubborn


_TURN, _UPLOAD, _EXPORT = (
    "client_flows.ClientFlows.say",
    "client_flows.ClientFlows.upload",
    "client_flows.ClientFlows.export",
)
spends_on = _stubborn(
    "spends-on", OutOfCredits, _TURN, client_scenarios.no_credits, "CRD-4", "CLI-7"
)
spends_on_midway = _stubborn(
    "spends-on-midway", OutOfCredits, _TURN, client_scenarios.no_credits_midway, "CRD-4", "CLI-7"
)
sends_any_file = _stubborn(
    "sends-any-file", UnsupportedFile, _UPLOAD, client_scenarios.unsupported_file, "UPL-3", "CLI-7"
)
sends_large_files = _stubborn(
    "sends-large-files", FileTooLarge, _UPLOAD, client_scenarios.large_file, "UPL-4", "CLI-7"
)
exports_blocked = _stubborn(
    "exports-blocked", ExportBlocked, _EXPORT, client_scenarios.export_blocked, "REN-2", "CLI-7"
)


@operation_mutant("breathless", "CLI-7", kills="client.429.wait", scenario=client_scenarios.limited)
def breathless(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A request is repeated at once after 429."""
    if isinstance(operation, Sleep) and memory.get("limited"):
        on_applied()
        return (yield Sleep(operation.seconds / 30))
    reply = yield operation
    if isinstance(operation, HttpCall):
        memory["limited"] = isinstance(error_of(reply), RateLimited)
    return reply


@operation_mutant(
    "persistent", "CLI-7", kills="client.429.once", scenario=client_scenarios.limited_for_long
)
def persistent(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A request is sent four times after 429."""
    reply = yield operation
    for _again in range(3):
        if not isinstance(error_of(reply), RateLimited):
            break
        on_applied()
        yield Sleep(30.0)
        reply = yield operation
    return reply


@operation_mutant(
    "discouraged", "CLI-7", kills="client.429.retry", scenario=client_scenarios.limited_for_long,
)  # fmt: skip
def discouraged(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A request is not repeated after 429."""
    reply = yield operation
    failure = error_of(reply)
    if isinstance(failure, RateLimited) and endpoint_of(operation) != "token":
        on_applied()
        raise failure
    return reply
