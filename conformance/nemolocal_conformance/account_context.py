"""The server of a run and the accounts on it: settings, tokens, credits."""

import uuid
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.control_api import EffectiveSettings
from nemolocal_contract.endpoints import CLIENT_ID
from nemolocal_contract.responses import ResponseCode

from .assertions import CheckFailed, LimitReached, NotApplicable, PrerequisiteFailed, expect_type
from .control_client import ControlClient
from .observed_replies import ObservedReplies
from .shared_results import KeptResults, SharedResults
from .target import TargetClient, TargetResponse

# More than any run spends, where credits can be set, and more edits and clips than it makes.
_UNLIMITED_CREDITS, _MANY_EDITS = 1_000_000, 2_000
# The most that the control API gives to an account.
_MAX_CREDITS = 10**12
_DAY = 86_400
_DECADE = 3_650 * _DAY


class TargetAccount(msgspec.Struct, frozen=True):
    """A caller: a token and, if it was created in this run, what came with it."""

    token: str
    user_id: str = ""
    client_id: str = ""
    token_reply: dict[str, Any] = {}


class AccountContext:
    """The server of a run and its accounts; `alternatives` collects those of contradicted rules.

    `replies` watches every reply of the run, whichever check asked for it.
    """

    def __init__(
        self,
        target: TargetClient,
        control: ControlClient | None,
        token: str = "",
        kept: KeptResults | None = None,
    ) -> None:
        self.target = target
        self.alternatives: dict[str, set[str]] = {}
        self.replies = ObservedReplies()
        target.on_response = self.replies.observe
        self._control = control
        self._given_token = token
        self._shared = SharedResults(target, kept)

    @property
    def control(self) -> ControlClient:
        """The control API; raises `NotApplicable` if the server has none."""
        if self._control is None:
            raise NotApplicable("needs a server with the control API")
        return self._control

    @property
    def has_control(self) -> bool:
        """Whether the server has the control API, as a local one does."""
        return self._control is not None

    @property
    def is_ours(self) -> bool:
        """Whether the target is a server of this project, with the control API or without."""
        return self.has_control or self.target.is_local

    @property
    def settings(self) -> EffectiveSettings:
        """The settings of a server with the control API, the values of the contract for others."""
        return self._control.settings if self._control is not None else EffectiveSettings()

    @property
    def plenty(self) -> int:
        """Credits for more edits and clips than any run makes."""
        tariff = self.settings.tariff
        credits = _UNLIMITED_CREDITS + _MANY_EDITS * (tariff.editing + tariff.generation)
        return min(credits, _MAX_CREDITS)

    def require_price(self, name: str) -> int:
        """Return a price of the tariff, `editing` or `generation`.

        Raises `NotApplicable` if this costs nothing on this server.
        """
        price: int = getattr(self.settings.tariff, name)
        if not price:
            raise NotApplicable(f"{name} costs nothing on this server (setting `tariff`)")
        return price

    def note_alternative(self, rule: str, alternative: str) -> None:
        """Record which alternative of a contradicted rule this server follows."""
        self.alternatives.setdefault(rule, set()).add(alternative)

    @property
    def account(self) -> TargetAccount:
        """The run's own account: the given token, or one created for all checks."""
        if self._given_token:
            return TargetAccount(self._given_token)
        return self._shared.once("token", self._lasting_account)

    def new_account(self, *, lasting: bool = True) -> TargetAccount:
        """Create another anonymous account.

        `lasting` makes it outlive the run where tokens live for a short time only. Where the
        address gets no more tokens, the control API creates it; its `token_reply` is empty then.
        """
        client_id = str(uuid.uuid4())
        try:
            response = self.take_token(client_id)
        except NotApplicable:
            if self._control is None:
                raise
            lifetime = {} if lasting else {"expires_in": self.settings.token_lifetime}
            credits = self.settings.tariff.grant
            made = self.make_account(anonymous=True, credits=credits, **lifetime)
            return TargetAccount(made.token, made.user_id, made.client_id)
        data = self._require_data("a token", response)
        account = TargetAccount(str(data.get("token")), str(data.get("user_id")), client_id, data)
        if lasting and self.settings.token_lifetime < _DAY:
            self._change_account(account, expires_in=_DECADE)
        return account

    def _lasting_account(self) -> TargetAccount:
        """Create an account that survives checks of time; with plenty of credits if free."""
        account = self.new_account()
        if self._control is not None:
            self._change_account(account, credits=self.plenty, expires_in=_DECADE)
        return account

    def _change_account(self, account: TargetAccount, **wanted: Any) -> None:
        self.control.change_token(self.control.find_token_id(account.user_id), **wanted)

    def take_token(self, client_id: str, **rest: Any) -> TargetResponse:
        """Make the token call for a client that has no token.

        Raises `NotApplicable` if the address has had its tokens (AUTH-4): nothing is known then.
        """
        response = self.request_token(client_id, **rest)
        is_limited = self._control is None or self.settings.address_limit is not None
        if is_limited and response.status == ResponseCode.RATE_LIMITED:
            raise LimitReached("this address gets no more anonymous tokens for now (AUTH-4)")
        return response

    def request_token(self, client_id: str | None, **rest: Any) -> TargetResponse:
        """Make the token call (AUTH-1)."""
        named = {} if client_id is None else {CLIENT_ID: client_id}
        headers = {**rest.pop("headers", {}), **named}
        return self.target.request("POST", wire.TOKEN.template, headers=headers, **rest)

    def make_account(self, **wanted: Any) -> TargetAccount:
        """Create an account by the control API, with a plan, credits, scopes or lifetime.

        Without `credits` it has plenty of them, and it outlives the run.
        """
        made = self.control.make_token(**{"credits": self.plenty, "expires_in": _DECADE, **wanted})
        return TargetAccount(made["token"], made["user_id"], made["client_id"], made)

    def _require_data(self, what: str, response: TargetResponse) -> dict[str, Any]:
        try:
            return dict(expect_type("data", response.data, dict))
        except CheckFailed as broken:
            raise PrerequisiteFailed(f"{what} could not be created: {broken}") from None
