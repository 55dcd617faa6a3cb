"""Exports: accepted with a checked draft, rendered one at a time per session, never going back.

A render belongs to its token (REN-8), is free (REN-3), and survives a restart of the server: what
was pending or processing is taken up again.
"""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.envelope import decode_json, encode_json
from nemolocal_contract.replies import RenderOutput, RenderState, RenderStatus
from nemolocal_contract.requests import OutputRequest, RenderRequest
from nemolocal_render.job import RenderFailed, RenderResult
from nemolocal_render.plan import DraftRejected, OutputSpec, plan_render

from . import ids
from .assets import CDN
from .background import Background
from .core import Core
from .errors import ContractError, bad_request
from .executor import RenderExecutor
from .sessions import Session
from .tokens import Token

_COLUMNS = "token_id, id, session_id, status, progress, draft, output, file_id, result, error"


class Export(msgspec.Struct, frozen=True):
    """A render as it is stored."""

    token_id: int
    id: str
    session_id: str
    status: RenderState
    progress: int
    draft: str
    output: str
    file_id: str
    result: str | None
    error: str | None


class Exports:
    """The renders of all tokens and the queue that works them off."""

    def __init__(self, core: Core, execute: RenderExecutor) -> None:
        self._core = core
        self._execute = execute
        self._session_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._background = Background()

    def resume(self) -> None:
        """Take up what an earlier process left unfinished, in the order in which it came."""
        for export in self._core.store.all(
            Export,
            f"""SELECT {_COLUMNS} FROM renders WHERE status IN ('pending', 'processing')
                ORDER BY rowid""",
        ):
            self._start(export)

    async def close(self) -> None:
        """Stop the renders that run; the next start takes them up again."""
        await self._background.close()

    def submit(
        self, token: Token, session: Session, request: RenderRequest, resolution: str
    ) -> Export:
        """Queue a render; 400 with the path of the field where the draft cannot be one (REN-9)."""
        if self._find(token, request.id) is not None:
            raise bad_request(f"duplicate id {request.id!r}: submit again with a new id")
        output = _output_spec(request.output, resolution)
        try:
            plan_render(
                draft_from_wire(request.draft), self._core.assets.sources(session.id), output
            )
        except DraftRejected as error:
            raise bad_request(str(error)) from error
        export = self._insert(token, session, request, output)
        self._start(export)
        return export

    def find(self, token: Token, render_id: str) -> Export:
        """This token's render; 1002 for anything else (REN-8)."""
        export = self._find(token, render_id)
        if export is None:
            raise ContractError(Code.SESSION_NOT_FOUND, f"Render not found: {render_id}")
        return export

    def path(self, file_id: str) -> Path:
        """Where a finished export lies."""
        return self._core.store.renders / f"{file_id}.mp4"

    def status(self, export: Export, base_url: str) -> RenderStatus:
        """The render as the contract shows it (REN-4)."""
        if export.result is None:
            return RenderStatus(export.id, export.status, export.progress, error=export.error)
        result = decode_json(export.result, type=RenderResult)
        url = f"{base_url}{CDN}/renders/{export.file_id}.mp4"
        output = RenderOutput(url, round(result.duration, 3), result.size)
        return RenderStatus(
            export.id, export.status, export.progress, output, warnings=result.warnings
        )

    def _find(self, token: Token, render_id: str) -> Export | None:
        return self._core.store.one(
            Export,
            f"SELECT {_COLUMNS} FROM renders WHERE token_id = :token AND id = :id",
            token=token.id,
            id=render_id,
        )

    def _insert(
        self, token: Token, session: Session, request: RenderRequest, output: OutputSpec
    ) -> Export:
        export = Export(
            token_id=token.id,
            id=request.id,
            session_id=session.id,
            status="pending",
            progress=0,
            draft=encode_json(request.draft).decode(),
            output=encode_json(output).decode(),
            file_id=ids.new_file_id(),
            result=None,
            error=None,
        )
        names = ", ".join(f":{name}" for name in Export.__struct_fields__)
        self._core.store.execute(
            f"INSERT INTO renders ({_COLUMNS}, created) VALUES ({names}, :created)",
            **msgspec.structs.asdict(export),
            created=self._core.clock.time(),
        )
        return export

    def _start(self, export: Export) -> None:
        defect = "internal error of the local server; its log says more"
        self._background.start(
            self._run(export), on_defect=lambda: self._finish(export, "failed", error=defect)
        )

    async def _run(self, export: Export) -> None:
        async with self._session_locks[export.session_id]:  # one active export per session (REN-8)
            self._update(export, "status = 'processing'")
            try:
                plan = plan_render(
                    draft_from_wire(decode_json(export.draft)),
                    self._core.assets.sources(export.session_id),
                    decode_json(export.output, type=OutputSpec),
                )
                result = await self._execute(
                    plan, self.path(export.file_id), lambda percent: self._progress(export, percent)
                )
            except (DraftRejected, RenderFailed) as error:
                self._finish(export, "failed", error=str(error))
            else:
                self._finish(export, "completed", result=encode_json(result).decode())

    def _progress(self, export: Export, percent: int) -> None:
        # A render taken up after a restart begins anew, but what was shown never falls (REN-5).
        self._update(export, "progress = max(progress, :percent)", percent=min(percent, 99))

    def _finish(
        self, export: Export, status: str, result: str | None = None, error: str | None = None
    ) -> None:
        self._update(
            export,
            """status = :status, result = :result, error = :error, completed = :now,
               progress = CASE WHEN :status = 'completed' THEN 100 ELSE progress END""",
            status=status,
            result=result,
            error=error,
            now=self._core.clock.time(),
        )

    def _update(self, export: Export, assignments: str, **values: Any) -> None:
        self._core.store.execute(
            f"UPDATE renders SET {assignments} WHERE token_id = :token AND id = :id",
            token=export.token_id,
            id=export.id,
            **values,
        )


def _output_spec(output: OutputRequest, resolution: str) -> OutputSpec:
    wanted = cast("Any", output.resolution or resolution)
    return OutputSpec(quality=output.quality, resolution=wanted)
