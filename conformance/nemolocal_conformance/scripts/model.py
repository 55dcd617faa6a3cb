"""What is known of a server from its own answers: accounts, sessions, drafts, credits, renders.

Where it may go either way (did that turn edit?) the model keeps every world that fits, until an
answer tells them apart.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.headers import CLIENT_ID_MAX

from .script import EDIT_PRICE, EDITS, TALK, Call, Name

WEEK = 7 * 86_400
# A turn takes a quarter of an hour at most: so far may the time that we know of be behind.
SLACK = 1_800
GRANT = 100
NOBODY = "nmv_usr_nobody_was_ever_given_this_one"
_NEVER = "1000000000000000000"

World = tuple[int, frozenset[str]]
"""Available credits, and the ids of the sessions in which editing is paid."""


class Account(msgspec.Struct, eq=False):
    """A token; `moved` is the rule by which its credits may last have moved.

    `made` is None where nobody knows how long the token lives.
    """

    token: str
    user_id: str = ""
    made: float | None = None
    worlds: frozenset[World] = frozenset()
    moved: str = "AUTH-1"


class Session(msgspec.Struct, eq=False):
    """A session, with what was put into it and the draft that was last seen.

    `turns` are those that may have changed the draft since, `edits` those that said they did.
    """

    owner: Account
    id: str
    task_id: str
    files: list[str] = []
    refused: bool = False
    draft: dict[str, Any] | None = None
    turns: int = 0
    edits: int = 0


class Render(msgspec.Struct, eq=False):
    """A render: its last status, and whether its turn in the queue must be over."""

    id: str
    session: Session
    status: str = "pending"
    progress: int = 0
    output: Any = None
    over: bool = False


class Due(msgspec.Struct):
    """What a call must be refused with, and what it may be refused with: codes and their rules."""

    must: dict[Code, str] = {}
    may: dict[Code, str] = {}


class Model:
    """Everything that a script has brought about, by the names that the script gives it."""

    def __init__(self, salt: str = "") -> None:
        self.now = 0.0
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.renders: dict[tuple[str, str], Render] = {}
        self.spoilt: set[tuple[str, str]] = set()
        self._salt = salt

    # What goes over the wire for a name

    def client_id(self, client: Name) -> str:
        """The client id of a name."""
        return f"{client}-{self._salt}"[:CLIENT_ID_MAX]

    def token(self, by: Name) -> str:
        """The token of an account, or one that nobody was given."""
        return self.accounts[by].token if by in self.accounts else NOBODY

    def session_id(self, name: Name) -> str:
        """The id of a session, or one that never was."""
        return self.sessions[name].id if name in self.sessions else _NEVER

    def render_id(self, name: Name) -> str:
        """The id of a render: clients choose it."""
        return f"render_{name}_{self._salt}"

    def user(self, step: Call, kind: str) -> str:
        """The user in a path."""
        account = self.accounts.get(step.by)
        own = account.user_id if account is not None else ""
        return {"other": "anon_somebody_else", "own": own or "me"}.get(kind, "me")

    # What a call must find

    def session_of(self, step: Call, name: Name) -> Session | None:
        """The session of that name, if it is this caller's."""
        session = self.sessions.get(name)
        return session if session and session.owner is self.accounts.get(step.by) else None

    def render_of(self, step: Call, name: Name) -> Render | None:
        """The render of that name that this caller has begun."""
        return self.renders.get((self.token(step.by), self.render_id(name)))

    def due(self, step: Call) -> Due:
        """What becomes of a call for the way it shows its token (GEN-3, GEN-5, AUTH-5)."""
        account = self.accounts.get(step.by)
        if account is None or step.auth != "good":
            return Due(must={Code.BAD_TOKEN: "GEN-5" if step.auth == "in-query" else "GEN-3"})
        age = self.age(account)
        if age > WEEK + SLACK:
            return Due(must={Code.BAD_TOKEN: "AUTH-5"})
        return Due(may={Code.BAD_TOKEN: "AUTH-5"} if age > WEEK - SLACK else {})

    def age(self, account: Account) -> float:
        """Seconds that a token has lived, 0 where nobody knows."""
        return 0.0 if account.made is None else self.now - account.made

    def due_in_session(self, step: Call, name: Name, user: str = "me") -> Due:
        """The same for a call in a session (SES-3, GEN-7)."""
        due = self.due(step)
        if self.session_of(step, name) is None:
            due.must[Code.SESSION_NOT_FOUND] = "SES-3"
        elif user == "other":
            due.must[Code.SESSION_NOT_FOUND] = "GEN-7"
        return due

    def due_of_render(self, step: Call, name: Name) -> Due:
        """The same for a call about a render (REN-8)."""
        due = self.due(step)
        if self.render_of(step, name) is None:
            due.must[Code.SESSION_NOT_FOUND] = "REN-8"
        return due


def lacking(worlds: frozenset[World], session: str, message: str) -> frozenset[World]:
    """The worlds in which there are too few credits for this turn (CRD-4)."""
    if message in TALK:
        return frozenset()
    if message not in EDITS:
        return worlds  # nobody knows what it asks for
    return frozenset(w for w in worlds if session not in w[1] and w[0] < EDIT_PRICE)


def after_edit(worlds: frozenset[World], session: str, message: str) -> frozenset[World]:
    """The worlds after a turn that edited; none where there were too few credits (CRD-3)."""
    return frozenset(_after_edit(worlds, session, message))


def _after_edit(worlds: frozenset[World], session: str, message: str) -> Iterator[World]:
    for available, paid in worlds:
        if message in EDITS:
            price = 0 if session in paid else EDIT_PRICE
            if price <= available:
                yield available - price, paid | {session}
            continue
        # Whatever else was asked for may have been an edit, or clips, or both.
        for price in range(0, available + 1, EDIT_PRICE):
            yield available - price, paid
            yield available - price, paid | {session}
