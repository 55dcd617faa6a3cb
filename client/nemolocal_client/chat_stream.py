"""Hears one turn out: sends the message once and takes in the stream until it ends (SSE-1).

The message is never sent again, whatever happens to the connection (CLI-3, CLI-4). What may be
shown is handed on as it comes (`OutputLine`), without the GUI (CLI-6).
"""

from collections.abc import Iterator

from nemolocal_contract.endpoints import CHAT, ChatRequest, Message, Part
from nemolocal_contract.responses import encode_json
from nemolocal_contract.turn_events import (
    Heartbeat,
    SseEvent,
    SseEventTooLarge,
    SseParser,
    Text,
    decode_turn_events,
)

from .errors import TRY_AGAIN, BadReply, ConnectionCut, NemoError
from .gui_translation import Translator
from .operations import (
    Flow,
    GetTime,
    OpenStream,
    OutputLine,
    ReadStream,
    StreamChunk,
    StreamCut,
    StreamOpened,
)
from .polling import TurnTimer
from .response_errors import stream_error_of
from .sessions import ClientSession, ask_in

# Said at the end of turns that went well, too (SSE-9).
_TEMPORARY_ISSUE = ("i encountered a temporary issue", "遇到临时问题", "遇到了临时问题")


class ChatStreamResult:
    """What a turn said; `cut` where the connection broke before the end."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.issue_texts: list[str] = []
        self.cut = False
        self.translator = Translator()

    def add_text(self, text: str) -> str:
        """Keep a text, once; what is to be shown of it, "" where nothing is.

        The text that reports a temporary issue is kept apart, and not shown (SSE-9).
        """
        lowered = text.lower()
        excuse = any(s in lowered for s in _TEMPORARY_ISSUE)
        kept = self.issue_texts if excuse else self.texts
        if not text.strip() or kept[-1:] == [text]:
            return ""
        kept.append(text)
        return "" if excuse else self.translator.feed(text)


def send_message(session: ClientSession, message: str) -> Flow[ChatStreamResult]:
    """Send a message and hear the turn out; `StreamTimeout` when that takes too long (CLI-5)."""
    heard = ChatStreamResult()
    session.is_turn_running = True
    try:
        yield from _send_and_read(session, message, heard)
    except NemoError:
        session.is_turn_running = False
        raise
    session.is_turn_running = False
    return heard


def _send_and_read(session: ClientSession, message: str, heard: ChatStreamResult) -> Flow[None]:
    body = encode_json(ChatRequest(session.id, Message((Part(message),))))
    try:
        reply = yield from ask_in(session, OpenStream(path=CHAT.path(), json=body))
    except ConnectionCut:
        # The message may have arrived: the state tells, a second message would be charged (SSE-7).
        heard.cut = True
        return
    except BadReply as error:
        raise _without_retry_remedy(error) from None
    if not isinstance(reply, StreamOpened):
        raise BadReply("the backend answered the message without a stream")
    yield from _read_stream(session, heard)


def _without_retry_remedy(error: BadReply) -> BadReply:
    """A gateway may give up on a message that the backend goes on with (SSE-7)."""
    if TRY_AGAIN not in error.remedy:
        return error
    return BadReply(error.message, remedy=ConnectionCut.remedy, code=error.code)


def _read_stream(session: ClientSession, heard: ChatStreamResult) -> Flow[None]:
    parser = SseParser()
    patience = TurnTimer((yield GetTime()))
    while True:
        got = yield ReadStream()
        now: float = yield GetTime()
        try:
            frames = parser.feed(got.data) if isinstance(got, StreamChunk) else parser.finish()
        except SseEventTooLarge as error:
            said = f"the backend sent {error}"
            raise BadReply(said, remedy=ConnectionCut.remedy) from None
        if isinstance(got, StreamCut):
            heard.cut = True
            return
        for news in _process_frames(frames, heard, session.auth.user_id):
            patience.record_event(now)
            if news:
                yield OutputLine(news)
        if not isinstance(got, StreamChunk):
            return
        patience.check_timeout(now)
        note = patience.due_notice(now)
        if note is not None:
            yield note


def _process_frames(frames: list[SseEvent], heard: ChatStreamResult, user_id: str) -> Iterator[str]:
    """Take in frames: for each event that is no heartbeat what is to be shown, "" for nothing."""
    for frame in frames:
        failure = stream_error_of(frame.data, user_id=user_id)
        if failure is not None:
            raise failure
        for event in decode_turn_events(frame):
            if isinstance(event, Text):
                yield heard.add_text(event.text)
            elif not isinstance(event, Heartbeat):
                yield ""
