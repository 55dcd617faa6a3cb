"""A chat turn, from the message to the result that the user sees (CLI-3, CLI-4, CLI-6).

The state is read before the message is sent: if the turn ends without text, the client compares it
with the state afterwards. A message is never sent twice, whatever happens to the connection (CLI-3,
CLI-4). Text is shown as it arrives (`OutputLine`), without references to the GUI (CLI-6).
"""

from collections.abc import Iterator

import msgspec

from nemolocal_contract.describe import describe_changes, describe_timeline
from nemolocal_contract.endpoints import CHAT, ChatRequest, Message, Part
from nemolocal_contract.responses import StateReply, encode_json
from nemolocal_contract.turn_events import (
    Heartbeat,
    SseEvent,
    SseEventTooLarge,
    SseParser,
    Text,
    decode_turn_events,
)

from .errors import (
    TRY_AGAIN,
    BadReply,
    ConnectionCut,
    NemoError,
    ServerLost,
    TransportFailed,
    TurnFailed,
)
from .gui_translation import Translator
from .operations import (
    Flow,
    GetTime,
    Notice,
    OpenStream,
    OutputLine,
    ReadStream,
    StreamChunk,
    StreamCut,
    StreamOpened,
)
from .response_errors import stream_error_of
from .retry import (
    POLL_DELAYS_AFTER_CUT,
    POLL_DELAYS_AFTER_SILENCE,
    PollFailures,
    TurnTimer,
    wait_while_connected,
)
from .sessions import ClientSession, ask_in, draft_of, read_state

# Also sent at the end of successful turns (SSE-9).
_TEMPORARY_ISSUE = ("i encountered a temporary issue", "遇到临时问题", "遇到了临时问题")
_NO_VISIBLE_CHANGE = {
    "en": "The project changed, with no visible difference on the timeline",
    "zh": "项目已更改，但时间线上没有可见的变化",
}
_UNREADABLE = "The state cannot be read yet: "


class ChatStreamResult:
    """The texts of a turn; `cut` if the connection was lost before the end."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.issue_texts: list[str] = []
        self.cut = False
        self.translator = Translator()

    def add_text(self, text: str) -> str:
        """Add a text, once; return what to show of it, "" for nothing.

        A text that reports a temporary issue is stored separately and not shown (SSE-9).
        """
        lowered = text.lower()
        is_issue = any(phrase in lowered for phrase in _TEMPORARY_ISSUE)
        texts = self.issue_texts if is_issue else self.texts
        if not text.strip() or texts[-1:] == [text]:
            return ""
        texts.append(text)
        return "" if is_issue else self.translator.feed(text)


def send_message(session: ClientSession, message: str) -> Flow[ChatStreamResult]:
    """Send a message and read the turn to its end; raises `StreamTimeout` (CLI-5)."""
    stream = ChatStreamResult()
    session.is_turn_running = True
    try:
        yield from _send_and_read(session, message, stream)
    except NemoError:
        session.is_turn_running = False
        raise
    session.is_turn_running = False
    return stream


def _send_and_read(session: ClientSession, message: str, stream: ChatStreamResult) -> Flow[None]:
    body = encode_json(ChatRequest(session.id, Message((Part(message),))))
    try:
        response = yield from ask_in(session, OpenStream(path=CHAT.path(), json=body))
    except ConnectionCut:
        # It may have arrived: read the state, as a second message would be charged (SSE-7).
        stream.cut = True
        return
    except BadReply as error:
        raise _without_retry_remedy(error) from None
    if not isinstance(response, StreamOpened):
        raise BadReply("the backend did not answer the message with a stream")
    yield from _read_stream(session, stream)


def _without_retry_remedy(error: BadReply) -> BadReply:
    """A gateway may give up on a message that the backend still processes (SSE-7)."""
    if TRY_AGAIN not in error.remedy:
        return error
    return BadReply(error.message, remedy=ConnectionCut.remedy, code=error.code)


def _read_stream(session: ClientSession, stream: ChatStreamResult) -> Flow[None]:
    parser = SseParser()
    timer = TurnTimer((yield GetTime()))
    while True:
        result = yield ReadStream()
        now: float = yield GetTime()
        try:
            frames = (
                parser.feed(result.data) if isinstance(result, StreamChunk) else parser.finish()
            )
        except SseEventTooLarge as error:
            message = f"the backend sent {error}"
            raise BadReply(message, remedy=ConnectionCut.remedy) from None
        if isinstance(result, StreamCut):
            stream.cut = True
            return
        for text in _process_frames(frames, stream, session.auth.user_id):
            timer.record_event(now)
            if text:
                yield OutputLine(text)
        if not isinstance(result, StreamChunk):
            return
        timer.check_timeout(now)
        notice = timer.due_notice(now)
        if notice is not None:
            yield notice


def _process_frames(
    frames: list[SseEvent], stream: ChatStreamResult, user_id: str
) -> Iterator[str]:
    """Yield the text to show for each event but heartbeats, "" for nothing."""
    for frame in frames:
        failure = stream_error_of(frame.data, user_id=user_id)
        if failure is not None:
            raise failure
        for event in decode_turn_events(frame):
            if isinstance(event, Text):
                yield stream.add_text(event.text)
            elif not isinstance(event, Heartbeat):
                yield ""


class Turn(msgspec.Struct, frozen=True):
    """The result of a turn, ready to show.

    `texts` are the backend's texts without references to its GUI. `changes` are sentences about
    what changed, from the state if the backend did not say it. `silent`: the stream ended without
    text. `cut`: the connection was lost. `timeline` is the track summary (STA-5), if the backend
    referred to the timeline.
    """

    texts: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    silent: bool = False
    cut: bool = False
    timeline: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines to show, in order."""
        return (*self.texts, *self.changes, *([self.timeline] if self.timeline else []))


