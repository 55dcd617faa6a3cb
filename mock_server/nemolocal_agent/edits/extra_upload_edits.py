"""Edits that use uploaded LUTs and subtitle files."""

from collections.abc import Iterable

from nemolocal_contract.draft import Draft
from nemolocal_contract.effects import Lut
from nemolocal_contract.media import FileKind

from ..analyses import Subtitles, SubtitlesRequest
from ..errors import EditRejected
from ..intents import AddSubtitleFile, AddSubtitles, ApplyEffect, ApplyLut, Edit, Selector
from ..timeline import Media, MediaPool, find_uploads
from .effect_edits import apply_effect
from .title_edits import add_subtitles


def apply_lut(draft: Draft, edit: ApplyLut, media_pool: MediaPool) -> Draft:
    """Apply an uploaded LUT to the selected clips."""
    table = _find_one("lut", edit.name, media_pool)
    effect = Lut(table.id, edit.amount)
    return apply_effect(draft, ApplyEffect(effect, edit.selector), media_pool)


def add_subtitle_file(draft: Draft, edit: AddSubtitleFile, media_pool: MediaPool) -> Draft:
    """Add the subtitles of an upload, instead of existing ones."""
    return add_subtitles(draft, _subtitles_of(edit, media_pool), media_pool)


def with_subtitles(edits: Iterable[Edit], media_pool: MediaPool) -> tuple[Edit, ...]:
    """The edits with the subtitles of files as if a message had given them, for the reply."""
    return tuple(
        _subtitles_of(edit, media_pool) if isinstance(edit, AddSubtitleFile) else edit
        for edit in edits
    )


def _subtitles_of(edit: AddSubtitleFile, media_pool: MediaPool) -> AddSubtitles:
    file = _find_one("subtitles", edit.name, media_pool)
    found = media_pool.analyses.get((file.id, SubtitlesRequest()))
    if not isinstance(found, Subtitles):
        raise EditRejected("unreadable_subtitles", name=file.filename)
    return AddSubtitles(found.cues, file.filename)


def _find_one(kind: FileKind, name: str | None, media_pool: MediaPool) -> Media:
    """Return the upload of this kind with this name, or the only one."""
    files = [media for media in media_pool.extras if media.kind == kind]
    if not files:
        raise EditRejected("no_lut" if kind == "lut" else "no_subtitle_file")
    if name is None and len(files) > 1:
        raise EditRejected("which_upload", names=[media.filename for media in files])
    return find_uploads(files, Selector(name=name))[0]
