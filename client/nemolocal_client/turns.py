"""A chat turn from the message to what the user is told (CLI-3, CLI-4, CLI-6).

The state is read before the message is sent, so that whatever the turn does without a word can be
told by comparing.
"""

from collections.abc import Iterator

import msgspec

from nemolocal_contract.describe import describe_changes, describe_timeline
from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.envelope import encode_json
from nemolocal_contract.requests import ChatRequest, Message, Part
from nemolocal_contract.responses import StateReply
from nemolocal_contract.sse import SseEvent, SseEventTooLarge, SseParser
from nemolocal_contract.turn_events import Heartbeat, Text, decode_turn_events

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


_NO_VISIBLE_CHANGE = {
    "en": "The project changed, with no visible difference on the timeline",
    "zh": "项目已更改，但时间线上没有可见的变化",
}

_UNREADABLE = "The state cannot be read yet: "


class Turn(msgspec.Struct, frozen=True):
    """The outcome of a turn, ready to be shown.

    `texts` are the backend's words without its GUI, `describe_changes` what changed, a sentence
    each, read from the state where the backend did not say it. `silent`: it closed without a word.
    `cut`: the connection broke. `describe_timeline` is the track summary (STA-5) where the backend
    pointed at it.
    """

    texts: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    silent: bool = False
    cut: bool = False
    timeline: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything to show, in order."""
        return (*self.texts, *self.changes, *([self.timeline] if self.timeline else []))


def run_turn(session: ClientSession, message: str, language: str = "en") -> Flow[Turn]:
    """Send a message and find out what it did; raises `TurnFailed` where it did nothing.

    Whatever the turn comes to is handed on line by line, as soon as it is known. What is read from
    the state is told in `language`.
    """
    before = yield from read_state(session)
    heard = yield from send_message(session, message)
    if heard.texts and not heard.cut:
        turn = yield from _turn_from_texts(session, heard, language)
    else:
        after = yield from _wait_for_change(session, before, heard)
        turn = _turn_from_state(heard, before, after, language)
    for line in (
        *heard.translator.hints,
        *turn.changes,
        *([turn.timeline] if turn.timeline else []),
    ):
        yield OutputLine(line)
    return turn


def _turn_from_state(
    heard: ChatStreamResult, before: StateReply, after: StateReply, language: str
) -> Turn:
    translation = heard.translator.finish()
    return Turn(
        translation.texts,
        _describe_changes(before, after, language),
        silent=not heard.texts,
        cut=heard.cut,
        timeline=describe_timeline(draft_of(after), language) if translation.wants_state else "",
    )


def _turn_from_texts(session: ClientSession, heard: ChatStreamResult, language: str) -> Flow[Turn]:
    translation = heard.translator.finish()
    if translation.texts and not translation.wants_state:
        return Turn(translation.texts)
    # The backend points at its screen: what the screen would show is in the state (CLI-6).
    summary = describe_timeline(draft_of((yield from read_state(session))), language)
    told = any(summary in text for text in translation.texts)
    return Turn(translation.texts, timeline="" if told else summary)


def _wait_for_change(
    session: ClientSession, before: StateReply, heard: ChatStreamResult
) -> Flow[StateReply]:
    """Read the state until it differs; five times at most (CLI-4).

    That nothing changed is said by who has seen it: where the server is gone, or the last read of
    the state went wrong, nobody knows what became of the message.
    """
    try:
        if heard.cut:
            yield Notice("waiting", "The connection broke: the state will tell what was done")
        after, trouble = yield from _poll_for_change(session, before, heard)
    except ServerLost as lost:
        raise ConnectionCut(
            f"{lost.message}, and what became of the message is not known", gone=True
        ) from None
    if after is not None:
        return after
    why = "the connection broke" if heard.cut else "the turn ended without a word"
    if trouble is not None:
        raise ConnectionCut(f"{why}, and the state cannot be read since ({trouble.message})")
    why = f"{why} and " if heard.cut else ""
    excuse = f" ({heard.issue_texts[-1]})" if heard.issue_texts else ""
    raise TurnFailed(
        f"{why}nothing on the timeline changed{excuse}",
        remedy="it was not done, so say it once more" if heard.cut else None,
        heard=heard.translator.finish().texts,
    )


def _poll_for_change(
    session: ClientSession, before: StateReply, heard: ChatStreamResult
) -> Flow[tuple[StateReply | None, NemoError | None]]:
    """The state that differs, or None and what went wrong with the last read of it."""
    link = session.auth.connection
    patience = TurnTimer((yield GetTime()))
    trouble = PollFailures(link, _UNREADABLE)
    pauses = POLL_DELAYS_AFTER_CUT if heard.cut else POLL_DELAYS_AFTER_SILENCE
    for done, pause in enumerate(pauses, 1):
        yield from wait_while_connected(link, pause)
        note = patience.due_notice((yield GetTime()))
        # Of a server that does not answer nobody knows whether it works.
        if note is not None and trouble.last_error is None:
            yield note
        try:
            after = yield from read_state(session)
        except ServerLost:
            raise
        except (TransportFailed, BadReply) as problem:
            try:
                yield from trouble.record(problem, sum(pauses[done:]))
            except (TransportFailed, BadReply):
                break
        else:
            trouble = PollFailures(link, _UNREADABLE)
            if after.state != before.state:
                return after, None
    return None, trouble.last_error


def _describe_changes(before: StateReply, after: StateReply, language: str) -> tuple[str, ...]:
    said = describe_changes(draft_of(before), draft_of(after), language)
    return tuple(said) or (_NO_VISIBLE_CHANGE["zh" if language.lower().startswith("zh") else "en"],)
