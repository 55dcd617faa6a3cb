"""Hears one turn out: sends the message once and takes in the stream until it ends (SSE-1).

The message is never sent again, whatever happens to the connection (CLI-3, CLI-4). What may be
shown is handed on as it comes (`Line`), without the GUI (CLI-6).
"""

from collections.abc import Iterator

from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.envelope import encode_json
from nemolocal_contract.events import Heartbeat, Text, decode_events
from nemolocal_contract.requests import ChatRequest, Message, Part
from nemolocal_contract.sse import Frame, FrameParser, FrameTooLarge

from .effects import Chunk, Flow, Line, Now, Opened, OpenStream, ReadStream, StreamCut
from .errors import TRY_AGAIN, BadReply, ConnectionCut, NemoError
from .failures import in_stream_failure
from .gui import Translator
from .polling import Patience
from .sessions import Session, ask_in

# Said at the end of turns that went well, too (SSE-9).
_TEMPORARY_ISSUE = ("i encountered a temporary issue", "遇到临时问题", "遇到了临时问题")


class Heard:
    """What a turn said; `cut` where the connection broke before the end."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.excuses: list[str] = []
        self.cut = False
        self.translator = Translator()

    def take(self, text: str) -> str:
        """Keep a text, once; what is to be shown of it, "" where nothing is.

        The text that reports a temporary issue is kept apart, and not shown (SSE-9).
        """
        lowered = text.lower()
        excuse = any(s in lowered for s in _TEMPORARY_ISSUE)
        kept = self.excuses if excuse else self.texts
        if not text.strip() or kept[-1:] == [text]:
            return ""
        kept.append(text)
        return "" if excuse else self.translator.take(text)


def listen(session: Session, message: str) -> Flow[Heard]:
    """Send a message and hear the turn out; `StreamTimeout` when that takes too long (CLI-5)."""
    heard = Heard()
    session.talking = True
    try:
        yield from _send_and_hear(session, message, heard)
    except NemoError:
        session.talking = False
        raise
    session.talking = False
    return heard


def _send_and_hear(session: Session, message: str, heard: Heard) -> Flow[None]:
    body = encode_json(ChatRequest(session.id, Message((Part(message),))))
    try:
        reply = yield from ask_in(session, OpenStream(path=CHAT.path(), json=body))
    except ConnectionCut:
        # The message may have arrived: the state tells, a second message would be charged (SSE-7).
        heard.cut = True
        return
    except BadReply as error:
        raise _not_to_be_repeated(error) from None
    if not isinstance(reply, Opened):
        raise BadReply("the backend answered the message without a stream")
    yield from _hear_out(session, heard)


def _not_to_be_repeated(error: BadReply) -> BadReply:
    """A gateway may give up on a message that the backend goes on with (SSE-7)."""
    if TRY_AGAIN not in error.remedy:
        return error
    return BadReply(error.message, remedy=ConnectionCut.remedy, code=error.code)


def _hear_out(session: Session, heard: Heard) -> Flow[None]:
    parser = FrameParser()
    patience = Patience((yield Now()))
    while True:
        got = yield ReadStream()
        now: float = yield Now()
        try:
            frames = parser.feed(got.data) if isinstance(got, Chunk) else parser.finish()
        except FrameTooLarge as error:
            said = f"the backend sent {error}"
            raise BadReply(said, remedy=ConnectionCut.remedy) from None
        if isinstance(got, StreamCut):
            heard.cut = True
            return
        for news in _take(frames, heard, session.account.user_id):
            patience.heard(now)
            if news:
                yield Line(news)
        if not isinstance(got, Chunk):
            return
        patience.check(now)
        note = patience.note(now)
        if note is not None:
            yield note


def _take(frames: list[Frame], heard: Heard, user_id: str) -> Iterator[str]:
    """Take in frames: for each event that is no heartbeat what is to be shown, "" for nothing."""
    for frame in frames:
        failure = in_stream_failure(frame.data, user_id=user_id)
        if failure is not None:
            raise failure
        for event in decode_events(frame):
            if isinstance(event, Text):
                yield heard.take(event.text)
            elif not isinstance(event, Heartbeat):
                yield ""
