"""Exports: checked, stored, queued and rendered, one at a time per session.

A render belongs to its token (REN-8), is free (REN-3) and survives a restart of the server: pending
and running renders start again. Their status and progress never go back (REN-5).
"""

import asyncio
import contextlib
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.draft import Draft
from nemolocal_contract.endpoints import RenderRequest
from nemolocal_contract.media import Resolution
from nemolocal_contract.responses import (
    RenderOutput,
    RenderState,
    RenderStatus,
    ResponseCode,
    decode_json,
    encode_json,
)
from nemolocal_render.job import RenderJobFailed, RenderResult
from nemolocal_render.planning.draft_limits import read_draft
from nemolocal_render.planning.planner import (
    DraftRejected,
    MediaSource,
    OutputSpec,
    RenderPlan,
    plan_render,
)
from nemolocal_render.render_log import CURRENT_LOG, RenderLog

from .. import ids
from ..background_tasks import SessionTasks, write_with_retry
from ..context import ServerContext
from ..data.sessions import CDN_PATH, SessionRecord, touch_session
from ..data.storage_errors import STORAGE_ERRORS
from ..data.store import Store
from ..data.tokens import TokenRecord
from ..errors import ContractError, bad_request
from ..fair_semaphore import CURRENT_OWNER
from ..faults.render_faults import RenderFaults
from .render_executor import RenderExecutor

_DEFECT = "internal error of the local server; its log says more"
_CANCELLED = "cancelled"
# A draft with more segments and effects takes longer than some milliseconds to plan.
_SMALL_DRAFT = 50
_MAX_LOGS = 100
_COLUMNS = "token_id, id, session_id, status, progress, draft, output, file_id, result, error"


class ExportRecord(msgspec.Struct, frozen=True):
    """A render; `draft`, `output` and `result` are JSON, `progress` is in percent."""

    token_id: int
    id: str
    session_id: str
    status: RenderState
    progress: int
    draft: str
    output: str
    file_id: str
    result: str | None = None
    error: str | None = None


