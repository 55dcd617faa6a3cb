"""Every endpoint of the contract in every dialect that touches it: success, and each failure."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code
from nemolocal_contract.endpoints import Endpoint
from nemolocal_contract.headers import CLIENT_ID, FAULT, bearer
from nemolocal_server.dialect import Dialect
from nemolocal_server.tokens import NewToken

from .backend import Caller, media, multipart, serving

WEEK = 7 * 86_400
_MANUAL = "nmv_usr_made-by-hand"
_BLOCKED = "nmv_usr_plan-blocks-export"
_READER = "nmv_usr_may-only-read"
_TOKENS = (
    NewToken(token=_MANUAL, user_id="user_1", client_id="manual-1", credits=0),
    NewToken(token=_BLOCKED, user_id="user_2", client_id="manual-2", plan="blocked"),
    NewToken(token=_READER, user_id="user_3", client_id="manual-3", scopes=("read",)),
)
_NO_SESSION = "1" * 19
Story = Callable[[Caller], None]


def _with(token: str, **more: str | None) -> dict[str, Any]:
    return {"headers": {**bearer(token), **more}}


def _token(caller: Caller) -> None:
    path = wire.TOKEN.template
    named: dict[str, Any] = {"headers": {CLIENT_ID: caller.client_id}}
    caller.record("a fresh client id", "POST", path, **named)
    caller.record("the same client id again", "POST", path, **named)
    caller.record("no client id", "POST", path)
    caller.record("an empty client id", "POST", path, headers={CLIENT_ID: " "})
    caller.record("a client id that is too long", "POST", path, headers={CLIENT_ID: "x" * 65})
    _wrong_method(caller, wire.TOKEN)
    _rate_limited(caller, wire.TOKEN)
    caller.advance(WEEK)
    caller.record("the same client id a week later", "POST", path, **named)


def _claim_token(caller: Caller) -> None:
    caller.connect()
    path = wire.CLAIM_TOKEN.template
    body = {"task_id": caller.task_id, "session_id": caller.session}
    caller.record("a session of the caller", "POST", path, json_body=body)
    _refusals(caller, wire.CLAIM_TOKEN, json_body=body)
    _no_session(caller, wire.CLAIM_TOKEN, body)
    other = {**body, "task_id": "another"}
    caller.record("a session of another task", "POST", path, json_body=other)
    _bad_bodies(caller, path, {"task_id": caller.task_id})


def _claim_page(caller: Caller) -> None:
    caller.connect()
    body = {"task_id": caller.task_id, "session_id": caller.session}
    made = caller.send("POST", wire.CLAIM_TOKEN.template, json_body=body).json()
    page = f"{wire.CLAIM_PAGE.template}?ct={made['data']['claim_token']}"
    caller.record("an empty project", "GET", page)
    caller.upload("clip.mp4")
    caller.record("a project with an upload", "GET", page)
    caller.record("an unknown claim token", "GET", f"{wire.CLAIM_PAGE.template}?ct=clm_unknown")
    caller.record("no claim token", "GET", wire.CLAIM_PAGE.template)
    _wrong_method(caller, wire.CLAIM_PAGE)
    caller.advance(WEEK)
    caller.record("a week later", "GET", page)


def _session(caller: Caller) -> None:
    caller.connect()
    mine = wire.SESSION.path(user="me")
    body = {"task_name": "project", "language": "en"}
    caller.record("as `me`", "POST", mine, json_body=body)
    caller.record("as the own id", "POST", wire.SESSION.path(user=caller.user_id), json_body={})
    _refusals(caller, wire.SESSION, json_body=body)
    caller.record("as somebody else", "POST", wire.SESSION.path(user="anon_2"), json_body=body)
    _bad_bodies(caller, mine, {"task_name": 5})


def _upload(caller: Caller) -> None:
    caller.connect()
    path = caller.path(wire.UPLOAD)
    clip, picture = ("clip.mp4", media("clip.mp4")), ("picture.png", media("picture.png"))
    sound = ("sound.wav", media("sound.wav"))
    made = caller.record("three files", "POST", path, **multipart(clip, picture, sound)).json()
    source = made["data"]["files"][2]["cdn_url"].replace("nemolocal.test", caller.address)
    by_url = {"urls": [source], "source_type": "url"}
    caller.record("a URL", "POST", path, json_body=by_url)
    _refusals(caller, wire.UPLOAD, **multipart(sound))
    other = wire.UPLOAD.path(user="me", session=_NO_SESSION)
    caller.record("no session of the caller", "POST", other, **multipart(sound))
    caller.record("a name that is not accepted", "POST", path, **multipart(("a.txt", b"text")))
    caller.record("a content that is none", "POST", path, **multipart(("a.mp4", b"text" * 99)))
    elsewhere = {"urls": ["http://elsewhere.test/a.mp4"], "source_type": "url"}
    caller.record("a URL that is not allowed", "POST", path, json_body=elsewhere)
    caller.record("a file over the limit", "POST", path, **multipart(("a.mp4", b"x" * 30_001)))
    caller.record("another field", "POST", path, **multipart(sound, field="file"))
    caller.record("no file", "POST", path, **multipart())
    caller.record("no form", "POST", path, body=b"text", headers={"Content-Type": "text/plain"})
    caller.record("no URLs", "POST", path, json_body={"urls": [], "source_type": "url"})
    _bad_bodies(caller, path, {"urls": "a", "source_type": "url"})


def _chat(caller: Caller) -> None:
    caller.connect()
    path = wire.CHAT.template
    body = caller.turn("hello")
    caller.record("a turn", "POST", path, json_body=body)
    _refusals(caller, wire.CHAT, json_body=body)
    caller.record("as somebody else", "POST", path, json_body={**body, "user_id": "anon_2"})
    _no_session(caller, wire.CHAT, body)
    clip = caller.turn("generate a clip of a city at night")
    caller.say(clip["new_message"]["parts"][0]["text"])
    caller.record("no credits, anonymous", "POST", path, json_body=clip)
    registered = caller.another("manual-1")
    registered.token = _MANUAL
    registered.open_session()
    poor = {**clip, "session_id": registered.session}
    caller.record("no credits, registered", "POST", path, json_body=poor, **_with(_MANUAL))
    silent = {**body, "new_message": {"parts": [{"text": " "}]}}
    caller.record("no words", "POST", path, json_body=silent)
    long = {**body, "new_message": {"parts": [{"text": "x" * 20_001}]}}
    caller.record("too many words", "POST", path, json_body=long)
    _bad_bodies(caller, path, {"session_id": caller.session})


def _balance(caller: Caller) -> None:
    caller.connect()
    path = wire.BALANCE.template
    caller.record("what is left", "GET", path)
    _refusals(caller, wire.BALANCE)
    body = {"task_id": caller.task_id, "session_id": caller.session}
    claim = caller.send("POST", wire.CLAIM_TOKEN.template, json_body=body).json()["data"]
    caller.record("a malformed header", "GET", path, headers={"Authorization": "Basic x"})
    caller.record("a claim token", "GET", path, **_with(claim["claim_token"]))
    caller.record("a token in the URL", "GET", f"{path}?token={caller.token}")
    caller.advance(WEEK)
    caller.record("an expired token", "GET", path)


def _state(caller: Caller) -> None:
    caller.connect()
    path = caller.path(wire.STATE)
    caller.record("a fresh session", "GET", path)
    caller.upload("clip.mp4")
    caller.record("an upload", "GET", path)
    caller.say("add a title 'Hi' and lo-fi music")
    caller.record("an edit", "GET", path)
    _refusals(caller, wire.STATE)
    other = wire.STATE.path(user="me", session=_NO_SESSION)
    caller.record("no session of the caller", "GET", other)
    strange = wire.STATE.path(user="anon_2", session=caller.session)
    caller.record("as somebody else", "GET", strange)


def _render(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    path = wire.RENDER.template
    output = {"format": "mp4", "quality": "high"}
    body = _order(caller, "render_1") | {"output": output}
    caller.record("a draft", "POST", path, json_body=body)
    _refusals(caller, wire.RENDER, json_body=body)
    caller.record("an id used before", "POST", path, json_body=body)
    next_body = {**body, "id": "render_2"}
    without: dict[str, Any] = {"json_body": next_body, "headers": {"X-Skill-Version": None}}
    caller.record("a missing attribution header", "POST", path, **without)
    caller.record("a plan without export", "POST", path, json_body=next_body, **_with(_BLOCKED))
    _no_session(caller, wire.RENDER, next_body, "sessionId")
    caller.record("an empty id", "POST", path, json_body={**body, "id": ""})
    empty = {**next_body, "draft": {"t": [], "d": 0}}
    caller.record("a draft without segments", "POST", path, json_body=empty)
    unknown = {"id": "seg_1", "s": 0, "d": 1000, "src": "unknown"}
    odd = {**next_body, "draft": {"t": [{"tt": 0, "sg": [unknown]}], "d": 1000}}
    caller.record("a draft of unknown media", "POST", path, json_body=odd)
    caller.record("an odd output", "POST", path, json_body={**body, "output": {"format": "avi"}})
    _bad_bodies(caller, path, {"id": "render_2", "sessionId": caller.session})


def _order(caller: Caller, render_id: str) -> dict[str, Any]:
    return {"id": render_id, "sessionId": caller.session, "draft": caller.still()}


def _submit(caller: Caller, render_id: str, fault: str = "") -> None:
    body = _order(caller, render_id)
    caller.send("POST", wire.RENDER.template, json_body=body, headers={FAULT: fault})


def _render_status(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    _submit(caller, "render_1")
    path = wire.RENDER_STATUS.path(render="render_1")
    for after, what in ((0, "pending"), (12, "begun"), (10, "under way"), (10, "completed")):
        caller.advance(after)
        caller.record(what, "GET", path)
    _submit(caller, "render_2", "render-fails-once")
    caller.advance(60)
    caller.record("failed", "GET", wire.RENDER_STATUS.path(render="render_2"))
    _refusals(caller, wire.RENDER_STATUS)
    caller.record("an unknown id", "GET", wire.RENDER_STATUS.path(render="render_9"))
    _somebody_else(caller, "GET", path)


def _render_cancel(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    _submit(caller, "render_1")
    path = wire.RENDER_CANCEL.path(render="render_1")
    caller.record("a render that waits", "POST", path)
    caller.record("once more", "POST", path)
    _submit(caller, "render_2")
    caller.advance(60)
    done = wire.RENDER_CANCEL.path(render="render_2")
    caller.record("a render that is completed", "POST", done)
    _refusals(caller, wire.RENDER_CANCEL)
    caller.record("an unknown id", "POST", wire.RENDER_CANCEL.path(render="render_9"))
    _somebody_else(caller, "POST", path)


def _render_download(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    _submit(caller, "render_1")
    path = wire.RENDER_DOWNLOAD.path(render="render_1")
    caller.record("a render that waits", "GET", path)
    caller.advance(60)
    caller.record("a render that is completed", "GET", path)
    caller.record("a part of it", "GET", path, headers={"Range": "bytes=2-7"})
    status = caller.send("GET", wire.RENDER_STATUS.path(render="render_1")).json()
    url = (status.get("output") or {}).get("url") or status["data"]["outputUrl"]
    file = url.removeprefix("http://nemolocal.test")
    caller.record("`output.url` without a token", "GET", file, headers={"Authorization": None})
    caller.record("no such file", "GET", file.replace(".mp4", ".mov"))
    _refusals(caller, wire.RENDER_DOWNLOAD)
    caller.record("an unknown id", "GET", wire.RENDER_DOWNLOAD.path(render="render_9"))
    _somebody_else(caller, "GET", path)


def _export_402(caller: Caller) -> None:
    """Who is refused an export under `export_402=out_of_credits`."""
    caller.connect().upload("clip.mp4")
    caller.say("generate a clip of a city at night")
    path = wire.RENDER.template
    caller.record("no credits", "POST", path, json_body=_order(caller, "render_1"))
    other = caller.another("client-2").connect()
    other.upload("clip.mp4")
    without = {**bearer(other.token), "X-Skill-Version": None}
    body = _order(other, "render_1")
    caller.record("a missing attribution header", "POST", path, json_body=body, headers=without)


def _elsewhere(caller: Caller) -> None:
    """What is no endpoint, in the one form that it has in all dialects."""
    caller.connect()
    for path in ("/", "/api/v1/generate", "/v1/jobs/1", "/cdn/media/unknown.mp4", "/api/auth"):
        caller.record("an unknown path", "GET", path)
    caller.record("an unknown path", "POST", "/v1/run", json_body={})


def _adk_elsewhere(caller: Caller) -> None:
    """The ADK's own errors are those of its chat endpoint: the others keep the envelope."""
    caller.connect().upload("sound.wav")
    for endpoint in _ENDPOINTS:
        if endpoint is not wire.CHAT:
            caller.record("no token", endpoint.method, _path(caller, endpoint), headers=_NOBODY)
    mine = wire.SESSION.path(user="me")
    _bad_bodies(caller, mine, {"task_name": 5})
    caller.record("no session", "GET", wire.STATE.path(user="me", session=_NO_SESSION))


