"""A model of the server, built from its responses: accounts, sessions, drafts, renders.

Where two outcomes are possible (did that turn edit?) the model keeps every credit state that fits,
until a later response rules some of them out.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from nemolocal_contract.control_api import EffectiveSettings, TariffSettings
from nemolocal_contract.endpoints import CLIENT_ID_MAX
from nemolocal_contract.responses import ResponseCode

from ..endpoint_requests import UNKNOWN_SESSION, UNKNOWN_TOKEN
from .script import EDIT_MESSAGES, TALK_MESSAGES, AccountStep, ObjectName

# A turn takes 15 minutes at most: so far may our time be behind the server's.
_CLOCK_SLACK = 1_800
# More clips than one message asks for.
_MOST_CLIPS = 100

CreditState = tuple[int, frozenset[str]]
"""Available credits, and the ids of the sessions in which editing is paid."""


class ModelAccount(msgspec.Struct, eq=False):
    """A token; `credit_rule` is the rule by which its credits may last have changed.

    `created_at` is None if the lifetime of the token is unknown.
    """

    token: str
    user_id: str = ""
    created_at: float | None = None
    credit_states: frozenset[CreditState] = frozenset()
    credit_rule: str = "AUTH-1"


class ModelSession(msgspec.Struct, eq=False):
    """A session with its uploads and the draft of the last state read.

    `turns_since_read` are turns that may have changed the draft, `edits_since_read` those that
    reported an edit.
    """

    owner: ModelAccount
    id: str
    task_id: str
    files: list[str] = []
    had_refused_upload: bool = False
    draft: dict[str, Any] | None = None
    turns_since_read: int = 0
    edits_since_read: int = 0


class ModelRender(msgspec.Struct, eq=False):
    """A render: its last status, and whether it must have left the queue."""

    id: str
    session: ModelSession
    status: str = "pending"
    progress: float = 0
    output: Any = None
    has_left_queue: bool = False


class ExpectedErrors(msgspec.Struct):
    """Errors that a call must have, and errors that it may have: codes with their rules."""

    required: dict[ResponseCode, str] = {}
    allowed: dict[ResponseCode, str] = {}


class ServerModel:
    """Everything that a script has created, by its names in the script.

    `settings` are those of the server, or the values of the contract.
    """

    def __init__(self, salt: str = "", settings: EffectiveSettings | None = None) -> None:
        self.now = 0.0
        self.settings = settings or EffectiveSettings()
        self.accounts: dict[str, ModelAccount] = {}
        self.sessions: dict[str, ModelSession] = {}
        self.renders: dict[tuple[str, str], ModelRender] = {}
        self.refused_renders: set[tuple[str, str]] = set()
        self._salt = salt

    # Names in requests

    def client_id(self, client: ObjectName) -> str:
        """Return the client id for a name."""
        return f"{client}-{self._salt}"[:CLIENT_ID_MAX]

    def token(self, by: ObjectName) -> str:
        """Return the token of an account, or one that was never issued."""
        return self.accounts[by].token if by in self.accounts else UNKNOWN_TOKEN

    def session_id(self, name: ObjectName) -> str:
        """Return the id of a session, or one that does not exist."""
        return self.sessions[name].id if name in self.sessions else UNKNOWN_SESSION

    def render_id(self, name: ObjectName) -> str:
        """Return the id of a render, which clients choose."""
        return f"render_{name}_{self._salt}"

    def user_in_path(self, step: AccountStep, kind: str) -> str:
        """Return the user id in a path."""
        account = self.accounts.get(step.by)
        own = account.user_id if account is not None else ""
        return {"other": "anon_somebody_else", "own": own or "me"}.get(kind, "me")

    # Expected errors

    def session_of(self, step: AccountStep, name: ObjectName) -> ModelSession | None:
        """Return the session of that name if it belongs to the caller."""
        session = self.sessions.get(name)
        return session if session and session.owner is self.accounts.get(step.by) else None

    def render_of(self, step: AccountStep, name: ObjectName) -> ModelRender | None:
        """Return the render of that name if the caller started it."""
        return self.renders.get((self.token(step.by), self.render_id(name)))

    def expected_errors(self, step: AccountStep) -> ExpectedErrors:
        """Return the errors of a call that follow from its token (GEN-3, GEN-5, AUTH-5)."""
        account = self.accounts.get(step.by)
        if account is None or step.auth != "good":
            return ExpectedErrors(
                required={ResponseCode.BAD_TOKEN: "GEN-5" if step.auth == "in-query" else "GEN-3"}
            )
        if self.is_expired(account):
            return ExpectedErrors(required={ResponseCode.BAD_TOKEN: "AUTH-5"})
        return ExpectedErrors(
            allowed={} if self.is_alive(account) else {ResponseCode.BAD_TOKEN: "AUTH-5"}
        )

    def is_expired(self, account: ModelAccount) -> bool:
        """Whether the lifetime of a token is certainly over."""
        return self._age(account) > self.settings.token_lifetime + _CLOCK_SLACK

    def is_alive(self, account: ModelAccount) -> bool:
        """Whether the lifetime of a token is certainly not over."""
        return self._age(account) <= self.settings.token_lifetime - _CLOCK_SLACK

    def _age(self, account: ModelAccount) -> float:
        """Return the age of a token in seconds, 0 if it is unknown."""
        return 0.0 if account.created_at is None else self.now - account.created_at

    def expected_session_errors(
        self, step: AccountStep, name: ObjectName, user: str = "me"
    ) -> ExpectedErrors:
        """Return the same for a call in a session (SES-3, GEN-7)."""
        due = self.expected_errors(step)
        if self.session_of(step, name) is None:
            due.required[ResponseCode.SESSION_NOT_FOUND] = "SES-3"
        elif user == "other":
            due.required[ResponseCode.SESSION_NOT_FOUND] = "GEN-7"
        return due

    def expected_render_errors(self, step: AccountStep, name: ObjectName) -> ExpectedErrors:
        """Return the same for a call about a render (REN-8)."""
        due = self.expected_errors(step)
        if self.render_of(step, name) is None:
            due.required[ResponseCode.SESSION_NOT_FOUND] = "REN-8"
        return due


def states_lacking_credits(
    states: frozenset[CreditState], session: str, message: str, tariff: TariffSettings
) -> frozenset[CreditState]:
    """Return the credit states with too few credits for this turn (CRD-4)."""
    if message in TALK_MESSAGES:
        return frozenset()
    if message not in EDIT_MESSAGES:
        return states  # it is unknown what it asks for
    return frozenset(w for w in states if session not in w[1] and w[0] < tariff.editing)


def states_after_edit(
    states: frozenset[CreditState], session: str, message: str, tariff: TariffSettings
) -> frozenset[CreditState]:
    """Return the credit states after an edit; none if there were too few credits (CRD-3)."""
    return frozenset(_states_after_edit(states, session, message, tariff))


def _states_after_edit(
    states: frozenset[CreditState], session: str, message: str, tariff: TariffSettings
) -> Iterator[CreditState]:
    for available, paid in states:
        if message in EDIT_MESSAGES:
            price = 0 if session in paid else tariff.editing
            if price <= available:
                yield available - price, paid | {session}
            continue
        # Any other message may have been an edit, generated clips, or both.
        for price in _possible_prices(available, tariff):
            yield available - price, paid
            yield available - price, paid | {session}


def _possible_prices(available: int, tariff: TariffSettings) -> Iterator[int]:
    """Yield what an edit and any number of clips may cost together."""
    clips = _MOST_CLIPS if tariff.generation else 0
    for number in range(clips + 1):
        for price in {0, tariff.editing}:
            if price + number * tariff.generation <= available:
                yield price + number * tariff.generation
