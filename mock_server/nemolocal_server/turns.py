"""Turns: begun in one transaction, played on the clock, finished without the client.

The work goes on when the client hangs up (SSE-7): a turn is a task of the server, and the stream
only listens to it.
"""

import asyncio
from collections.abc import AsyncIterator

from nemolocal_contract.draft import Draft
from nemolocal_contract.events import Text, TurnEvent
from nemolocal_render.ffmpeg import FFmpegFailed
from nemolocal_render.footage import make_music

from . import ids
from .agent.edits import LONGEST_MUSIC_MS, CannotEdit, Media, apply_edits
from .agent.intents import AddMusic, Edit, Talk
from .agent.speech import say_done, say_failed, say_talk
from .agent.turn_plan import Commit, Step, TurnKey, is_silent, plan_edit, plan_talk
from .agent.understanding import understand
from .assets import Asset
from .background import Background
from .core import Core
from .sessions import Session
from .tokens import Token

_PENDING = "pending"


class Turn:
    """A turn that was begun: its plan, and the events that it has told so far."""

    def __init__(self, session: Session, number: int, plan: list[Step]) -> None:
        self.session = session
        self.number = number
        self.plan = plan
        self.edits: tuple[Edit, ...] = ()
        self.hold_id: int | None = None
        self._told: asyncio.Queue[TurnEvent | None] = asyncio.Queue()

    def tell(self, event: TurnEvent | None) -> None:
        """Pass an event on to whoever listens; None is the end."""
        self._told.put_nowait(event)

    async def events(self) -> AsyncIterator[TurnEvent]:
        """The events as they come."""
        while (event := await self._told.get()) is not None:
            yield event