_NOBODY = {"Authorization": None}
_ENDPOINTS = (
    wire.TOKEN, wire.CLAIM_TOKEN, wire.CLAIM_PAGE, wire.SESSION, wire.UPLOAD, wire.CHAT,
    wire.BALANCE, wire.STATE, wire.RENDER, wire.RENDER_STATUS, wire.RENDER_CANCEL,
    wire.RENDER_DOWNLOAD,
)  # fmt: skip


def _path(caller: Caller, endpoint: Endpoint) -> str:
    return caller.path(endpoint, render="render_1")


def _refusals(caller: Caller, endpoint: Endpoint, **rest: Any) -> None:
    """What every endpoint with a token refuses alike."""
    method, path = endpoint.method, _path(caller, endpoint)
    headers = rest.pop("headers", {})
    for what, token in (
        ("no token", {"Authorization": None}),
        ("an unknown token", bearer("nmv_usr_unknown-to-all")),
    ):
        caller.record(what, method, path, headers={**headers, **token}, **rest)
    if endpoint not in (wire.BALANCE, wire.STATE, wire.RENDER_STATUS, wire.RENDER_CANCEL,
                        wire.RENDER_DOWNLOAD, wire.CLAIM_TOKEN):  # fmt: skip
        reader = {**headers, **bearer(_READER)}
        caller.record("a token without the scope", method, path, headers=reader, **rest)
    _wrong_method(caller, endpoint)
    _rate_limited(caller, endpoint, headers=headers, **rest)


