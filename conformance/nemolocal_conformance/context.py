"""What checks share: an account, a session with a clip, an edit, an export.

Each is created when it is first needed and then shared, so a run pays once for what many checks
need (`shared_results`).
"""

import itertools
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import SKILL_SOURCE, Endpoint
from nemolocal_contract.media import MB, skill_profile
from nemolocal_contract.responses import ResponseCode

from .account_context import AccountContext, TargetAccount
from .assertions import (
    CheckFailed,
    LimitReached,
    NotApplicable,
    PrerequisiteFailed,
    require_field,
)
from .control_client import ControlClient
from .long_turns import (
    GeneratedClip,
    LongTurn,
    StalledTurn,
    generate_clip,
    run_in_thread,
    stall_turn,
)
from .render_replies import flatten_render
from .samples import CLIP, LARGE_UPLOAD_BOUNDARY, large_upload, read_sample
from .shared_results import KeptResults
from .target import TargetClient, TargetResponse, TurnStream, turn_body

BALANCE_FIELDS = ("available", "frozen", "total")
GENERATE_CLIP = "generate a 2-second sunset clip"
PUT_ON_TIMELINE = "put my clip on the timeline"
# How often, and every how many seconds, a session is read in which an edit may be running (SSE-11).
_EDIT_READS, _EDIT_READ_INTERVAL = 12, 5.0
_OUTPUT = {"format": "mp4", "quality": "high"}
LIMITED_SKILL = "4k-with-session"
# A larger file takes too long.
_MOST_SENT = 600 * MB
# Seconds that a render may take, and between two polls. A local server is polled often at first and
# then less, because each poll takes time from the render.
_RENDER_TIMEOUT = 300.0
_LOCAL_POLL_INTERVAL, _LOCAL_MAX_INTERVAL, _CLOUD_POLL_INTERVAL = 0.02, 0.3, 30.0


