"""Stabilization in two passes, and interpolation of frames along movements.

The first pass measures how the camera moves and writes a file; the second one steadies it. Without
that file, `deshake` does both at once, less well.
"""

import re

from ..planning.render_plan import ClipSlice
from .graph_builder import GraphBuilder, Stream

# The search for movements: how much shake is expected, and how exactly it is measured (1 to 15).
_SHAKINESS, _ACCURACY = 8, 9
# Larger frames are blended instead: searching them for movements would take too long.
_MOST_SEARCHED = 1920 * 1088
# Smaller pictures have too few points to follow.
_LEAST_SIDE = 64
_NUMBER = re.compile(r"\d+")


def motion_file(picture: ClipSlice) -> str:
    """Return the name of the file with the movements of a slice; all parts of it are numbers."""
    place = _NUMBER.findall(picture.clip.path)
    return "-".join(["motion", *place, str(picture.first_clip_frame), str(picture.frames)]) + ".trf"


def measure_motion(video: Stream, picture: ClipSlice) -> Stream:
    """Write the movements of the camera to the file of the slice."""
    how = {"shakiness": _SHAKINESS, "accuracy": _ACCURACY}
    return video.filter("vidstabdetect", result=motion_file(picture), **how)


def stabilize(
    video: Stream, picture: ClipSlice, graph: GraphBuilder, size: tuple[int, int]
) -> Stream:
    """Steady the camera in a picture of this size; zooms in as far as the edges would show."""
    amount = picture.clip.stabilization
    if not amount or min(size) < _LEAST_SIDE:
        return video
    if not (graph.motion_measured and picture.clip.has_motion_analysis):
        return video.filter("deshake", edge="mirror")
    smoothing = max(round(amount * float(graph.plan.fps)), 1)
    return video.filter(
        "vidstabtransform",
        input=motion_file(picture),
        smoothing=smoothing,
        optzoom=1,
        interpol="bicubic",
    ).filter("format", "yuv420p")


def interpolate(video: Stream, picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """Compute the frames that the source does not have at the rate of the render."""
    info = picture.clip.source.info
    rate = info.fps * picture.clip.speed
    if min(info.width, info.height) < _LEAST_SIDE:
        return video
    if not picture.clip.is_interpolated or not 0 < rate < float(graph.plan.fps):
        return video
    is_small = info.width * info.height <= _MOST_SEARCHED
    how = {"mi_mode": "mci", "me": "epzs"} if is_small else {"mi_mode": "blend"}
    return video.filter("minterpolate", fps=graph.fps, **how)
