"""Every endpoint of the contract in every dialect that touches it: success, and each failure."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import CLIENT_ID, FAULT, bearer_header
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.dialect import Dialect

from . import renders
from .backend import Caller, media, serving
from .exchange import multipart
from .refusals import (
    ENDPOINTS,
    NO_SESSION,
    NOBODY,
    READER,
    bad_bodies,
    no_session,
    path_of,
    rate_limited,
    refusals,
    wrong_method,
)
from .renders import BLOCKED

WEEK = 7 * 86_400
_MANUAL = "nmv_usr_made-by-hand"
_TOKENS = (
    NewToken(token=_MANUAL, user_id="user_1", client_id="manual-1", credits=0),
    NewToken(token=BLOCKED, user_id="user_2", client_id="manual-2", plan="blocked"),
    NewToken(token=READER, user_id="user_3", client_id="manual-3", scopes=("read",)),
)
Story = Callable[[Caller], None]


def _with(token: str, **more: str | None) -> dict[str, Any]:
    return {"headers": {**bearer_header(token), **more}}


def _token(caller: Caller) -> None:
    path = wire.TOKEN.template
    named: dict[str, Any] = {"headers": {CLIENT_ID: caller.client_id}}
    caller.record("a fresh client id", "POST", path, **named)
    caller.record("the same client id again", "POST", path, **named)
    caller.record("no client id", "POST", path)
    caller.record("an empty client id", "POST", path, headers={CLIENT_ID: " "})
    caller.record("a client id that is too long", "POST", path, headers={CLIENT_ID: "x" * 65})
    wrong_method(caller, wire.TOKEN)
    rate_limited(caller, wire.TOKEN)
    caller.advance(WEEK)
    caller.record("the same client id a week later", "POST", path, **named)


def _claim_token(caller: Caller) -> None:
    caller.connect()
    path = wire.CLAIM_TOKEN.template
    body = {"task_id": caller.task_id, "session_id": caller.session}
    caller.record("a session of the caller", "POST", path, json_body=body)
    refusals(caller, wire.CLAIM_TOKEN, json_body=body)
    no_session(caller, wire.CLAIM_TOKEN, body)
    other = {**body, "task_id": "another"}
    caller.record("a session of another task", "POST", path, json_body=other)
    bad_bodies(caller, path, {"task_id": caller.task_id})


def _claim_page(caller: Caller) -> None:
    caller.connect()
    body = {"task_id": caller.task_id, "session_id": caller.session}
    created = caller.send("POST", wire.CLAIM_TOKEN.template, json_body=body).json()
    page = f"{wire.CLAIM_PAGE.template}?ct={created['data']['claim_token']}"
    caller.record("an empty project", "GET", page)
    caller.upload("clip.mp4")
    caller.record("a project with an upload", "GET", page)
    caller.record("an unknown claim token", "GET", f"{wire.CLAIM_PAGE.template}?ct=clm_unknown")
    caller.record("no claim token", "GET", wire.CLAIM_PAGE.template)
    wrong_method(caller, wire.CLAIM_PAGE)
    caller.advance(WEEK)
    caller.record("a week later", "GET", page)


def _session(caller: Caller) -> None:
    caller.connect()
    mine = wire.SESSION.path(user="me")
    body = {"task_name": "project", "language": "en"}
    caller.record("as `me`", "POST", mine, json_body=body)
    caller.record("as the own id", "POST", wire.SESSION.path(user=caller.user_id), json_body={})
    refusals(caller, wire.SESSION, json_body=body)
    caller.record("as somebody else", "POST", wire.SESSION.path(user="anon_2"), json_body=body)
    bad_bodies(caller, mine, {"task_name": 5})


def _upload(caller: Caller) -> None:
    caller.connect()
    path = caller.path(wire.UPLOAD)
    clip, picture = ("clip.mp4", media("clip.mp4")), ("picture.png", media("picture.png"))
    sound = ("sound.wav", media("sound.wav"))
    created = caller.record("three files", "POST", path, **multipart(clip, picture, sound)).json()
    source = created["data"]["files"][2]["cdn_url"].replace("nemolocal.test", caller.address)
    by_url = {"urls": [source], "source_type": "url"}
    caller.record("a URL", "POST", path, json_body=by_url)
    refusals(caller, wire.UPLOAD, **multipart(sound))
    other = wire.UPLOAD.path(user="me", session=NO_SESSION)
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
    bad_bodies(caller, path, {"urls": "a", "source_type": "url"})


def _chat(caller: Caller) -> None:
    caller.connect()
    path = wire.CHAT.template
    body = caller.turn("hello")
    caller.record("a turn", "POST", path, json_body=body)
    refusals(caller, wire.CHAT, json_body=body)
    caller.record("as somebody else", "POST", path, json_body={**body, "user_id": "anon_2"})
    no_session(caller, wire.CHAT, body)
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
    bad_bodies(caller, path, {"session_id": caller.session})


def _balance(caller: Caller) -> None:
    caller.connect()
    path = wire.BALANCE.template
    caller.record("what is left", "GET", path)
    refusals(caller, wire.BALANCE)
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
    refusals(caller, wire.STATE)
    other = wire.STATE.path(user="me", session=NO_SESSION)
    caller.record("no session of the caller", "GET", other)
    strange = wire.STATE.path(user="anon_2", session=caller.session)
    caller.record("as somebody else", "GET", strange)


def _elsewhere(caller: Caller) -> None:
    """What is no endpoint, in the one form that it has in all dialects."""
    caller.connect()
    for path in ("/", "/api/v1/generate", "/v1/jobs/1", "/cdn/media/unknown.mp4", "/api/auth"):
        caller.record("an unknown path", "GET", path)
    caller.record("an unknown path", "POST", "/v1/run", json_body={})


def _faults(caller: Caller) -> None:
    """Faults that a request asks for and that decide its reply."""
    caller.connect().upload("sound.wav")
    body = {"id": "render_1", "sessionId": caller.session, "draft": caller.still()}
    state, chat = (wire.STATE, caller.path(wire.STATE)), (wire.CHAT, wire.CHAT.template)
    render, balance = (wire.RENDER, wire.RENDER.template), (wire.BALANCE, wire.BALANCE.template)
    for fault, (endpoint, path), sent in (
        ("server-error", balance, None),
        ("bad-gateway", balance, None),
        ("cut-fin", balance, None),
        ("commit-then-drop", balance, None),
        ("session-lost", state, None),
        ("export-blocked", render, body),
        ("duplicate-id", render, body),
        ("out-of-credits", chat, caller.turn("hello")),
        ("unheard-of", balance, None),
        ("silent", balance, None),
        ("token-expired", balance, None),
    ):
        asked = {FAULT: fault}
        caller.record(fault, endpoint.method, path, headers=asked, json_body=sent)


def _adk_elsewhere(caller: Caller) -> None:
    """The ADK's own errors are those of its chat endpoint: the others keep the envelope."""
    caller.connect().upload("sound.wav")
    for endpoint in ENDPOINTS:
        if endpoint is not wire.CHAT:
            caller.record("no token", endpoint.method, path_of(caller, endpoint), headers=NOBODY)
    mine = wire.SESSION.path(user="me")
    bad_bodies(caller, mine, {"task_name": 5})
    caller.record("no session", "GET", wire.STATE.path(user="me", session=NO_SESSION))


_STORIES: dict[str, Story] = {
    "token": _token,
    "claim_token": _claim_token,
    "claim_page": _claim_page,
    "session": _session,
    "upload": _upload,
    "chat": _chat,
    "balance": _balance,
    "state": _state,
    "render": renders.render,
    "render_status": renders.render_status,
    "render_cancel": renders.render_cancel,
    "render_download": renders.render_download,
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
        ("render-out_of_credits", renders.export_402, "out_of_credits"),
        ("every_other_endpoint-adk", _adk_elsewhere, "adk"),
        ("no_endpoint", _elsewhere, "envelope"),
        ("faults", _faults, "envelope"),
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
