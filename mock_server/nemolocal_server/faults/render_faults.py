"""Faults that follow a render from its submission to its download, across restarts too."""

import asyncio
from collections.abc import Callable

import msgspec

from nemolocal_contract.envelope import decode_json
from nemolocal_render.job import RenderFailed

from ..store import Store
from .catalogue import CATALOGUE, Active, Stuck

_FOLLOWING = ("render-fails-once", "render-stuck", "url-gone", "truncated-download")


class _Row(msgspec.Struct, frozen=True):
    name: str
    args: str


class RenderFaults:
    """What was in force when a render was submitted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def attach(self, token_id: int, render_id: str, faults: tuple[Active, ...]) -> None:
        """Let those of the faults that concern a render follow this one."""
        for fault in faults:
            if fault.name in _FOLLOWING:
                self._store.execute(
                    "INSERT INTO render_faults VALUES (:token, :render, :name, :args)",
                    token=token_id,
                    render=render_id,
                    name=fault.name,
                    args=fault.to_json(),
                )

    async def play(self, token_id: int, render_id: str, on_progress: Callable[[int], None]) -> None:
        """Fail with `RenderFailed`, or never end, where a render is to do so."""
        for fault in self.of_render(token_id, render_id):
            if fault.name == "render-fails-once":
                raise RenderFailed("the renderer ran out of memory")
            if isinstance(fault.args, Stuck):
                on_progress(fault.args.progress)
                await asyncio.Event().wait()

    def of_render(self, token_id: int, render_id: str) -> tuple[Active, ...]:
        """What follows this render."""
        rows = self._store.all(
            _Row,
            "SELECT name, args FROM render_faults WHERE token_id = :token AND render_id = :render",
            token=token_id,
            render=render_id,
        )
        return tuple(_active(row) for row in rows)

    def of_file(self, file_id: str) -> tuple[Active, ...]:
        """What follows the render that made this file."""
        rows = self._store.all(
            _Row,
            """SELECT name, args FROM render_faults JOIN renders
               ON renders.token_id = render_faults.token_id AND renders.id = render_id
               WHERE file_id = :file""",
            file=file_id,
        )
        return tuple(_active(row) for row in rows)


def _active(row: _Row) -> Active:
    return Active(row.name, CATALOGUE[row.name].read_args(decode_json(row.args)))