class CheckContext(AccountContext):
    """The calls of checks, and the prerequisites that they share."""

    def __init__(
        self,
        target: TargetClient,
        control: ControlClient | None,
        token: str = "",
        kept: KeptResults | None = None,
    ) -> None:
        super().__init__(target, control, token, kept)
        self._numbers = itertools.count(1)
        self._clock = WallClock()

    # Calls

    def call(
        self,
        endpoint: Endpoint,
        account: TargetAccount | None = None,
        *,
        user: str = wire.CURRENT_USER,
        **rest: Any,
    ) -> TargetResponse:
        """Make one call of the contract.

        `session` and `render` fill its path; `rest` is passed to `TargetClient.request`.
        """
        names = {name: rest.pop(name) for name in ("session", "render") if name in rest}
        token = (account or self.account).token
        path = endpoint.path(user=user, **names)
        is_file = endpoint is wire.RENDER_DOWNLOAD
        return self.target.request(
            endpoint.method, path, token=token, follow_redirects=is_file, **rest
        )

    def new_session(self, account: TargetAccount | None = None, **body: Any) -> str:
        """Open a session and return its id (SES-1)."""
        wanted = {"task_name": "project", "language": "en", **body}
        data = self._require_data("a session", self.call(wire.SESSION, account, json=wanted))
        return str(data.get("session_id"))

    def upload(self, session: str, *names: str, **rest: Any) -> TargetResponse:
        """Upload samples of this package by name (UPL-1)."""
        self.require_upload_limit(self.target.skill, max(len(read_sample(name)) for name in names))
        files = [("files", (name, read_sample(name))) for name in names]
        return self.call(wire.UPLOAD, session=session, files=files, **rest)

    def send_message(
        self, session: str, message: str, account: TargetAccount | None = None, **rest: Any
    ) -> TurnStream:
        """Send a message and read the stream to its end (SSE-1)."""
        token = (account or self.account).token
        return self.target.stream_turn(turn_body(session, message), token=token, **rest)

    def read_state(self, session: str, account: TargetAccount | None = None) -> dict[str, Any]:
        """Return `data` of the latest state (STA-1)."""
        return self._require_data("a state", self.call(wire.STATE, account, session=session))

    def read_draft(self, session: str, account: TargetAccount | None = None) -> dict[str, Any]:
        """Return the latest draft; its tracks can be iterated, whatever their segments contain."""
        try:
            draft: dict[str, Any] = self.read_state(session, account)["state"]["draft"]
            for track in draft["t"]:
                list(track.get("sg") or ())
        except (LookupError, TypeError, AttributeError):
            raise PrerequisiteFailed("the state has no draft with tracks in t") from None
        return draft

    def read_balance(self, account: TargetAccount | None = None) -> dict[str, Any]:
        """Return the credits (CRD-1): three numbers, and no further field."""
        raw = self.read_raw_balance(account)
        balance = {name: raw.get(name) for name in BALANCE_FIELDS}
        if not all(type(number) in (int, float) for number in balance.values()):
            raise PrerequisiteFailed(f"the balance is {raw!r}")
        return balance

    def read_raw_balance(self, account: TargetAccount | None = None) -> dict[str, Any]:
        """Return `data` of the balance without checking its fields."""
        return self._require_data("a balance", self.call(wire.BALANCE, account))

    # What checks share

    @property
    def session(self) -> str:
        """A session of the run's account that no check changes."""
        return self._shared.once("session", self.new_session)

    @property
    def uploaded_session(self) -> str:
        """A session with an uploaded clip and an empty timeline."""
        return self._shared.once("uploaded", lambda: self._upload_to(self.new_session()))

    @property
    def edited_session(self) -> str:
        """A session with a clip on its timeline that no check changes."""
        return self._shared.once("edited", lambda: self._shared_edited_session("edited"))

    @property
    def scratch_session(self) -> str:
        """A session with a clip on its timeline that checks may edit."""
        return self._shared.once("worked", lambda: self._shared_edited_session("worked"))

    def put_on_timeline(self, session: str, account: TargetAccount | None = None) -> None:
        """Put the clip of a session on its timeline, which costs.

        Raises `NotApplicable` if the account has too few credits and cannot be given more.
        """
        response = self.send_message(session, PUT_ON_TIMELINE, account).response
        if self._control is None and _lacks_credits(response):
            raise LimitReached("the account has too few credits for another edit (2001)")

    def new_edited_session(self, account: TargetAccount | None = None) -> str:
        """Open a session and put a clip on its timeline."""
        session = self._upload_to(self.new_session(account), account)
        self.put_on_timeline(session, account)
        self._require_timeline(session, account)
        return session

    def _shared_edited_session(self, name: str) -> str:
        """Open and edit a session, or go on where an earlier process was ended meanwhile.

        The session is kept before it is paid: it is never paid twice (CRD-3).
        """
        opened = f"{name}: session"
        session = self._shared.once(opened, lambda: self._upload_to(self.new_session()))
        if not (self._shared.was_kept(opened) and self._is_edited_in_time(session)):
            self.put_on_timeline(session)
        self._require_timeline(session)
        return session

    def _is_edited_in_time(self, session: str) -> bool:
        """Whether an edit that was begun before is complete, or completes within a minute."""
        for _ in range(_EDIT_READS):
            if self._has_timeline(session):
                return True
            self._clock.wait(_EDIT_READ_INTERVAL)
        return False

    def _has_timeline(self, session: str, account: TargetAccount | None = None) -> bool:
        draft = self.read_draft(session, account)
        return any(track.get("sg") for track in draft.get("t") or ())

    def _require_timeline(self, session: str, account: TargetAccount | None = None) -> None:
        if not self._has_timeline(session, account):
            raise PrerequisiteFailed(f"{PUT_ON_TIMELINE!r} left the timeline empty")

    @property
    def generated_clip(self) -> GeneratedClip:
        """A clip generated for an account of its own, once for all checks."""
        return self._shared.once("generated", lambda: generate_clip(self, GENERATE_CLIP))

    @property
    def stalled_turn(self) -> StalledTurn:
        """An edit that does not end by itself, once for all checks."""
        return self._shared.once("stalled", lambda: stall_turn(self))

    def begin_long_turns(self, names: Iterable[LongTurn]) -> None:
        """Begin these turns while others run, where time cannot be moved on."""
        wanted = set(names)
        if not wanted or self._control is None:
            return
        # What is asked here is no evidence of any check.
        if self._control.with_target(self.target.second_client()).can_advance_clock():
            return
        makers: dict[LongTurn, Callable[[CheckContext], object]] = {
            "generated": lambda context: context.generated_clip,
            "stalled": lambda context: context.stalled_turn,
        }
        for name in wanted:
            second = self.target.second_client()
            context = CheckContext(second, self._control.with_target(second))
            future = run_in_thread(partial(makers[name], context))
            self._shared.begin(name, second, future)

    # Renders

    def new_render_id(self) -> str:
        """Return an id that no render of this account has had."""
        return f"render_{uuid.uuid4().hex[:12]}_{next(self._numbers)}"

    def submit_export(
        self,
        render: str,
        session: str,
        draft: object,
        account: TargetAccount | None = None,
        **rest: Any,
    ) -> TargetResponse:
        """Submit an export (REN-1); `output` replaces the default, None omits it."""
        body = {"id": render, "sessionId": session, "draft": draft}
        if (output := rest.pop("output", _OUTPUT)) is not None:
            body["output"] = output
        return self.call(wire.RENDER, account, json=body, **rest)

    def poll_renders(
        self, *renders: str, account: TargetAccount | None = None
    ) -> list[list[dict[str, Any]]]:
        """Poll these renders until all have ended (REN-4); return the statuses of each poll."""
        seen: list[list[dict[str, Any]]] = []
        waited, pause = 0.0, _LOCAL_POLL_INTERVAL if self.is_ours else _CLOUD_POLL_INTERVAL
        patience = _RENDER_TIMEOUT + len(renders) * self._queue_seconds()
        while waited <= patience:
            polls = [self.call(wire.RENDER_STATUS, account, render=one).json for one in renders]
            seen.append([flatten_render(poll) for poll in polls])
            if all(poll.get("status") not in ("pending", "processing") for poll in seen[-1]):
                return seen
            with self.target.passing_time():
                self._clock.wait(pause)
            waited += pause
            pause = min(pause * 1.2, _LOCAL_MAX_INTERVAL) if self.is_ours else pause
        raise PrerequisiteFailed(f"a render had not ended after {patience:.0f} s")

    def _queue_seconds(self) -> float:
        """Return the longest time that a render of a local server waits, in real seconds."""
        settings = self.settings
        return 0.0 if settings.clock == "manual" else settings.render_queue[1] / settings.speed

    @property
    def export_statuses(self) -> list[dict[str, Any]]:
        """Every status of an export of the edited session, from the reply to its submit on."""
        return self._shared.once("watched", self._export_edited_session)

    @property
    def completed_export(self) -> dict[str, Any]:
        """The last status of that export, which must be completed."""
        last = self.export_statuses[-1]
        if last.get("status") != "completed":
            raise PrerequisiteFailed(
                f"the export ended as {last.get('status')!r}: {last.get('error')}"
            )
        return last

    def _export_edited_session(self) -> list[dict[str, Any]]:
        render = self.new_render_id()
        first = self.submit_export(
            render, self.edited_session, self.read_draft(self.edited_session)
        )
        return [flatten_render(first.json), *(poll for (poll,) in self.poll_renders(render))]

    def fetch(self, url: str, **rest: Any) -> TargetResponse:
        """Fetch a file by its URL; one that begins with the public address of a local server is
        asked for at the base URL.
        """
        public = self.settings.public_url.rstrip("/")
        if public and url.startswith(f"{public}/"):
            url = url.removeprefix(public)
        return self.target.request("GET", url, attributed=False, follow_redirects=True, **rest)

    def require_upload_limit(self, skill: str, least: int) -> int:
        """Return the bytes that an upload of this skill may have (UPL-4).

        Raises `NotApplicable` if they are fewer than `least`.
        """
        settings = self.settings
        limit = settings.upload_limit or skill_profile(skill, settings.skills).upload_limit
        if limit < least:
            raise NotApplicable(f"uploads to this server are limited to {limit} bytes (UPL-4)")
        return limit

    @property
    def oversized_upload(self) -> TargetResponse:
        """The answer to a file over the limit of the skill 4k-with-session, sent once.

        Raises `NotApplicable` if that is too much to send.
        """
        return self._shared.once("oversized", self._send_oversized)

    def _send_oversized(self) -> TargetResponse:
        limit = self.require_upload_limit(LIMITED_SKILL, 1)
        if limit > _MOST_SENT:
            raise NotApplicable(f"a file over {limit} bytes is too much to send (setting of UPL-4)")
        content_type = f"multipart/form-data; boundary={LARGE_UPLOAD_BOUNDARY}"
        return self.call(
            wire.UPLOAD,
            session=self.session,
            headers={"Content-Type": content_type, SKILL_SOURCE: LIMITED_SKILL},
            content=large_upload(limit + MB),
        )

    def _upload_to(self, session: str, account: TargetAccount | None = None) -> str:
        self._require_data("an upload", self.upload(session, CLIP, account=account))
        return session


def _lacks_credits(response: TargetResponse) -> bool:
    try:
        code: object = require_field("the envelope", response.json, "code")
    except CheckFailed:  # a stream
        return False
    return code == ResponseCode.NO_CREDITS
