"""Turns of a conversation as the bytes of their streams."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from nemolocal_contract.endpoints import FAULT
from nemolocal_server.dialect import Dialect
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .backend import serving
from .exchange import CUT


class Talk(msgspec.Struct, frozen=True):
    """A message, what is uploaded and said before it, and how the server is set."""

    message: str
    before: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ("clip.mp4",)
    language: str = "en"
    fault: str = ""
    settings: dict[str, Any] = {}


_EDIT = "edit my raw video footage"
_TALKS = {
    "text_answer": Talk("hello, what can you do?"),
    "edit": Talk("trim to the first second", (_EDIT,)),
    "several_edits": Talk("make it black and white, then mute it and make it vertical", (_EDIT,)),
    "silent": Talk(
        "speed it up to 2x", (_EDIT,), settings={"silence": SilentTurnPolicy(script=".s")}
    ),
    "generation": Talk("generate a clip of a city at night", uploads=()),
    "refusal": Talk("remove the third clip", (_EDIT,)),
    "chinese": Talk("把视频剪到前1秒，再加标题“你好”", ("剪辑我的视频",), language="zh"),
    "undo": Talk("undo that", (_EDIT, "trim to the first second")),
    "title": Talk("add a title 'Urban Dreams'", (_EDIT,)),
    "music": Talk("add lo-fi music at 35% volume", (_EDIT,)),
    "heartbeats": Talk(
        "add a fade in and a fade out",
        (_EDIT,),
        settings={"dialect": Dialect(sse="typed", heartbeat="event", heartbeat_seconds=3.0)},
    ),
    "fault_cut": Talk("trim to the first second", (_EDIT,), fault="cut-fin;after=1"),
    "fault_temporary_issue": Talk("make it brighter", (_EDIT,), fault="temporary-issue"),
}


def turns() -> Iterator[tuple[str, Callable[[], str]]]:
    """The streams by their names."""
    for name, talk in _TALKS.items():
        yield name, partial(_hear, name, talk)


def _hear(name: str, talk: Talk) -> str:
    with serving(name, **talk.settings) as caller:
        caller.connect().open_session(language=talk.language)
        if talk.uploads:
            caller.upload(*talk.uploads)
        for message in talk.before:
            caller.say(message)
        reply = caller.say(talk.message, headers={FAULT: talk.fault})
        return reply.body.decode("utf-8") + ("" if reply.whole else f"{CUT}\n")
