"""Exports: accepted with a checked draft, rendered one at a time per session, never going back.

A render belongs to its token (REN-8), is free (REN-3), and survives a restart of the server: what
was pending or processing is taken up again.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import decode_json, encode_json
from nemolocal_contract.media import Resolution
from nemolocal_contract.replies import RenderOutput, RenderStatus
from nemolocal_contract.requests import RenderRequest
from nemolocal_render.job import RenderFailed, RenderResult
from nemolocal_render.plan import DraftRejected, OutputSpec

from . import data_folder, ids
from .assets import CDN
from .background import Background, persist
from .core import Core
from .errors import ContractError, bad_request
from .executor import RenderExecutor
from .export_store import Export, ExportStore
from .faults.render_faults import RenderFaults
from .places import OWNER
from .planning import plan_draft
from .sessions import Session
from .tokens import Token

_DEFECT = "internal error of the local server; its log says more"
_CANCELLED = "cancelled"


class Exports:
    """The renders of all tokens and the queue that works them off."""

    def __init__(self, core: Core, execute: RenderExecutor) -> None:
        self._core = core
        self._execute = execute
        self._kept = ExportStore(core.store, core.clock)
        self._faults = RenderFaults(core.store)
        self._session_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._background = Background()
        self._running: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """Take up what an earlier process left unfinished, in the order in which it came."""
        for export in self._kept.unfinished():
            self._start(export)

    async def close(self) -> None:
        """Stop the renders that run; the next start takes them up again."""
        await self._background.close()

    @property
    def running(self) -> int:
        """How many renders are queued or under way."""
        return self._background.running

    @property
    def sessions(self) -> set[str]:
        """The sessions for which something runs or waits."""
        return self._background.sessions

    async def stop(self, sessions: Collection[str]) -> bool:
        """Stop the renders of these sessions, which are about to be forgotten; were there any?"""
        return await self._background.stop(sessions)

    async def submit(
        self, token: Token, session: Session, request: RenderRequest, resolution: Resolution
    ) -> Export:
        """Queue a render; 400 with the path of the field where the draft cannot be one (REN-9)."""
        self._require_new(token, request.id)
        wanted = request.output
        # What the request asks for comes before the draft's own wish, and that before the skill's.
        output = OutputSpec(
            quality=wanted.quality,
            resolution=wanted.resolution or None,
            fps=wanted.fps or None,
            usual_resolution=resolution,
        )
        try:
            await plan_draft(request.draft, self._core.assets.sources(session.id), output)
        except DraftRejected as error:
            raise bad_request(str(error)) from error
        # Another request may have taken the id, or forgotten the session, while this one planned.
        self._require_new(token, request.id)
        self._core.sessions.find(token, session.id)
        export = Export(
            token_id=token.id,
            id=request.id,
            session_id=session.id,
            status="pending",
            progress=0,
            draft=encode_json(self._core.store.known.without_in(request.draft)).decode(),
            output=encode_json(output).decode(),
            file_id=ids.new_file_id(),
        )
        self._kept.add(export)
        self._start(export)
        return export

    def _require_new(self, token: Token, render_id: str) -> None:
        if self._kept.find(token.id, render_id) is not None:
            raise bad_request(f"duplicate id {render_id!r}: submit again with a new id")

    def find(self, token: Token, render_id: str) -> Export:
        """This token's render; 1002 for anything else (REN-8)."""
        export = self._kept.find(token.id, render_id)
        if export is None:
            raise ContractError(Code.SESSION_NOT_FOUND, f"Render not found: {render_id}")
        return export

    def cancel(self, export: Export) -> None:
        """Stop a render that is not finished; it is failed, as cancelled (REN-8)."""
        self._kept.fail(export, _CANCELLED)
        task = self._running.get(export.file_id)
        if task is not None:
            task.cancel()

    def newest_completed(self, session_id: str) -> Export | None:
        """The last finished render of a session."""
        return self._kept.newest_completed(session_id)

    def path(self, export: Export) -> Path:
        """Where the file of a finished render lies."""
        return data_folder.own_path(self._core.store.renders, f"{export.file_id}.mp4")

    def url(self, export: Export, base_url: str) -> str:
        """Where the file of a finished render is fetched, without a token (REN-8)."""
        return f"{base_url}{CDN}/renders/{export.file_id}.mp4"

    def status(self, export: Export, base_url: str) -> RenderStatus:
        """The render as the contract shows it (REN-4)."""
        if export.result is None:
            return RenderStatus(export.id, export.status, export.progress, error=export.error)
        result = decode_json(export.result, type=RenderResult)
        url = self.url(export, base_url)
        output = RenderOutput(url, round(result.duration, 3), result.size)
        return RenderStatus(
            export.id, export.status, export.progress, output, warnings=result.warnings
        )

    def _start(self, export: Export) -> None:
        task = self._background.start(
            export.session_id, self._run(export), on_defect=lambda: self._kept.fail(export, _DEFECT)
        )
        self._running[export.file_id] = task
        task.add_done_callback(lambda _: self._running.pop(export.file_id, None))

    async def _run(self, export: Export) -> None:
        async with self._session_locks[export.session_id]:  # one active export per session (REN-8)
            await self._wait_in_queue(export)
            await persist(lambda: self._kept.begin(export))
            try:
                result = await self._render(export)
            except (DraftRejected, RenderFailed) as error:
                reason = str(error)
                await persist(lambda: self._kept.fail(export, reason))
            except asyncio.CancelledError:
                # It may have been rendered in this very moment: nobody will ask for its file.
                with contextlib.suppress(OSError):
                    self.path(export).unlink(missing_ok=True)
                raise
            else:
                await persist(lambda: self._kept.complete(export, encode_json(result).decode()))
                self._core.store.on_growth(result.size)

    async def _wait_in_queue(self, export: Export) -> None:
        """Be as slow as the cloud, where the settings ask for that (REN-10)."""
        seconds = self._core.draw.between(*self._core.settings.render_queue, "queue", export.id)
        if seconds:
            await self._core.clock.sleep(seconds)

    async def _render(self, export: Export) -> RenderResult:
        await self._faults.play(
            export.token_id, export.id, lambda percent: self._kept.advance(export, percent)
        )
        plan = await plan_draft(
            decode_json(export.draft),
            self._core.assets.sources(export.session_id),
            decode_json(export.output, type=OutputSpec),
        )
        # The task of this render ends with it, and so does what it says of itself.
        OWNER.set(str(export.token_id))
        return await self._execute(
            plan, self.path(export), lambda percent: self._kept.advance(export, percent)
        )
