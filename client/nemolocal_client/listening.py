"""Hears one turn out: sends the message once and takes in the stream until it ends (SSE-1).

The message is never sent again, whatever happens to the connection (CLI-3, CLI-4).
"""

import msgspec

from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.envelope import encode_json
from nemolocal_contract.events import Heartbeat, Text, decode_events
from nemolocal_contract.requests import ChatRequest, Message, Part
from nemolocal_contract.sse import Frame, FrameParser

from .effects import Chunk, Flow, Now, Opened, OpenStream, ReadStream, StreamCut
from .errors import BadReply, ConnectionCut
from .failures import in_stream_failure
from .identity import authorized
from .polling import Patience
from .sessions import Session

# Said at the end of turns that went well, too (SSE-9).
_TEMPORARY_ISSUE = ("i encountered a temporary issue", "遇到临时问题", "遇到了临时问题")


class Heard(msgspec.Struct):
    """What a turn said; `cut` where the connection broke before the end."""

    texts: list[str] = []
    excuses: list[str] = []
    cut: bool = False

    def take(self, text: str) -> None:
        """Keep a text, once; the one that reports a temporary issue apart (SSE-9)."""
        lowered = text.lower()
        kind = self.excuses if any(s in lowered for s in _TEMPORARY_ISSUE) else self.texts
        if text.strip() and kind[-1:] != [text]:
            kind.append(text)


def listen(session: Session, message: str) -> Flow[Heard]:
    """Send a message and hear the turn out; `StreamTimeout` when that takes too long (CLI-5)."""
    heard = Heard()
    body = encode_json(ChatRequest(session.id, Message((Part(message),))))
    try:
        reply = yield from authorized(session.account, OpenStream(path=CHAT.path(), json=body))
    except ConnectionCut:
        # The message may have arrived: the state tells, a second message would be charged (SSE-7).
        heard.cut = True
        return heard
    if not isinstance(reply, Opened):
        raise BadReply("the backend answered the message without a stream")
    yield from _hear_out(session, heard)
    return heard


def _hear_out(session: Session, heard: Heard) -> Flow[None]:
    parser = FrameParser()
    patience = Patience((yield Now()))
    while True:
        got = yield ReadStream()
        now: float = yield Now()
        frames = parser.feed(got.data) if isinstance(got, Chunk) else parser.finish()
        if isinstance(got, StreamCut):
            heard.cut = True
            return
        if _take(frames, heard, session.account.user_id):
            patience.heard(now)
        if not isinstance(got, Chunk):
            return
        patience.check(now)
        note = patience.note(now)
        if note is not None:
            yield note


def _take(frames: list[Frame], heard: Heard, user_id: str) -> bool:
    """Take in frames; whether any was more than a heartbeat."""
    news = False
    for frame in frames:
        failure = in_stream_failure(frame.data, user_id=user_id)
        if failure is not None:
            raise failure
        for event in decode_events(frame):
            news = news or not isinstance(event, Heartbeat)
            if isinstance(event, Text):
                heard.take(event.text)
    return news
