"""Faults of renders, stored from the submission to the download, so that they survive a restart."""

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
    """The faults that were active when a render was submitted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def attach(self, token_id: int, render_id: str, faults: tuple[ActiveFault, ...]) -> None:
        """Store those of the faults that concern renders for this one."""
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
        """Raise `RenderJobFailed`, or never return, if a fault of this render says so."""
        for fault in self.find_for_render(token_id, render_id):
            if fault.name == "render-fails-once":
                raise RenderJobFailed("the renderer ran out of memory")
            if isinstance(fault.args, StuckRenderArgs):
                on_progress(fault.args.progress)
                await asyncio.Event().wait()

    def find_for_render(self, token_id: int, render_id: str) -> tuple[ActiveFault, ...]:
        """Return the faults of this render."""
        rows = self._store.fetch_all(
            _RenderFaultRow,
            "SELECT name, args FROM render_faults WHERE token_id = :token AND render_id = :render",
            token=token_id,
            render=render_id,
        )
        return tuple(_active(row) for row in rows)

    def find_for_file(self, file_id: str) -> tuple[ActiveFault, ...]:
        """Return the faults of the render with this output file."""
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