class Turns:
    """Begins turns and plays them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._background = Background()

    def recover(self) -> None:
        """After a killed process: turns cut short are failed and their credits given back."""
        core = self._core
        with core.store.transaction():
            # A hold without an answer belongs to a turn that never ended (CRD-2).
            holds = core.store.all(
                dict[str, int],
                """SELECT id FROM ledger WHERE kind = 'hold' AND id NOT IN
                   (SELECT hold_id FROM ledger WHERE hold_id IS NOT NULL)""",
            )
            for hold in holds:
                core.ledger.release(hold["id"], "server stopped during the turn")
            core.store.execute(
                "UPDATE turns SET status = 'failed', ended = :now WHERE status = 'running'",
                now=core.clock.time(),
            )

    async def close(self) -> None:
        """Stop what is playing; `recover` of the next start gives its credits back."""
        await self._background.close()

    def begin(self, token: Token, session: Session, message: str) -> Turn:
        """Start a turn; 2001, before anything is streamed, where credits lack (CRD-4)."""
        wanted = understand(message)
        refusal = "" if isinstance(wanted, Talk) else self._refusal(session, wanted)
        with self._core.store.transaction():
            number = 1 + self._core.store.value(
                "SELECT count(*) FROM turns WHERE session_id = :id", id=session.id
            )
            key = TurnKey(token.client_id, session.ordinal, number, message)
            if isinstance(wanted, Talk):
                turn = self._talk(session, key, say_talk(wanted, session.language))
            elif refusal:
                turn = self._talk(session, key, say_failed(refusal, session.language))
            else:
                turn = self._edit(token, session, key, wanted)
            self._insert(turn, message)
        self._background.start(self._play(turn), on_defect=lambda: self._give_up(turn))
        return turn

    def _talk(self, session: Session, key: TurnKey, text: str) -> Turn:
        core = self._core
        plan = plan_talk(text, key, core.draw, core.settings.heartbeat)
        return Turn(session, key.turn, plan)

    def _edit(self, token: Token, session: Session, key: TurnKey, edits: tuple[Edit, ...]) -> Turn:
        core = self._core
        silent = is_silent(key, core.draw, core.settings.silent_rate)
        text = None if silent else say_done(edits, self._foresee(session, edits), session.language)
        plan = plan_edit(edits, text, key, core.draw, core.settings.heartbeat)
        turn = Turn(session, key.turn, plan)
        turn.edits = edits
        if not self._edited_before(session):
            turn.hold_id = core.ledger.hold(token, core.settings.tariff.editing, "editing")
        return turn

    def _edited_before(self, session: Session) -> bool:
        """Editing is paid once per session (CRD-3): has a turn of it held and not lost its hold?"""
        return bool(
            self._core.store.value(
                """SELECT 1 FROM turns WHERE session_id = :id AND hold_id IS NOT NULL
                   AND status != 'failed'""",
                id=session.id,
            )
        )

    def _refusal(self, session: Session, edits: tuple[Edit, ...]) -> str:
        try:
            self._foresee(session, edits)
        except CannotEdit as error:
            return str(error)
        return ""

    def _foresee(self, session: Session, edits: tuple[Edit, ...]) -> Draft:
        """The draft as it will be; the music is not made yet."""
        music = {edit.mood: _PENDING for edit in edits if isinstance(edit, AddMusic)}
        draft = self._core.sessions.draft(session.id)
        return apply_edits(edits, draft, self._uploads(session), music)

    def _uploads(self, session: Session) -> list[Media]:
        return [
            Media(asset.id, asset.filename, asset.info.kind, int(asset.info.duration * 1000))
            for asset in self._core.assets.of_session(session.id)
            if asset.origin == "upload"
        ]

    def _insert(self, turn: Turn, message: str) -> None:
        self._core.store.execute(
            """INSERT INTO turns (session_id, number, message, status, silent, hold_id, started)
               VALUES (:session, :number, :message, 'running', :silent, :hold, :now)""",
            session=turn.session.id,
            number=turn.number,
            message=message,
            silent=not any(isinstance(step.action, Text) for step in turn.plan),
            hold=turn.hold_id,
            now=self._core.clock.time(),
        )

    async def _play(self, turn: Turn) -> None:
        try:
            for step in turn.plan:
                await self._core.clock.sleep(step.delay)
                if isinstance(step.action, Commit):
                    await self._commit(turn)
                else:
                    turn.tell(step.action)
            if not turn.edits:
                self._end(turn, "done")
        except (CannotEdit, FFmpegFailed) as error:
            self._give_up(turn)
            turn.tell(Text(say_failed(str(error), turn.session.language)))
        finally:
            turn.tell(None)

    def _give_up(self, turn: Turn) -> None:
        with self._core.store.transaction():
            self._core.ledger.release(turn.hold_id, "turn failed")
            self._end(turn, "failed")

    async def _commit(self, turn: Turn) -> None:
        """Change the draft and take the credits, in one transaction."""
        music = await self._compose(turn)
        core = self._core
        with core.store.transaction():
            draft = core.sessions.draft(turn.session.id)
            after = apply_edits(turn.edits, draft, self._uploads(turn.session), music)
            core.sessions.save_draft(turn.session.id, after)
            core.ledger.settle(turn.hold_id, "editing done")
            self._end(turn, "done")

    async def _compose(self, turn: Turn) -> dict[str, str]:
        """The music that the edits ask for, as asset ids by mood, each as long as the timeline."""
        music: dict[str, str] = {}
        for number, edit in enumerate(turn.edits, 1):
            if isinstance(edit, AddMusic):
                length = self._foresee(turn.session, turn.edits[:number]).duration_ms or 0
                seconds = min(length, LONGEST_MUSIC_MS) / 1000
                music[edit.mood] = await self._make_music(turn.session, edit.mood, seconds)
        return music

    async def _make_music(self, session: Session, mood: str, seconds: float) -> str:
        asset_id = ids.new_file_id()
        path = self._core.store.work / f"{asset_id}.m4a"
        info = await make_music(mood, seconds, path)
        asset = Asset(asset_id, session.id, "generated", f"{mood}.m4a", "", info)
        self._core.assets.add([(asset, path)])
        return asset_id

    def _end(self, turn: Turn, status: str) -> None:
        self._core.store.execute(
            """UPDATE turns SET status = :status, ended = :now
               WHERE session_id = :session AND number = :number""",
            status=status,
            now=self._core.clock.time(),
            session=turn.session.id,
            number=turn.number,
        )
