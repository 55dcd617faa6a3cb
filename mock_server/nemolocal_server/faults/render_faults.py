"""Faults that follow a render from its submission to its download, across restarts too."""

import asyncio
from collections.abc import Callable

import msgspec

from nemolocal_contract.responses import decode_json
from nemolocal_render.job import RenderJobFailed

from ..data.store import Store
from .catalogue import CATALOGUE, ActiveFault, StuckRenderArgs

_RENDER_FAULTS = ("render-fails-once", "render-stuck", "url-gone", "truncated-download")


class _RenderFaultRow(msgspec.Struct, frozen=True):
    name: str
    args: str


class RenderFaults:
    """What was in force when a render was submitted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def attach(self, token_id: int, render_id: str, faults: tuple[ActiveFault, ...]) -> None:
        """Let those of the faults that concern a render follow this one."""
        for fault in faults:
            if fault.name in _RENDER_FAULTS:
                self._store.execute(
                    "INSERT INTO render_faults VALUES (:token, :render, :name, :args)",
                    token=token_id,
                    render=render_id,
                    name=fault.name,
                    args=fault.args_json(),
                )

    async def apply(
        self, token_id: int, render_id: str, on_progress: Callable[[int], None]
    ) -> None:
        """Fail with `RenderJobFailed`, or never end, where a render is to do so."""
        for fault in self.find_for_render(token_id, render_id):
            if fault.name == "render-fails-once":
                raise RenderJobFailed("the renderer ran out of memory")
            if isinstance(fault.args, StuckRenderArgs):
                on_progress(fault.args.progress)
                await asyncio.Event().wait()

    def find_for_render(self, token_id: int, render_id: str) -> tuple[ActiveFault, ...]:
        """What follows this render."""
        rows = self._store.fetch_all(
            _RenderFaultRow,
            "SELECT name, args FROM render_faults WHERE token_id = :token AND render_id = :render",
            token=token_id,
            render=render_id,
        )
        return tuple(_active(row) for row in rows)

    def find_for_file(self, file_id: str) -> tuple[ActiveFault, ...]:
        """What follows the render that made this file."""
        rows = self._store.fetch_all(
            _RenderFaultRow,
            """SELECT name, args FROM render_faults JOIN renders
               ON renders.token_id = render_faults.token_id AND renders.id = render_id
               WHERE file_id = :file""",
            file=file_id,
        )
        return tuple(_active(row) for row in rows)


def _active(row: _RenderFaultRow) -> ActiveFault:
    return ActiveFault(row.name, CATALOGUE[row.name].parse_args(decode_json(row.args)))
