"""The versions of a draft, and undo and redo. Pure functions.

Every version is kept, the newest one counts. Undo adds a version with the content of an older one,
which points back to the undone version, so that an undo can be redone. All edits of a message, and
both stages of a generation, are one step. Each step of an undo or redo is a version of its own.
Uploads that an edit placed on an empty timeline are a separate step before it: to undo a trim does
not remove the clip.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from nemolocal_contract.draft import Draft

from .errors import EditRejected
from .intents import Edit, Redo, Undo

_Find = Callable[[int], "DraftVersion"]
_Apply = Callable[[Sequence[Edit], Draft], Draft]
_PlaceUploads = Callable[[Sequence[Edit], Draft], Draft | None]


class DraftVersion(msgspec.Struct, frozen=True):
    """A version of the draft; the numbers of a session start at 1.

    `turn` is the turn that made it (None for the initial draft), `undo_to` and `redo_to` are the
    versions that undo and redo go to.
    """

    number: int
    draft: Draft
    turn: int | None = None
    undo_to: int | None = None
    redo_to: int | None = None


def is_undo_or_redo(edit: Edit) -> bool:
    """Whether the edit is an undo or a redo."""
    return isinstance(edit, Undo | Redo)


def _place_no_uploads(edits: Sequence[Edit], draft: Draft) -> None:
    del edits, draft


def build_versions(
    edits: Iterable[Edit],
    newest: DraftVersion,
    turn: int,
    find: _Find,
    apply: _Apply,
    place_uploads: _PlaceUploads = _place_no_uploads,
) -> list[DraftVersion]:
    """The versions that a turn adds, of which the last one counts; raises `EditRejected`.

    `newest` is the current version, `find` returns an older one by its number, `apply` edits a
    draft, and `place_uploads` returns the draft with the uploads that these edits place by
    themselves, or None. Undo after other edits of the same message undoes those first.
    """
    return _VersionBuilder(newest, turn, find, apply, place_uploads).build(edits)


class _VersionBuilder:
    def __init__(
        self,
        newest: DraftVersion,
        turn: int,
        find: _Find,
        apply: _Apply,
        place_uploads: _PlaceUploads,
    ) -> None:
        self._turn = turn
        self._find_old = find
        self._apply = apply
        # Uploads placed by a later stage belong to the same step.
        self._place_uploads = _place_no_uploads if newest.turn == turn else place_uploads
        # All stages and versions of a turn are one undo step.
        self._before = newest.undo_to if newest.turn == turn else newest.number
        self._newest = newest
        self._added: list[DraftVersion] = []

    def build(self, edits: Iterable[Edit]) -> list[DraftVersion]:
        waiting: list[Edit] = []
        for edit in edits:
            if isinstance(edit, Undo | Redo):
                self._edit(waiting)
                waiting = []
                self._step(edit)
            else:
                waiting.append(edit)
        self._edit(waiting)
        return self._added

    def _edit(self, edits: Sequence[Edit]) -> None:
        if not edits:
            return
        placed = self._place_uploads(edits, self._newest.draft)
        if placed is not None:
            self._add(placed, self._before, None)
            self._before = self._newest.number
        self._add(self._apply(edits, self._newest.draft), self._before, None)

    def _step(self, edit: Undo | Redo) -> None:
        backwards = isinstance(edit, Undo)
        for done in range(max(edit.steps, 1)):
            to = self._newest.undo_to if backwards else self._newest.redo_to
            if to is None:
                word = "undo" if backwards else "redo"
                raise EditRejected(f"few_to_{word}" if done else f"nothing_to_{word}", count=done)
            target = self._find(to)
            redo_to = self._newest.number if backwards else target.redo_to
            self._add(target.draft, target.undo_to, redo_to)

    def _find(self, number: int) -> DraftVersion:
        added = (version for version in self._added if version.number == number)
        return next(added, None) or self._find_old(number)

    def _add(self, draft: Draft, undo_to: int | None, redo_to: int | None) -> None:
        number = self._newest.number + 1
        self._newest = DraftVersion(number, draft, self._turn, undo_to, redo_to)
        self._added.append(self._newest)
