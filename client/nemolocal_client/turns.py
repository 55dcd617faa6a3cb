"""A chat turn from the message to what the user is told (CLI-3, CLI-4, CLI-6).

The state is read before the message is sent, so that whatever the turn does without a word can be
told by comparing.
"""

import msgspec

from nemolocal_contract.replies import StateReply
from nemolocal_contract.summary import changes, timeline

from .effects import Flow, Line, Notice, Now
from .errors import BadReply, ConnectionCut, NemoError, ServerLost, TransportFailed, TurnFailed
from .listening import Heard, listen
from .polling import AFTER_CUT, AFTER_SILENCE, Patience
from .reconnecting import Trouble, wait_beside
from .sessions import Session, draft_of, read_state

_UNSEEN = {
    "en": "The project changed, with no visible difference on the timeline",
    "zh": "项目已更改，但时间线上没有可见的变化",
}

_UNREADABLE = "The state cannot be read yet: "


class Turn(msgspec.Struct, frozen=True):
    """The outcome of a turn, ready to be shown.

    `texts` are the backend's words without its GUI, `changes` what changed, a sentence each, read
    from the state where the backend did not say it. `silent`: it closed without a word. `cut`:
    the connection broke. `timeline` is the track summary (STA-5) where the backend pointed at it.
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


def take_turn(session: Session, message: str, language: str = "en") -> Flow[Turn]:
    """Send a message and find out what it did; raises `TurnFailed` where it did nothing.

    Whatever the turn comes to is handed on line by line, as soon as it is known. What is read from
    the state is told in `language`.
    """
    before = yield from read_state(session)
    heard = yield from listen(session, message)
    if heard.texts and not heard.cut:
        turn = yield from _spoken(session, heard, language)
    else:
        after = yield from _await_change(session, before, heard)
        turn = _found_out(heard, before, after, language)
    for line in (
        *heard.translator.hints,
        *turn.changes,
        *([turn.timeline] if turn.timeline else []),
    ):
        yield Line(line)
    return turn


def _found_out(heard: Heard, before: StateReply, after: StateReply, language: str) -> Turn:
    translation = heard.translator.finish()
    return Turn(
        translation.texts,
        _told(before, after, language),
        silent=not heard.texts,
        cut=heard.cut,
        timeline=timeline(draft_of(after), language) if translation.wants_state else "",
    )


def _spoken(session: Session, heard: Heard, language: str) -> Flow[Turn]:
    translation = heard.translator.finish()
    if translation.texts and not translation.wants_state:
        return Turn(translation.texts)
    # The backend points at its screen: what the screen would show is in the state (CLI-6).
    summary = timeline(draft_of((yield from read_state(session))), language)
    told = any(summary in text for text in translation.texts)
    return Turn(translation.texts, timeline="" if told else summary)


def _await_change(session: Session, before: StateReply, heard: Heard) -> Flow[StateReply]:
    """Read the state until it differs; five times at most (CLI-4).

    That nothing changed is said by who has seen it: where the server is gone, or the last read of
    the state went wrong, nobody knows what became of the message.
    """
    try:
        if heard.cut:
            yield Notice("waiting", "The connection broke: the state will tell what was done")
        after, trouble = yield from _look_for_change(session, before, heard)
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
    excuse = f" ({heard.excuses[-1]})" if heard.excuses else ""
    raise TurnFailed(
        f"{why}nothing on the timeline changed{excuse}",
        remedy="it was not done, so say it once more" if heard.cut else None,
        heard=heard.translator.finish().texts,
    )


def _look_for_change(
    session: Session, before: StateReply, heard: Heard
) -> Flow[tuple[StateReply | None, NemoError | None]]:
    """The state that differs, or None and what went wrong with the last read of it."""
    link = session.account.link
    patience = Patience((yield Now()))
    trouble = Trouble(link, _UNREADABLE)
    pauses = AFTER_CUT if heard.cut else AFTER_SILENCE
    for done, pause in enumerate(pauses, 1):
        yield from wait_beside(link, pause)
        note = patience.note((yield Now()))
        # Of a server that does not answer nobody knows whether it works.
        if note is not None and trouble.problem is None:
            yield note
        try:
            after = yield from read_state(session)
        except ServerLost:
            raise
        except (TransportFailed, BadReply) as problem:
            try:
                yield from trouble.meet(problem, sum(pauses[done:]))
            except (TransportFailed, BadReply):
                break
        else:
            trouble = Trouble(link, _UNREADABLE)
            if after.state != before.state:
                return after, None
    return None, trouble.problem


def _told(before: StateReply, after: StateReply, language: str) -> tuple[str, ...]:
    said = changes(draft_of(before), draft_of(after), language)
    return tuple(said) or (_UNSEEN["zh" if language.lower().startswith("zh") else "en"],)