class ExportRepository:
    """The exports of a store. Those that have ended do not change any more."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, token_id: int, render_id: str) -> ExportRecord | None:
        """The render of this token with this id."""
        return self._store.fetch_one(
            ExportRecord,
            f"SELECT {_COLUMNS} FROM renders WHERE token_id = :token AND id = :id",
            token=token_id,
            id=render_id,
        )

    def find_by_file(self, file_id: str) -> ExportRecord | None:
        """The render of any token with this file id."""
        return self._store.fetch_one(
            ExportRecord, f"SELECT {_COLUMNS} FROM renders WHERE file_id = :file", file=file_id
        )

    def unfinished(self) -> list[ExportRecord]:
        """Pending and running renders, oldest first."""
        return self._store.fetch_all(
            ExportRecord,
            f"""SELECT {_COLUMNS} FROM renders WHERE status IN ('pending', 'processing')
                ORDER BY rowid""",
        )

    def newest_completed(self, session_id: str) -> ExportRecord | None:
        """The render of a session that was completed last."""
        return self._store.fetch_one(
            ExportRecord,
            f"""SELECT {_COLUMNS} FROM renders WHERE session_id = :session
                AND status = 'completed' ORDER BY completed DESC, rowid DESC LIMIT 1""",
            session=session_id,
        )

    def add(self, export: ExportRecord) -> None:
        """Add a render."""
        names = ", ".join(f":{name}" for name in ExportRecord.__struct_fields__)
        self._store.execute(
            f"INSERT INTO renders ({_COLUMNS}, created) VALUES ({names}, :created)",
            **msgspec.structs.asdict(export),
            created=self._clock.time(),
        )
        touch_session(self._store, export.session_id)
        self._note(export)

    def mark_processing(self, export: ExportRecord) -> None:
        """The render is running."""
        self._update(export, "status = 'processing'")

    def set_progress(self, export: ExportRecord, percent: int) -> None:
        """Record progress; a render that starts again after a restart does not fall back."""
        # A failed write must not end the render: more progress will come.
        with contextlib.suppress(*STORAGE_ERRORS):
            self._update(export, "progress = max(progress, :percent)", percent=min(percent, 99))

    def complete(self, export: ExportRecord, result: str) -> None:
        """The file is complete; `result` is JSON."""
        self._end(export, "status = 'completed', progress = 100, result = :result", result=result)

    def fail(self, export: ExportRecord, error: str) -> None:
        """The render has failed with this error."""
        self._end(export, "status = 'failed', error = :error", error=error)

    def _end(self, export: ExportRecord, assignments: str, **values: Any) -> None:
        self._update(export, f"{assignments}, completed = :now", now=self._clock.time(), **values)

    def _update(self, export: ExportRecord, assignments: str, **values: Any) -> None:
        self._store.execute(
            f"""UPDATE renders SET {assignments} WHERE token_id = :token AND id = :id
                AND status IN ('pending', 'processing')""",
            token=export.token_id,
            id=export.id,
            **values,
        )
        self._note(export)

    def _note(self, export: ExportRecord) -> None:
        self._store.changes.note("render", export.file_id)
        self._store.changes.note("session", export.session_id)


class ExportService:
    """The renders of all tokens, and the tasks that run them."""

    def __init__(self, context: ServerContext, execute: RenderExecutor) -> None:
        self._context = context
        self._execute = execute
        self._repository = ExportRepository(context.store, context.clock)
        self._faults = RenderFaults(context.store)
        self._session_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.tasks = SessionTasks()
        self._tasks_by_file: dict[str, asyncio.Task[None]] = {}
        self._logs: OrderedDict[str, RenderLog] = OrderedDict()

    def use_executor(self, execute: RenderExecutor) -> None:
        """Run the renders that begin from now on with another executor."""
        self._execute = execute

    def resume(self) -> None:
        """Start the renders again that an earlier process did not finish, oldest first."""
        for export in self._repository.unfinished():
            self._start(export)

    async def submit(
        self,
        token: TokenRecord,
        session: SessionRecord,
        request: RenderRequest,
        resolution: Resolution,
    ) -> ExportRecord:
        """Queue a render; raises 400 with the path of the field for an invalid draft (REN-9)."""
        self._require_new(token, request.id)
        wanted = request.output
        # The request's output takes precedence over the draft's, and that over the skill's default.
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
        # During planning another request may have used the id or deleted the session.
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
        # A token must not be rendered: if one was removed, the draft is planned again.
        self._start(export, plan if stored == request.draft else None)
        return export

    def _require_new(self, token: TokenRecord, render_id: str) -> None:
        if self._repository.find(token.id, render_id) is not None:
            raise bad_request(f"duplicate id {render_id!r}: submit again with a new id")

    def find(self, token: TokenRecord, render_id: str) -> ExportRecord:
        """A render of this token; raises 1002 for any other (REN-8)."""
        export = self._repository.find(token.id, render_id)
        if export is None:
            raise ContractError(ResponseCode.SESSION_NOT_FOUND, f"Render not found: {render_id}")
        return export

    def find_by_file(self, file_id: str) -> ExportRecord | None:
        """The render of any token with this file id: only for the control API."""
        return self._repository.find_by_file(file_id)

    def log_of(self, export: ExportRecord) -> RenderLog | None:
        """The log of a render that this process has begun; those of the last 100 are kept."""
        return self._logs.get(export.file_id)

    async def plan_again(self, export: ExportRecord) -> RenderPlan:
        """Plan a stored render; raises `DraftRejected` if that is no longer possible."""
        return await _plan(
            decode_json(export.draft),
            self._context.assets.render_sources(export.session_id),
            decode_json(export.output, type=OutputSpec),
        )

    def cancel(self, export: ExportRecord) -> None:
        """Stop a render; unless it has ended, it fails with `cancelled` (REN-8)."""
        self._repository.fail(export, _CANCELLED)
        task = self._tasks_by_file.get(export.file_id)
        if task is not None:
            task.cancel()

    def newest_completed(self, session_id: str) -> ExportRecord | None:
        """The render of a session that was completed last."""
        return self._repository.newest_completed(session_id)

    def file_path(self, export: ExportRecord) -> Path:
        """The path of the rendered file."""
        return self._context.store.render_path(export.file_id)

    def file_url(self, export: ExportRecord, base_url: str) -> str:
        """The URL of the rendered file, which needs no token (REN-8)."""
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
        """Render in the background; without a plan the stored draft is planned."""
        task = self.tasks.start(
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
                # The file may just be complete; nobody will ask for it.
                with contextlib.suppress(OSError):
                    self.file_path(export).unlink(missing_ok=True)
                raise
            else:
                await write_with_retry(
                    lambda: self._repository.complete(export, encode_json(result).decode())
                )
                self._context.store.on_growth(result.size)

    async def _wait_in_queue(self, export: ExportRecord) -> None:
        """Wait as long as in the queue of the cloud, if the settings say so (REN-10)."""
        seconds = self._context.rng.uniform(
            *self._context.settings.render_queue, "queue", export.id
        )
        if seconds:
            await self._context.clock.sleep(seconds)

    async def _render(self, export: ExportRecord, plan: RenderPlan | None) -> RenderResult:
        def set_progress(percent: int) -> None:
            self._repository.set_progress(export, percent)

        await self._faults.apply(export.token_id, export.id, set_progress)
        if plan is None:
            plan = await self.plan_again(export)
        # Each render has its own task, so these end with it.
        CURRENT_OWNER.set(str(export.token_id))
        CURRENT_LOG.set(self._new_log(export))
        return await self._execute(plan, self.file_path(export), set_progress)

    def _new_log(self, export: ExportRecord) -> RenderLog:
        log = self._logs[export.file_id] = RenderLog(self._context.store.wall_clock.time)
        log.write("waits for a place")
        if len(self._logs) > _MAX_LOGS:
            self._logs.popitem(last=False)
        return log


async def _plan(
    wire: Mapping[str, Any], sources: Mapping[str, MediaSource], output: OutputSpec
) -> RenderPlan:
    """Plan the render of a draft in its wire form; raises DraftRejected (REN-9).

    A large draft is planned in a thread so that other requests do not wait.
    """
    draft = read_draft(wire)
    if _size(draft) <= _SMALL_DRAFT:
        return plan_render(draft, sources, output)
    return await asyncio.to_thread(plan_render, draft, sources, output)


def _size(draft: Draft) -> int:
    segments = [segment for track in draft.tracks or () for segment in track.segments or ()]
    return len(segments) + sum(len(segment.effects or ()) for segment in segments)
