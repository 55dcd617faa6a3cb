"""Exports: accepted with a checked draft, rendered one at a time per session, never going back.

A render belongs to its token (REN-8), is free (REN-3), and survives a restart of the server: what
was pending or processing is taken up again.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from nemolocal_contract.draft import Draft
from nemolocal_contract.endpoints import RenderRequest
from nemolocal_contract.media import Resolution
from nemolocal_contract.responses import (
    RenderOutput,
    RenderStatus,
    ResponseCode,
    decode_json,
    encode_json,
)
from nemolocal_render.job import RenderJobFailed, RenderResult
from nemolocal_render.planning.draft_reader import read_draft
from nemolocal_render.planning.planner import (
    DraftRejected,
    MediaSource,
    OutputSpec,
    RenderPlan,
    plan_render,
)

from .. import ids
from ..background_tasks import SessionTasks, write_with_retry
from ..context import ServerContext
from ..data import data_folder
from ..data.assets import CDN_PATH
from ..data.sessions import SessionRecord
from ..data.tokens import TokenRecord
from ..errors import ContractError, bad_request
from ..fair_semaphore import CURRENT_OWNER
from ..faults.render_faults import RenderFaults
from .export_repository import ExportRecord, ExportRepository
from .render_executor import RenderExecutor

_DEFECT = "internal error of the local server; its log says more"
_CANCELLED = "cancelled"
# What takes longer to plan than some milliseconds has more segments and effects than this.
_SMALL = 50


class ExportService:
    """The renders of all tokens and the queue that works them off."""

    def __init__(self, core: ServerContext, execute: RenderExecutor) -> None:
        self._context = core
        self._execute = execute
        self._repository = ExportRepository(core.store, core.clock)
        self._faults = RenderFaults(core.store)
        self._session_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks = SessionTasks()
        self._tasks_by_file: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """Take up what an earlier process left unfinished, in the order in which it came."""
        for export in self._repository.unfinished():
            self._start(export)

    async def close(self) -> None:
        """Stop the renders that run; the next start takes them up again."""
        await self._tasks.close()

    @property
    def running_count(self) -> int:
        """How many renders are queued or under way."""
        return self._tasks.running_count

    @property
    def active_sessions(self) -> set[str]:
        """The sessions for which something runs or waits."""
        return self._tasks.active_sessions

    async def stop(self, sessions: Collection[str]) -> bool:
        """Stop the renders of these sessions, which are about to be forgotten; were there any?"""
        return await self._tasks.stop(sessions)

    async def submit(
        self,
        token: TokenRecord,
        session: SessionRecord,
        request: RenderRequest,
        resolution: Resolution,
    ) -> ExportRecord:
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
            plan = await _plan(
                request.draft, self._context.assets.render_sources(session.id), output
            )
        except DraftRejected as error:
            raise bad_request(str(error)) from error
        # Another request may have taken the id, or forgotten the session, while this one planned.
        self._require_new(token, request.id)
        self._context.sessions.find(token, session.id)
        stored = self._context.store.known_tokens.redact_json(request.draft)
        export = ExportRecord(
            token_id=token.id,
            id=request.id,
            session_id=session.id,
            status="pending",
            progress=0,
            draft=encode_json(stored).decode(),
            output=encode_json(output).decode(),
            file_id=ids.new_file_id(),
        )
        self._repository.add(export)
        # No token is ever rendered: where one was taken out, another plan is needed.
        self._start(export, plan if stored == request.draft else None)
        return export

    def _require_new(self, token: TokenRecord, render_id: str) -> None:
        if self._repository.find(token.id, render_id) is not None:
            raise bad_request(f"duplicate id {render_id!r}: submit again with a new id")

    def find(self, token: TokenRecord, render_id: str) -> ExportRecord:
        """This token's render; 1002 for anything else (REN-8)."""
        export = self._repository.find(token.id, render_id)
        if export is None:
            raise ContractError(ResponseCode.SESSION_NOT_FOUND, f"Render not found: {render_id}")
        return export

    def cancel(self, export: ExportRecord) -> None:
        """Stop a render that is not finished; it is failed, as cancelled (REN-8)."""
        self._repository.fail(export, _CANCELLED)
        task = self._tasks_by_file.get(export.file_id)
        if task is not None:
            task.cancel()

    def newest_completed(self, session_id: str) -> ExportRecord | None:
        """The last finished render of a session."""
        return self._repository.newest_completed(session_id)

    def file_path(self, export: ExportRecord) -> Path:
        """Where the file of a finished render lies."""
        return data_folder.checked_path(self._context.store.renders, f"{export.file_id}.mp4")

    def file_url(self, export: ExportRecord, base_url: str) -> str:
        """Where the file of a finished render is fetched, without a token (REN-8)."""
        return f"{base_url}{CDN_PATH}/renders/{export.file_id}.mp4"

    def status(self, export: ExportRecord, base_url: str) -> RenderStatus:
        """The render as the contract shows it (REN-4)."""
        if export.result is None:
            return RenderStatus(export.id, export.status, export.progress, error=export.error)
        result = decode_json(export.result, type=RenderResult)
        url = self.file_url(export, base_url)
        output = RenderOutput(url, round(result.duration, 3), result.size)
        return RenderStatus(
            export.id, export.status, export.progress, output, warnings=result.warnings
        )

    def _start(self, export: ExportRecord, plan: RenderPlan | None = None) -> None:
        """Render in the background; what has no plan, of an earlier process, is planned again."""
        task = self._tasks.start(
            export.session_id,
            self._run(export, plan),
            on_defect=lambda: self._repository.fail(export, _DEFECT),
        )
        self._tasks_by_file[export.file_id] = task
        task.add_done_callback(lambda _: self._tasks_by_file.pop(export.file_id, None))

    async def _run(self, export: ExportRecord, plan: RenderPlan | None) -> None:
        async with self._session_locks[export.session_id]:  # one active export per session (REN-8)
            await self._wait_in_queue(export)
            await write_with_retry(lambda: self._repository.mark_processing(export))
            try:
                result = await self._render(export, plan)
            except (DraftRejected, RenderJobFailed) as error:
                reason = str(error)
                await write_with_retry(lambda: self._repository.fail(export, reason))
            except asyncio.CancelledError:
                # It may have been rendered in this very moment: nobody will ask for its file.
                with contextlib.suppress(OSError):
                    self.file_path(export).unlink(missing_ok=True)
                raise
            else:
                await write_with_retry(
                    lambda: self._repository.complete(export, encode_json(result).decode())
                )
                self._context.store.on_growth(result.size)

    async def _wait_in_queue(self, export: ExportRecord) -> None:
        """Be as slow as the cloud, where the settings ask for that (REN-10)."""
        seconds = self._context.rng.uniform(
            *self._context.settings.render_queue, "queue", export.id
        )
        if seconds:
            await self._context.clock.sleep(seconds)

    async def _render(self, export: ExportRecord, plan: RenderPlan | None) -> RenderResult:
        await self._faults.apply(
            export.token_id,
            export.id,
            lambda percent: self._repository.set_progress(export, percent),
        )
        if plan is None:
            plan = await _plan(
                decode_json(export.draft),
                self._context.assets.render_sources(export.session_id),
                decode_json(export.output, type=OutputSpec),
            )
        # The task of this render ends with it, and so does what it says of itself.
        CURRENT_OWNER.set(str(export.token_id))
        return await self._execute(
            plan,
            self.file_path(export),
            lambda percent: self._repository.set_progress(export, percent),
        )


async def _plan(
    wire: Mapping[str, Any], sources: Mapping[str, MediaSource], output: OutputSpec
) -> RenderPlan:
    """The plan of a draft as it is on the wire; raises DraftRejected (REN-9).

    A large one is planned in a thread, so that nobody else has to wait.
    """
    draft = read_draft(wire)
    if _size(draft) <= _SMALL:
        return plan_render(draft, sources, output)
    return await asyncio.to_thread(plan_render, draft, sources, output)


def _size(draft: Draft) -> int:
    segments = [segment for track in draft.tracks or () for segment in track.segments or ()]
    return len(segments) + sum(len(segment.effects or ()) for segment in segments)