def _wrong_method(caller: Caller, endpoint: Endpoint) -> None:
    caller.record("a wrong method", "PUT", _path(caller, endpoint))


def _rate_limited(
    caller: Caller, endpoint: Endpoint, headers: dict[str, str] | None = None, **rest: Any
) -> None:
    asked = {**(headers or {}), FAULT: f"{Code.RATE_LIMITED.name.lower().replace('_', '-')}"}
    path = _path(caller, endpoint)
    caller.record("too often (a fault)", endpoint.method, path, headers=asked, **rest)


def _no_session(
    caller: Caller, endpoint: Endpoint, body: dict[str, Any], field: str = "session_id"
) -> None:
    wrong = {**body, field: _NO_SESSION}
    path = endpoint.template
    caller.record("no session of the caller", endpoint.method, path, json_body=wrong)
    somebody = caller.another("client-2").connect()
    theirs = {**body, field: somebody.session}
    caller.record("somebody else's session", endpoint.method, path, json_body=theirs)


def _somebody_else(caller: Caller, method: str, path: str) -> None:
    somebody = caller.another("client-2").connect()
    caller.record("somebody else's render", method, path, **_with(somebody.token))


def _bad_bodies(caller: Caller, path: str, wrong: dict[str, Any]) -> None:
    kind = {"Content-Type": "application/json"}
    caller.record("a body that is no JSON", "POST", path, body=b"{", headers=kind)
    caller.record("a body with a field that is wrong", "POST", path, json_body=wrong)


