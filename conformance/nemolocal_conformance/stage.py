"""What a check plays on: an account, a session, a clip in it, an edit, an export.

Each is made when it is first asked for and then shared, so that a run spends once what many checks
need. What could not be had is remembered, and every check that stands on it fails for it (`Unmet`).
"""

import itertools
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import Endpoint
from nemolocal_contract.headers import CLIENT_ID

from .control import Control
from .expectations import Broken, NotApplicable, Unmet, expect_type
from .peer import Answer, Peer, Told, turn
from .samples import CLIP, sample

T = TypeVar("T")

# More than any run spends, where credits are for the asking.
_PLENTY = 1_000_000
_DECADE = 3_650 * 86_400
GENERATE = "generate a 2-second sunset clip"
_FOR_A_CLIP = 1_000
PUT_ON_TIMELINE = "put my clip on the timeline"
_OUTPUT = {"format": "mp4", "quality": "high"}
# How long a render may take, and how often we look, in seconds. At a local server that is often at
# first and ever less: each look takes time from the render.
_RENDER_PATIENCE = 300.0
_LOCAL_RHYTHM, _LOCAL_LONGEST, _CLOUD_RHYTHM = 0.02, 0.3, 30.0


class Account(msgspec.Struct, frozen=True):
    """Who calls: a token, and, where it was made for this run, what came with it."""

    token: str
    user_id: str = ""
    client_id: str = ""
    reply: dict[str, Any] = {}


class Generated(msgspec.Struct, frozen=True):
    """A generation: what was told, the state after it, its seconds and its credits."""

    told: Told
    state: dict[str, Any]
    seconds: float
    spent: int