def run_turn(session: ClientSession, message: str, language: str = "en") -> Flow[Turn]:
    """Send a message and find out what it did; raises `TurnFailed` if it changed nothing.

    Each line is shown as soon as it is known; those from the state are in `language`.
    """
    before = yield from read_state(session)
    stream = yield from send_message(session, message)
    if stream.texts and not stream.cut:
        turn = yield from _turn_from_texts(session, stream, language)
    else:
        after = yield from _wait_for_change(session, before, stream)
        turn = _turn_from_state(stream, before, after, language)
    for line in (
        *stream.translator.hints,
        *turn.changes,
        *([turn.timeline] if turn.timeline else []),
    ):
        yield OutputLine(line)
    return turn


def _turn_from_state(
    stream: ChatStreamResult, before: StateReply, after: StateReply, language: str
) -> Turn:
    translation = stream.translator.finish()
    return Turn(
        translation.texts,
        _describe_changes(before, after, language),
        silent=not stream.texts,
        cut=stream.cut,
        timeline=describe_timeline(draft_of(after), language) if translation.wants_state else "",
    )


def _turn_from_texts(session: ClientSession, stream: ChatStreamResult, language: str) -> Flow[Turn]:
    translation = stream.translator.finish()
    if translation.texts and not translation.wants_state:
        return Turn(translation.texts)
    # The backend refers to its GUI: what the GUI would show is in the state (CLI-6).
    summary = describe_timeline(draft_of((yield from read_state(session))), language)
    is_included = any(summary in text for text in translation.texts)
    return Turn(translation.texts, timeline="" if is_included else summary)


def _wait_for_change(
    session: ClientSession, before: StateReply, stream: ChatStreamResult
) -> Flow[StateReply]:
    """Read the state until it differs, five times at most (CLI-4).

    `TurnFailed` is raised only if the last read succeeded: otherwise the result of the message is
    not known.
    """
    try:
        if stream.cut:
            yield Notice("waiting", "Connection lost: checking the state for what was done")
        after, error = yield from _poll_for_change(session, before, stream)
    except ServerLost as lost:
        raise ConnectionCut(
            f"{lost.message}, and it is not known whether the message was processed", gone=True
        ) from None
    if after is not None:
        return after
    reason = "the connection was lost" if stream.cut else "the turn ended without text"
    if error is not None:
        message = f"{reason}, and the state could not be read afterwards ({error.message})"
        raise ConnectionCut(message)
    reason = f"{reason} and " if stream.cut else ""
    issue = f" ({stream.issue_texts[-1]})" if stream.issue_texts else ""
    raise TurnFailed(
        f"{reason}nothing on the timeline changed{issue}",
        remedy="it was not done: send it again" if stream.cut else None,
        heard=stream.translator.finish().texts,
    )


def _poll_for_change(
    session: ClientSession, before: StateReply, stream: ChatStreamResult
) -> Flow[tuple[StateReply | None, NemoError | None]]:
    """Return the state that differs; or None, and the error of the last read."""
    connection = session.auth.connection
    timer = TurnTimer((yield GetTime()))
    failures = PollFailures(connection, _UNREADABLE)
    delays = POLL_DELAYS_AFTER_CUT if stream.cut else POLL_DELAYS_AFTER_SILENCE
    for done, delay in enumerate(delays, 1):
        yield from wait_while_connected(connection, delay)
        notice = timer.due_notice((yield GetTime()))
        # "Still working" cannot be said of a server that does not respond.
        if notice is not None and failures.last_error is None:
            yield notice
        try:
            after = yield from read_state(session)
        except ServerLost:
            raise
        except (TransportFailed, BadReply) as error:
            try:
                yield from failures.record(error, sum(delays[done:]))
            except (TransportFailed, BadReply):
                break
        else:
            failures = PollFailures(connection, _UNREADABLE)
            if after.state != before.state:
                return after, None
    return None, failures.last_error


def _describe_changes(before: StateReply, after: StateReply, language: str) -> tuple[str, ...]:
    changes = describe_changes(draft_of(before), draft_of(after), language)
    return tuple(changes) or (
        _NO_VISIBLE_CHANGE["zh" if language.lower().startswith("zh") else "en"],
    )
