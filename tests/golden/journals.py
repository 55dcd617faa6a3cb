"""The journal of one whole run: upload, chat, export, download."""

from collections.abc import Callable, Iterator
from functools import cache, partial

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import CLIENT_ID
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .backend import Caller, media, serving
from .exchange import multipart

_FORMATS = {"run.jsonl": "jsonl", "run.har": "har"}


def journals() -> Iterator[tuple[str, Callable[[], str]]]:
    """The same run in each format."""
    for name, kind in _FORMATS.items():
        yield name, partial(_journal, kind)


def _journal(kind: str) -> str:
    return run()[kind]


@cache
def run() -> dict[str, str]:
    """Play the run once; its journal in each format."""
    with serving("journal", silence=SilentTurnPolicy(script=".s")) as caller:
        _play(caller)
        return {kind: _fetch(caller, kind) for kind in _FORMATS.values()}


def _fetch(caller: Caller, kind: str) -> str:
    text = caller.send("GET", f"{wire.JOURNAL.template}?format={kind}").body.decode("utf-8")
    return text if text.endswith("\n") else f"{text}\n"


def _play(caller: Caller) -> None:
    caller.send("GET", wire.BALANCE.template)
    caller.send("POST", wire.TOKEN.template, headers={CLIENT_ID: ""})
    caller.connect()
    wav = multipart(("song.wav", media("sound.wav")))
    caller.send("POST", wire.UPLOAD.path(user="me", session="1" * 19), **wav)
    caller.upload("clip.mp4")
    caller.send("GET", wire.BALANCE.template)
    caller.say("edit my raw video footage")
    caller.say("trim to the first second")
    caller.say("remove the third clip")
    state = caller.state()
    order = {
        "id": "render_1",
        "sessionId": caller.session,
        "draft": state["state"]["draft"],
        "output": {"format": "mp4", "quality": "high", "codec": "h264", "crf": 18},
    }
    caller.send("POST", wire.RENDER.template, json_body=order)
    status = wire.RENDER_STATUS.path(render="render_1")
    caller.wait_until_idle()
    caller.send("GET", status)
    caller.send("GET", wire.RENDER_DOWNLOAD.path(render="render_1"))
    body = {"task_id": caller.task_id, "session_id": caller.session}
    created = caller.send("POST", wire.CLAIM_TOKEN.template, json_body=body).json()["data"]
    caller.send("GET", f"{wire.CLAIM_PAGE.template}?ct={created['claim_token']}")
    caller.send("GET", "/v1/jobs/1")
