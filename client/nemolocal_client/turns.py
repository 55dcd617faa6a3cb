"""A chat turn from the message to what the user is told (CLI-3, CLI-4, CLI-6).

The state is read before the message is sent, so that whatever the turn does without a word can be
told by comparing.
"""

import msgspec

from nemolocal_contract.describe import describe_changes, describe_timeline
from nemolocal_contract.responses import StateReply

from .chat_stream import ChatStreamResult, send_message
from .errors import BadReply, ConnectionCut, NemoError, ServerLost, TransportFailed, TurnFailed
from .operations import Flow, GetTime, Notice, OutputLine
from .polling import POLL_DELAYS_AFTER_CUT, POLL_DELAYS_AFTER_SILENCE, TurnTimer
from .reconnect import PollFailures, wait_while_connected
from .sessions import ClientSession, draft_of, read_state

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
