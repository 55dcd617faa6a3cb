"""Edits of the whole project: aspect ratio, resolution, frame rate, compression, start over."""

from typing import Any

import msgspec

from nemolocal_contract.draft import Draft, Metadata

from ..errors import EditRejected
from ..intents import Compress, SetAspect, SetFit, SetFrameRate, SetResolution, StartOver
from ..timeline import MediaPool, is_known_track, with_segments

_SHORT_SIDE = 1080
_MAX_ASPECT_RATIO = 4
_MAX_FPS = 60
_MAX_MEGABYTES = 100_000
_replace = msgspec.structs.replace


def set_aspect(draft: Draft, edit: SetAspect, _: MediaPool) -> Draft:
    """Set the aspect ratio; the short side is 1080 pixels long."""
    width, height = edit.width, edit.height
    short, long = sorted((width, height))
    if short < 1 or long > _MAX_ASPECT_RATIO * short:
        raise EditRejected("bad_shape", width=width, height=height)
    long_side = round(_SHORT_SIDE * long / short / 2) * 2
    size = (_SHORT_SIDE, long_side) if width < height else (long_side, _SHORT_SIDE)
    return _with_metadata(draft, width=size[0], height=size[1], fit=edit.fit or "crop")


def set_fit(draft: Draft, edit: SetFit, _: MediaPool) -> Draft:
    """Set how clips with another aspect ratio fill the frame."""
    return _with_metadata(draft, fit=edit.fit)


def set_resolution(draft: Draft, edit: SetResolution, _: MediaPool) -> Draft:
    """Set the resolution of the export."""
    return _with_metadata(draft, resolution=edit.resolution)


def set_frame_rate(draft: Draft, edit: SetFrameRate, _: MediaPool) -> Draft:
    """Set the frame rate of the export."""
    if not 1 <= edit.fps <= _MAX_FPS:
        raise EditRejected("bad_frame_rate", fps=edit.fps, most=_MAX_FPS)
    return _with_metadata(draft, fps=edit.fps)


def set_compression(draft: Draft, edit: Compress, _: MediaPool) -> Draft:
    """Set how the export is compressed."""
    compression: dict[str, object] = {"mode": edit.mode}
    if edit.mode == "size":
        if edit.megabytes is None or not edit.megabytes > 0:
            raise EditRejected("how_small")
        if edit.megabytes > _MAX_MEGABYTES:
            raise EditRejected("bad_size", most=_MAX_MEGABYTES)
        compression["megabytes"] = edit.megabytes
    elif edit.mode == "quality":
        compression["quality"] = edit.quality or "medium"
    return _with_metadata(draft, compression=compression)


def _with_metadata(draft: Draft, **changes: Any) -> Draft:
    return _replace(draft, metadata=_replace(draft.metadata or Metadata(), **changes))


def start_over(draft: Draft, _: StartOver, __: MediaPool) -> Draft:
    """Empty the timeline and reset the format; the title of the project stays."""
    after = draft
    for track in draft.tracks or ():
        if is_known_track(track):
            after = with_segments(after, track, [])
    if draft.metadata is not None:
        bare = Metadata(title=draft.metadata.title, extra=draft.metadata.extra)
        after = _replace(after, metadata=bare)
    if after == draft:
        raise EditRejected("empty_already")
    return after
