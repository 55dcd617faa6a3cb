"""Plays a script on a server, call by call, until an answer comes that the model does not allow."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import WallClock

from ..exchange import Exchange
from ..expectations import Broken, NotApplicable, Unmet
from ..stage import Stage
from . import accounts, renders, sessions, turns
from .calls import Caller
from .finding import Disallowed, Finding, under
from .model import Account, Model
from .script import (
    OWN,
    AskToken,
    Balance,
    Call,
    Cancel,
    Claim,
    Download,
    Export,
    Follow,
    Link,
    Look,
    OpenSession,
    ReadState,
    Say,
    Script,
    Step,
    Upload,
    Wait,
)

_Play = tuple[Callable[[Caller, Any], Any], Callable[[Stage, Model, Any, Any], None]]
# How each step is called, and who judges what comes back.
_PLAYS: dict[type[Step], _Play] = {
    AskToken: (Caller.ask_for_token, accounts.judge_token),
    Balance: (Caller.balance, accounts.judge_balance),
    Claim: (Caller.claim, accounts.judge_claim),
    OpenSession: (Caller.open_session, sessions.judge_session),
    ReadState: (Caller.read_state, sessions.judge_state),
    Upload: (Caller.upload, sessions.judge_upload),
    Link: (Caller.link, sessions.judge_link),
    Say: (Caller.say, turns.judge_turn),
    Export: (Caller.submit, renders.judge_export),
    Look: (Caller.look, renders.judge_look),
    Follow: (Caller.follow, renders.judge_follow),
    Cancel: (Caller.cancel, renders.judge_cancel),
    Download: (Caller.download, renders.judge_download),
}


class Ending(msgspec.Struct, frozen=True):
    """How a script ended: after `steps` calls, with a finding, stopped for a reason, or well."""

    steps: int
    finding: Finding | None = None
    stopped: str = ""
    evidence: tuple[Exchange, ...] = ()


class Player:
    """Plays scripts on a stage; `new_salt` tells what makes client ids and render ids new there."""

    def __init__(self, stage: Stage, new_salt: Callable[[], str]) -> None:
        self.stage = stage
        self._new_salt = new_salt
        self._clock = WallClock()

    def play(self, script: Script) -> Ending:
        """Make the calls in their order; ends with the first answer that is not allowed."""
        model = Model(self._new_salt())
        caller = Caller(self.stage, model)
        self.stage.peer.take_evidence()
        number, finding, stopped = 0, None, ""
        try:
            if any(isinstance(step, Call) and step.by == OWN for step in script.steps):
                self._bind_own(model)
            for number, step in enumerate(script.steps, 1):  # noqa: B007 - told where it ends
                model.now = self._now()
                self._step(caller, model, step)
        except Disallowed as disallowed:
            finding = disallowed.at(number)
        except NotApplicable as why:
            stopped = f"step {number}: {why}"
        return Ending(number, finding, stopped, self._evidence())

    def can_move_time(self) -> bool:
        """Whether the server lets its time be moved."""
        try:
            self.stage.control.advance(0)
        except NotApplicable:
            return False
        return True

    def _step(self, caller: Caller, model: Model, step: Step) -> None:
        """Make one call and judge its answer."""
        if isinstance(step, Wait):
            self.stage.control.advance(step.seconds)
            return
        call, judge = _PLAYS[type(step)]
        judge(self.stage, model, step, call(caller, step))

    def _bind_own(self, model: Model) -> None:
        """Make the account of the run known, with the credits that it has."""
        with under("AUTH-1"):
            try:
                account = self.stage.account
            except Unmet as unmet:
                raise Broken("the account of the run", "to be had", str(unmet)) from None
        available = accounts.read_balance(self.stage.call(wire.BALANCE, account))
        worlds = frozenset({(available, frozenset[str]())})
        model.accounts[OWN] = Account(account.token, account.user_id, worlds=worlds)

    def _now(self) -> float:
        return self.stage.control.time() if self.stage.ours else self._clock.time()

    def _evidence(self) -> tuple[Exchange, ...]:
        """What went over the wire, but for what was told to the control interface."""
        seen = self.stage.peer.take_evidence()
        return tuple(exchange for exchange in seen if wire.CONTROL not in exchange.url)