class Stage:
    """The prerequisites of a run on one server; `seen` collects alternatives of C rules."""

    def __init__(self, peer: Peer, control: Control | None, token: str = "") -> None:
        self.peer = peer
        self.seen: dict[str, set[str]] = {}
        self._control = control
        self._own = token
        self._made: dict[str, object] = {}
        self._numbers = itertools.count(1)
        self._clock = WallClock()

    @property
    def control(self) -> Control:
        """The control interface; not applicable where there is none."""
        if self._control is None:
            raise NotApplicable("needs a server that can be told to be in a state")
        return self._control

    @property
    def ours(self) -> bool:
        """Whether the server has a control interface, as a local one does."""
        return self._control is not None

    def saw(self, rule: str, alternative: str) -> None:
        """Note which alternative of a contradicted rule this server follows."""
        self.seen.setdefault(rule, set()).add(alternative)

    # Accounts

    @property
    def account(self) -> Account:
        """The run's own account: the token that was given, or one for all checks."""
        if self._own:
            return Account(self._own)
        return self._once("token", self._lasting_account)

    def new_account(self) -> Account:
        """Somebody else: a fresh anonymous account."""
        client_id = str(uuid.uuid4())
        data = self._need("a token", self.ask_for_token(client_id))
        return Account(str(data.get("token")), str(data.get("user_id")), client_id, data)

    def _lasting_account(self) -> Account:
        """An account that outlives checks of time, with plenty of credits, where that is free."""
        account = self.new_account()
        if self._control is not None:
            token = self._control.token_of(account.user_id)
            self._control.change_token(token, credits=_PLENTY, expires_in=_DECADE)
        return account

    def ask_for_token(self, client_id: str | None) -> Answer:
        """The token call (AUTH-1)."""
        headers = {} if client_id is None else {CLIENT_ID: client_id}
        return self.peer.call("POST", wire.TOKEN.template, headers=headers)

    def anybody(self, **wanted: Any) -> Account:
        """An account made by hand, with the plan, credits, scopes or life that is wanted."""
        made = self.control.make_token(**wanted)
        return Account(made["token"], made["user_id"], made["client_id"], made)

    # Calls

    def call(
        self,
        endpoint: Endpoint,
        account: Account | None = None,
        *,
        user: str = wire.ME,
        **rest: Any,
    ) -> Answer:
        """One call of the contract; `session` and `render` fill its path, `rest` is the peer's."""
        names = {name: rest.pop(name) for name in ("session", "render") if name in rest}
        token = (account or self.account).token
        path = endpoint.path(user=user, **names)
        return self.peer.call(endpoint.method, path, token=token, **rest)

    def new_session(self, account: Account | None = None, **body: Any) -> str:
        """The id of a fresh session (SES-1)."""
        wanted = {"task_name": "project", "language": "en", **body}
        data = self._need("a session", self.call(wire.SESSION, account, json=wanted))
        return str(data.get("session_id"))

    def upload(self, session: str, *names: str, **rest: Any) -> Answer:
        """Send samples of this package by their names (UPL-1)."""
        files = [("files", (name, sample(name))) for name in names]
        return self.call(wire.UPLOAD, session=session, files=files, **rest)

    def say(self, session: str, message: str, account: Account | None = None, **rest: Any) -> Told:
        """One turn, listened to until it ends (SSE-1)."""
        token = (account or self.account).token
        return self.peer.chat(turn(session, message), token=token, **rest)

    def state(self, session: str, account: Account | None = None) -> dict[str, Any]:
        """`data` of the newest state (STA-1)."""
        return self._need("a state", self.call(wire.STATE, account, session=session))

    def draft(self, session: str, account: Account | None = None) -> dict[str, Any]:
        """The newest draft; its tracks can be walked through, whatever is in their segments."""
        try:
            draft: dict[str, Any] = self.state(session, account)["state"]["draft"]
            for track in draft["t"]:
                list(track.get("sg") or ())
        except (LookupError, TypeError, AttributeError):
            raise Unmet("the state has no draft with tracks in t") from None
        return draft

    def balance(self, account: Account | None = None) -> dict[str, Any]:
        """Credits (CRD-1): three numbers."""
        balance = self.balance_as_it_comes(account)
        numbers = [balance.get(name) for name in ("available", "frozen", "total")]
        if not all(type(number) in (int, float) for number in numbers):
            raise Unmet(f"the balance is {balance!r}")
        return balance

    def balance_as_it_comes(self, account: Account | None = None) -> dict[str, Any]:
        """What stands in the envelope of a balance, whatever it is."""
        return self._need("a balance", self.call(wire.BALANCE, account))

    # What checks share

    @property
    def session(self) -> str:
        """A session of the run's account, for looking only."""
        return self._once("session", self.new_session)

    @property
    def uploaded(self) -> str:
        """A session with a clip in it and nothing on its timeline."""
        return self._once("uploaded", lambda: self._upload_to(self.new_session()))

    @property
    def edited(self) -> str:
        """A session with a clip on its timeline, for looking only."""
        return self._once("edited", self.new_edited)

    @property
    def worked(self) -> str:
        """Another one, in which a check may say whatever it wants."""
        return self._once("worked", self.new_edited)

    def new_edited(self, account: Account | None = None) -> str:
        """A fresh session with a clip on its timeline."""
        session = self._upload_to(self.new_session(account), account)
        self.say(session, PUT_ON_TIMELINE, account)
        draft = self.draft(session, account)
        if not any(track.get("sg") for track in draft.get("t") or ()):
            raise Unmet(f"{PUT_ON_TIMELINE!r} put nothing there")
        return session

    @property
    def generated(self) -> "Generated":
        """A clip generated for an account of its own, once for all checks."""
        return self._once("generated", self._generate)

    def _generate(self) -> "Generated":
        account = self.anybody(credits=_FOR_A_CLIP)
        session = self.new_session(account)
        before = self.control.time()
        told = self.say(session, GENERATE, account)
        seconds = self.control.time() - before
        spent = _FOR_A_CLIP - int(self.balance(account)["available"])
        draft = self.draft(session, account)
        state = {**self.state(session, account)["state"], "draft": draft}
        return Generated(told, state, seconds, spent)

    # Renders

    def render_id(self) -> str:
        """An id that no render of this account had before."""
        return f"render_{uuid.uuid4().hex[:12]}_{next(self._numbers)}"

    def submit(
        self, render: str, session: str, draft: object, account: Account | None = None, **rest: Any
    ) -> Answer:
        """Submit an export (REN-1); another `output` may be given, None for none."""
        body = {"id": render, "sessionId": session, "draft": draft}
        if (output := rest.pop("output", _OUTPUT)) is not None:
            body["output"] = output
        return self.call(wire.RENDER, account, json=body, **rest)

    def follow(self, *renders: str, account: Account | None = None) -> list[list[dict[str, Any]]]:
        """The statuses of these renders, flattened, at each look until all have ended (REN-4)."""
        seen: list[list[dict[str, Any]]] = []
        waited, pause = 0.0, _LOCAL_RHYTHM if self.ours else _CLOUD_RHYTHM
        while waited <= _RENDER_PATIENCE:
            looks = [self.call(wire.RENDER_STATUS, account, render=one).json for one in renders]
            seen.append([flat(look) for look in looks])
            if all(look.get("status") not in ("pending", "processing") for look in seen[-1]):
                return seen
            self._clock.wait(pause)
            waited += pause
            pause = min(pause * 1.2, _LOCAL_LONGEST) if self.ours else pause
        raise Unmet(f"a render had not ended after {_RENDER_PATIENCE:.0f} s")

    @property
    def watched(self) -> list[dict[str, Any]]:
        """Every status of an export of the edited session, from the reply to its submit on."""
        return self._once("watched", self._watch)

    @property
    def rendered(self) -> dict[str, Any]:
        """The last status of that export, which has completed."""
        last = self.watched[-1]
        if last.get("status") != "completed":
            raise Unmet(f"the export ended as {last.get('status')!r}: {last.get('error')}")
        return last

    def _watch(self) -> list[dict[str, Any]]:
        render = self.render_id()
        first = self.submit(render, self.edited, self.draft(self.edited))
        return [flat(first.json), *(look for (look,) in self.follow(render))]

    def _upload_to(self, session: str, account: Account | None = None) -> str:
        self._need("an upload", self.upload(session, CLIP, account=account))
        return session

    def _need(self, what: str, answer: Answer) -> dict[str, Any]:
        try:
            return dict(expect_type("data", answer.data, dict))
        except Broken as broken:
            raise Unmet(f"{what} could not be had: {broken}") from None

    def _once(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._made:
            try:
                self._made[name] = make()
            except (Unmet, Broken, NotApplicable) as problem:
                self._made[name] = Unmet(str(problem))
        made = self._made[name]
        if isinstance(made, Unmet):
            raise made
        return made  # type: ignore[return-value]


def flat(body: Any) -> dict[str, Any]:
    """A render reply in either shape as one flat object (REN-4)."""
    if not isinstance(body, dict):
        raise Broken("a render reply", "an object", body)
    if not isinstance(body.get("data"), dict):
        return body
    nested = dict(body["data"])
    url = nested.pop("outputUrl", None)
    return nested | ({"output": {"url": url}} if url else {})