_STORIES: dict[str, Story] = {
    "token": _token,
    "claim_token": _claim_token,
    "claim_page": _claim_page,
    "session": _session,
    "upload": _upload,
    "chat": _chat,
    "balance": _balance,
    "state": _state,
    "render": _render,
    "render_status": _render_status,
    "render_cancel": _render_cancel,
    "render_download": _render_download,
}
# Here turns are played: time passes by itself.
_TALKING = ("chat", "state", "out_of_credits")
_RENDERING = ("render", "render_status", "render_cancel")
_DIALECTS = {
    "envelope": Dialect(),
    "http": Dialect(errors="http"),
    "adk": Dialect(errors="adk"),
    "typed": Dialect(sse="typed", heartbeat="event"),
    "nested": Dialect(render="nested"),
    "out_of_credits": Dialect(export_402="out_of_credits"),
}


def replies() -> Iterator[tuple[str, Callable[[], str]]]:
    """The transcripts by their names: `upload-http` is the upload where `errors=http`."""
    for endpoint, story in _STORIES.items():
        spoken = ["envelope", "http"]
        spoken += ["adk", "typed"] if endpoint == "chat" else []
        spoken += ["nested"] if endpoint in _RENDERING else []
        for dialect in spoken:
            name = f"{endpoint}-{dialect}"
            yield name, partial(_tell, name, story, dialect, endpoint in _TALKING)
    for name, story, dialect in (
        ("render-out_of_credits", _export_402, "out_of_credits"),
        ("every_other_endpoint-adk", _adk_elsewhere, "adk"),
        ("no_endpoint", _elsewhere, "envelope"),
    ):
        yield name, partial(_tell, name, story, dialect, dialect in _TALKING)


def _tell(name: str, story: Story, dialect: str, autojump: bool) -> str:
    with serving(
        # One seed for all dialects of an endpoint: files that differ show what the dialect does.
        name.partition("-")[0],
        autojump=autojump,
        dialect=_DIALECTS[dialect],
        tokens=_TOKENS,
        fetch_from=("127.0.0.1:*",),
        upload_limit=30_000,
        render_queue=(10.0, 10.0),
    ) as caller:
        story(caller)
        return caller.transcript
