"""The project as a whole: shape, size, frame rate, compression, starting over."""

import msgspec

from nemolocal_contract.draft import Draft, Metadata

from ..intents import Compress, SetAspect, SetFit, SetFrameRate, SetResolution, StartOver
from ..problems import CannotEdit
from ..timeline import is_known, with_segments
from .material import Material

_SHORT_SIDE = 1080
_LONGEST_SHAPE = 4
_MOST_FPS = 60
_MOST_MEGABYTES = 100_000
_replace = msgspec.structs.replace


def set_aspect(draft: Draft, edit: SetAspect, _: Material) -> Draft:
    """Another shape, its short side 1080 pixels long."""
    width, height = edit.width, edit.height
    short, long = sorted((width, height))
    if short < 1 or long > _LONGEST_SHAPE * short:
        raise CannotEdit("bad_shape", width=width, height=height)
    long_side = round(_SHORT_SIDE * long / short / 2) * 2
    size = (_SHORT_SIDE, long_side) if width < height else (long_side, _SHORT_SIDE)
    metadata = draft.metadata or Metadata()
    fit = edit.fit or "crop"
    return _replace(draft, metadata=_replace(metadata, width=size[0], height=size[1], fit=fit))


def set_fit(draft: Draft, edit: SetFit, _: Material) -> Draft:
    """How clips of another shape fill the picture."""
    return _replace(draft, metadata=_replace(draft.metadata or Metadata(), fit=edit.fit))


def set_resolution(draft: Draft, edit: SetResolution, _: Material) -> Draft:
    """How large the export is."""
    metadata = draft.metadata or Metadata()
    return _replace(draft, metadata=_replace(metadata, resolution=edit.resolution))


def set_frame_rate(draft: Draft, edit: SetFrameRate, _: Material) -> Draft:
    """Pictures a second."""
    if not 1 <= edit.fps <= _MOST_FPS:
        raise CannotEdit("bad_frame_rate", fps=edit.fps, most=_MOST_FPS)
    return _replace(draft, metadata=_replace(draft.metadata or Metadata(), fps=edit.fps))


def compress(draft: Draft, edit: Compress, _: Material) -> Draft:
    """A smaller export: its mode, and what the mode needs to know."""
    compression: dict[str, object] = {"mode": edit.mode}
    if edit.mode == "size":
        if edit.megabytes is None or not edit.megabytes > 0:
            raise CannotEdit("how_small")
        if edit.megabytes > _MOST_MEGABYTES:
            raise CannotEdit("bad_size", most=_MOST_MEGABYTES)
        compression["megabytes"] = edit.megabytes
    elif edit.mode == "quality":
        compression["quality"] = edit.quality or "medium"
    metadata = draft.metadata or Metadata()
    return _replace(draft, metadata=_replace(metadata, compression=compression))


def start_over(draft: Draft, _: StartOver, __: Material) -> Draft:
    """An empty timeline in the usual shape; what the project is called stays."""
    after = draft
    for track in draft.tracks or ():
        if is_known(track):
            after = with_segments(after, track, [])
    if draft.metadata is not None:
        bare = Metadata(title=draft.metadata.title, extra=draft.metadata.extra)
        after = _replace(after, metadata=bare)
    if after == draft:
        raise CannotEdit("empty_already")
    return after
