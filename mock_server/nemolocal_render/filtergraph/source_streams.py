"""The frames of a picture as its source has them: in time, of exact number, not yet changed."""

import math
from typing import NamedTuple

from ..planning.render_plan import ClipSlice
from .graph_builder import GraphBuilder, Stream, decimal

# Seconds read beyond what is needed, so that rounding takes no frame away.
_MARGIN = 0.1
# A share of a frame, more than what rounding makes of times.
_NUDGE = 0.02


class _SourceRange(NamedTuple):
    """Where a picture is in its source, in seconds: opened at `begin`, shown from `start` on for
    `seconds`; `missing` frames before that are not in it."""

    begin: float
    start: float
    seconds: float
    missing: int


def read_still_frame(picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """The one frame of a still."""
    source = picture.clip.source
    video = graph.open_input(source, 0, 1)[source.info.video_specifier]
    return video.filter("trim", end_frame=1).filter("setpts", 0)


def read_moving_frames(picture: ClipSlice, graph: GraphBuilder) -> Stream:
    """The frames of a picture, forwards, numbered from 0; the first and last ones stand still
    where the source has no more."""
    shot, source = picture.clip, picture.clip.source
    reach = _source_range(picture, graph)
    still = {"stop": -1, "stop_mode": "clone"}
    video = graph.open_input(source, reach.begin, None)[source.info.video_specifier]
    zero = reach.start - reach.begin
    if not source.info.is_animated:
        video = video.filter("tpad", **still)
    # Some files count time in whole seconds, in which nothing finer could be cut.
    video = video.filter("settb", "AVTB")
    # A picture that begins later than the cut, or than all of it, is there from the start on.
    video = video.filter("setpts", f"if(eq(N,0),min(PTS,{decimal(zero)}/TB),PTS)")
    # Before `fps`, which would fill any gap in the timestamps with copies of a frame.
    video = video.filter("trim", end=decimal(zero + reach.seconds + _MARGIN))
    # Half way between two frames of the render the earlier one of the source is seen, always.
    nudge = decimal(_NUDGE / float(graph.plan.fps))
    video = video.filter("setpts", f"(PTS-{decimal(zero)}/TB)/{decimal(shot.speed)}+{nudge}/TB")
    # What stands at 0 may have begun long before.
    video = video.filter("fps", graph.fps, start_time=0)
    video = video.filter("tpad", start=reach.missing, start_mode="clone", **still)
    return video.filter("trim", end_frame=picture.frames).filter("setpts", "N")


def _source_range(picture: ClipSlice, graph: GraphBuilder) -> _SourceRange:
    shot, info = picture.clip, picture.clip.source.info
    first, fps = picture.first_clip_frame, float(graph.plan.fps)
    if shot.reverse:
        first = shot.frames - first - picture.frames
    start = shot.source_start + first / fps * shot.speed
    missing = 0
    if info.is_animated:
        start %= info.duration
    elif start < 0:
        missing = min(math.ceil(-start * fps / shot.speed - 1e-6), picture.frames - 1)
        start = max(start + missing / fps * shot.speed, 0.0)
    # An animation cannot be opened in its middle.
    begin = 0.0 if info.is_animated else _frame_before(start, info.fps)
    return _SourceRange(begin, start, (picture.frames - missing) / fps * shot.speed, missing)


def _frame_before(start: float, rate: float) -> float:
    """Where a frame begins: files that count time in frames would round anything else."""
    return math.floor(start * rate + 1e-6) / rate if rate else start
