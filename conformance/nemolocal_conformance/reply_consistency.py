"""What replies of a run must agree on: ids that are new, owners that stay, sums that fit."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nemolocal_contract.endpoints import CLIENT_ID

from .reply_forms import is_missing, is_number, is_text, values_at
from .reply_violation import ReplyViolation

if TYPE_CHECKING:
    from .observed_replies import ObservedRequest

# Half a millisecond: sums of decimal fractions are not exact.
_ROUNDING = 0.5
_TEXT_TRACK = 7
# How far the shape that `ratio` says may be from that of `width` and `height`.
_RATIO_TOLERANCE = 0.05
_FIGURES = {
    "video": ("duration", "width", "height", "fps"),
    "image": ("width", "height"),
    "audio": ("duration",),
}
_EVERY_FIGURE = ("duration", "width", "height", "fps")


class ReplyConsistency:
    """The ids, owners and names of a run so far."""

    def __init__(self) -> None:
        self._made: dict[str, set[str]] = {}
        self._clients: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._sessions: dict[str, dict[str, str]] = {}
        self._claims: dict[str, str] = {}
        self._urls: dict[str, str] = {}
        self._ended: dict[tuple[str, str], str] = {}

    def violations(
        self, name: str, request: "ObservedRequest", body: dict[str, Any]
    ) -> Iterable[ReplyViolation]:
        """Yield what a success does not agree on; its fields have the form of the contract."""
        watch = {
            "token": self._token,
            "claim_token": self._claim,
            "session": self._session,
            "upload": self._upload,
            "balance": self._balance,
            "state": self._state,
            "render": self._render,
        }.get(name, self._render_status)
        held = body if "status" in body else body["data"]
        return (
            ReplyViolation(name, rule, what, expected, actual)
            for rule, what, expected, actual in watch(request, held)
        )

    def _token(self, request: "ObservedRequest", data: dict[str, Any]) -> "_Findings":
        yield from self._new("AUTH-1", "data.token", data["token"], secret=True)
        # A client that asks again when its token is over may stay the same user.
        client = request.headers.get(CLIENT_ID.lower(), "")
        if self._clients.setdefault(data["user_id"], client) != client:
            yield "AUTH-1", "data.user_id", "one per client", data["user_id"]
        self._users[data["token"]] = data["user_id"]

    def _claim(self, request: "ObservedRequest", data: dict[str, Any]) -> "_Findings":
        session = str(_body(request).get("session_id"))
        other = self._claims.setdefault(data["claim_token"], session)
        if other != session:
            yield "AUTH-7", "data.claim_token", "one per session", "that of another session"

    def _session(self, request: "ObservedRequest", data: dict[str, Any]) -> "_Findings":
        for name in ("session_id", "task_id"):
            yield from self._new("SES-1", f"data.{name}", data[name])
        yield from self._user("SES-1", request, data["user_id"])
        known = {"task_id": data["task_id"], "user_id": data["user_id"]}
        if task_name := _body(request).get("task_name"):
            known["task_name"] = task_name
        self._sessions[data["session_id"]] = known

    def _upload(self, _request: "ObservedRequest", data: dict[str, Any]) -> "_Findings":
        if not data["files"]:
            yield "UPL-2", "data.files", "at least one", data["files"]
        for file in data["files"]:
            yield from _figures(file)
            digest = self._urls.setdefault(file["cdn_url"], file["hash"])
            if digest != file["hash"]:
                yield "UPL-2", "data.files[].cdn_url", "one per content", file["cdn_url"]

    def _balance(self, _request: "ObservedRequest", data: dict[str, Any]) -> "_Findings":
        if data["total"] != data["available"] + data["frozen"]:
            yield "CRD-1", "data.total", "available plus frozen", _numbers(data)

    def _state(self, request: "ObservedRequest", data: dict[str, Any]) -> "_Findings":
        asked = request.path.split("/")[-2]
        if data["session_id"] != asked:
            yield "STA-1", "data.session_id", asked, data["session_id"]
        yield from self._user("STA-1", request, data["user_id"])
        for name, value in self._sessions.get(asked, {}).items():
            if data[name] != value:
                yield "STA-1", f"data.{name}", value, data[name]
        yield from _canvas(data["state"]["canvas_config"])
        yield from _draft(data["state"]["draft"])
        yield from _media(data["state"])

    def _render(self, request: "ObservedRequest", body: dict[str, Any]) -> "_Findings":
        asked = _body(request).get("id") or request.path.removesuffix("/cancel").rpartition("/")[2]
        if body["id"] != asked:
            yield "REN-4", "id", str(asked), body["id"]
        url, is_completed = (body.get("output") or {}).get("url"), body["status"] == "completed"
        if bool(url) != is_completed:
            yield "REN-5", f"output.url while {body['status']}", "only when completed", url
        if is_completed and body["progress"] != 100:
            yield "REN-4", "progress when completed", "100", body["progress"]
        if bool(body.get("error")) != (body["status"] == "failed"):
            yield "REN-4", f"error while {body['status']}", "only when failed", body.get("error")

    def _render_status(self, request: "ObservedRequest", body: dict[str, Any]) -> "_Findings":
        """Yield also where a render that has ended is told in another way than before."""
        yield from self._render(request, body)
        token = request.token
        if body["status"] not in ("completed", "failed"):
            if (token, body["id"]) in self._ended:
                yield "REN-5", "status after the end", "unchanged", body["status"]
            return
        output = body.get("output") or {}
        # A URL may be signed anew each time.
        end = f"{body['status']}, {output.get('duration')} s, {output.get('size')} bytes"
        before = self._ended.setdefault((token, body["id"]), end)
        if before != end:
            yield "REN-5", "a render that has ended", before, end

    def _new(self, rule: str, what: str, value: str, *, secret: bool = False) -> "_Findings":
        """Yield a value that must be new and was seen before."""
        seen = self._made.setdefault(what, set())
        if value in seen:
            yield rule, what, "a new one each time", "the same again" if secret else value
        seen.add(value)

    def _user(self, rule: str, request: "ObservedRequest", user: str) -> "_Findings":
        known = self._users.setdefault(request.token, user)
        if known != user:
            yield rule, "data.user_id", known, user


_Findings = Iterator[tuple[str, str, str, Any]]


def _body(request: "ObservedRequest") -> dict[str, Any]:
    return request.body if isinstance(request.body, dict) else {}


def _numbers(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("available", "frozen", "total")}


def _figures(file: dict[str, Any]) -> _Findings:
    """Yield the figures of a file that are missing, or are not those of its type."""
    needed = _FIGURES[file["file_type"]]
    for name in _EVERY_FIGURE:
        value = file.get(name, "missing")
        is_due = name in needed
        is_figure = is_number(value) and (value > 0 if is_due else value >= 0)
        # A figure that a file of this type cannot have may be null.
        if not is_figure and (is_due or value is not None):
            due = "a number above 0" if is_due else "a number or null"
            yield "UPL-2", f"data.files[].{name} of a {file['file_type']}", due, value


def _canvas(canvas: dict[str, Any]) -> _Findings:
    """Yield a ratio that is not that of width and height, where it is told as `16:9`."""
    left, _, right = canvas["ratio"].partition(":")
    if not (left.isdecimal() and right.isdecimal() and int(right) and canvas["height"]):
        return
    said, true = int(left) / int(right), canvas["width"] / canvas["height"]
    if abs(true / said - 1) > _RATIO_TOLERANCE:
        yield "STA-1", "canvas_config", "a ratio that fits width and height", canvas


def _media(state: dict[str, Any]) -> _Findings:
    """Yield media that are listed twice or, though a segment uses them, not at all."""
    listed = [*state["video_infos"], *state["generated_media"]]
    ids = [media["id"] for media in listed if is_text(media.get("id"))]
    if len(ids) != len(listed):
        return
    if len(set(ids)) != len(ids):
        yield "STA-4", "ids of media", "unique ids", ids
    used = {segment.get("src") for track in state["draft"]["t"] for segment in track["sg"]}
    if unlisted := used - {None} - set(ids):
        yield "STA-4", "src of segments", "in video_infos or generated_media", sorted(unlisted)


def _draft(draft: dict[str, Any]) -> _Findings:
    """Yield where a draft does not agree with itself: its length, its ids, its texts."""
    segments = [segment for track in draft["t"] for segment in track["sg"]]
    end = max((segment["s"] + segment["d"] for segment in segments), default=0)
    if abs(draft["d"] - end) > _ROUNDING:
        yield "STA-4", "draft.d", f"the end of the last segment, {end:g}", draft["d"]
    for path in ("t[].id", "t[].sg[].id"):
        ids = [value for value in values_at(draft, path) if not is_missing(value)]
        if len(set(ids)) != len(ids):
            yield "STA-4", f"draft.{path}", "unique ids", ids
    for track in draft["t"]:
        for segment in track["sg"]:
            if ("txt" in segment) != (track["tt"] == _TEXT_TRACK):
                yield "STA-4", "a segment", "txt on text tracks, src on others", segment
