"""Runs a script against a server, call by call, until the model does not allow a response."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import Attribution

from ..assertions import CheckFailed, NotApplicable, PrerequisiteFailed
from ..context import CheckContext
from ..control_client import ControlClient, find_control_client
from ..evidence import HttpExchange
from ..target import TargetClient
from . import account_responses, export_responses, session_responses, turn_responses
from .script import (
    OWN_ACCOUNT,
    AccountStep,
    BalanceStep,
    CallScript,
    CancelStep,
    ClaimStep,
    DownloadStep,
    ExportStep,
    FollowStep,
    MessageStep,
    ScriptStep,
    SessionStep,
    StateStep,
    StatusStep,
    TokenStep,
    UploadStep,
    UrlUploadStep,
    WaitStep,
)
from .server_model import ModelAccount, ServerModel
from .step_executor import StepExecutor
from .violation import RuleViolated, Violation, under_rule

_StepHandler = tuple[
    Callable[[StepExecutor, Any], Any], Callable[[CheckContext, ServerModel, Any, Any], None]
]
# How each step is executed, and how its response is validated.
_STEP_HANDLERS: dict[type[ScriptStep], _StepHandler] = {
    TokenStep: (StepExecutor.request_token, account_responses.validate_token),
    BalanceStep: (StepExecutor.read_balance, account_responses.validate_balance),
    ClaimStep: (StepExecutor.request_claim_token, account_responses.validate_claim),
    SessionStep: (StepExecutor.open_session, session_responses.validate_session),
    StateStep: (StepExecutor.read_state, session_responses.validate_state),
    UploadStep: (StepExecutor.upload, session_responses.validate_upload),
    UrlUploadStep: (StepExecutor.upload_url, session_responses.validate_url_upload),
    MessageStep: (StepExecutor.send_message, turn_responses.validate_turn),
    ExportStep: (StepExecutor.submit_export, export_responses.validate_export),
    StatusStep: (StepExecutor.read_status, export_responses.validate_status),
    FollowStep: (StepExecutor.follow_render, export_responses.validate_followed_render),
    CancelStep: (StepExecutor.cancel_render, export_responses.validate_cancel),
    DownloadStep: (StepExecutor.download_render, export_responses.validate_download),
}


class ScriptResult(msgspec.Struct, frozen=True):
    """How a script ended after `steps` calls: with a violation, stopped for a reason, or well."""

    steps: int
    violation: Violation | None = None
    stop_reason: str = ""
    evidence: tuple[HttpExchange, ...] = ()


class ScriptRunner:
    """Runs scripts; `new_salt` makes client ids and render ids unique on the server."""

    def __init__(self, context: CheckContext, new_salt: Callable[[], str]) -> None:
        self.context = context
        self._new_salt = new_salt
        self._clock = WallClock()

    def run(self, script: CallScript) -> ScriptResult:
        """Execute the steps in order, up to the first response that is not allowed."""
        model = ServerModel(self._new_salt(), self.context.settings)
        executor = StepExecutor(self.context, model)
        self.context.target.take_evidence()
        number, violation, stopped = 0, None, ""
        try:
            if any(
                isinstance(step, AccountStep) and step.by == OWN_ACCOUNT for step in script.steps
            ):
                self._bind_own(model)
            for number, step in enumerate(script.steps, 1):  # noqa: B007 - the result has it
                model.now = self._now()
                self._step(executor, model, step)
        except RuleViolated as broken:
            violation = broken.violation_at(number)
        except NotApplicable as why:
            stopped = f"step {number}: {why}"
        return ScriptResult(number, violation, stopped, self._evidence())

    def can_advance_clock(self) -> bool:
        """Whether the server's clock can be advanced."""
        return self.context.has_control and self.context.control.can_advance_clock()

    def _step(self, executor: StepExecutor, model: ServerModel, step: ScriptStep) -> None:
        """Execute one step and validate its response."""
        if isinstance(step, WaitStep):
            self.context.control.advance_clock(step.seconds)
            return
        call, validate = _STEP_HANDLERS[type(step)]
        validate(self.context, model, step, call(executor, step))

    def _bind_own(self, model: ServerModel) -> None:
        """Add the run's account to the model, with its current credits."""
        with under_rule("AUTH-1"):
            try:
                account = self.context.account
            except PrerequisiteFailed as unmet:
                raise CheckFailed("the account of the run", "to be had", str(unmet)) from None
        available = account_responses.read_balance(self.context.call(wire.BALANCE, account))
        states = frozenset({(available, frozenset[str]())})
        model.accounts[OWN_ACCOUNT] = ModelAccount(
            account.token, account.user_id, credit_states=states
        )

    def _now(self) -> float:
        return self.context.control.read_clock() if self.context.has_control else self._clock.time()

    def _evidence(self) -> tuple[HttpExchange, ...]:
        """Return the recorded exchanges without those of the control API."""
        seen = self.context.target.take_evidence()
        return tuple(exchange for exchange in seen if wire.CONTROL_PREFIX not in exchange.url)


@contextlib.contextmanager
def open_script_runner(
    base_url: str,
    attribution: Attribution,
    *,
    token: str = "",
    control_token: str = "",
    fresh: bool = False,
) -> Iterator[ScriptRunner]:
    """Open a runner for the server at `base_url`.

    `fresh` says that the server has had no requests: then ids need not be random, and a script gets
    the same responses each time.
    """
    target = TargetClient(base_url, attribution)
    with contextlib.closing(target):
        context = CheckContext(target, _working_control(target, control_token), token)
        yield ScriptRunner(context, _fixed_salt if fresh else _new_salt)


def _working_control(target: TargetClient, token: str) -> ControlClient | None:
    """Return the control client if the control API really answers."""
    control = find_control_client(target, token)
    try:
        if control is not None:
            control.read_clock()
    except PrerequisiteFailed:
        return None
    return control


def _fixed_salt() -> str:
    return "0"


def _new_salt() -> str:
    return uuid.uuid4().hex
