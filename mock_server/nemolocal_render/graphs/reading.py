"""The frames of a picture as its source has them: in time, of exact number, not yet changed."""

import math
from typing import NamedTuple

from ..timeline import Picture
from .inputs import Graph, Stream, decimal

# Seconds read beyond what is needed, so that rounding takes no frame away.
_MARGIN = 0.1
# Seconds at the end of a file in which the picture may have ended before the sound.
_ENDING = 0.1
_EARLIER = 1.0
# A share of a frame, more than what rounding makes of times.
_NUDGE = 0.02


class _Reach(NamedTuple):
    """Where a picture is in its source, in seconds: read from `begin`, shown from `start` on for
    `seconds`; `missing` frames before that are not in it."""

    begin: float
    start: float
    seconds: float
    missing: int


def read_still(picture: Picture, graph: Graph) -> Stream:
    """The one frame of a still."""
    video = graph.open(picture.shot.source, 0, 1)["V:0"]
    return video.filter("trim", end_frame=1).filter("setpts", 0)


def read_moving(picture: Picture, graph: Graph) -> Stream:
    """The frames of a picture, forwards, numbered from 0; the first and last ones stand still
    where the source has no more."""
    shot, source = picture.shot, picture.shot.source
    reach = _reach(picture, graph)
    lead = reach.start - reach.begin
    end = lead + reach.seconds + _MARGIN
    still = {"stop": -1, "stop_mode": "clone"}
    if source.info.animated:
        # It cannot be opened in its middle.
        video, zero = graph.open(source, 0, reach.begin + end)["V:0"], reach.start
        video = video.filter("trim", start=decimal(reach.begin), end=decimal(reach.begin + end))
    else:
        video, zero = graph.open(source, reach.begin, end)["V:0"].filter("tpad", **still), lead
        # Before `fps`, which would fill any gap in the timestamps with copies of a frame.
        video = video.filter("trim", end=decimal(end))
    # Half way between two frames of the render the earlier one of the source is seen, always.
    nudge = decimal(_NUDGE / float(graph.plan.fps))
    video = video.filter("setpts", f"(PTS-{decimal(zero)}/TB)/{decimal(shot.speed)}+{nudge}/TB")
    video = video.filter("fps", graph.fps, start_time=0)
    video = video.filter("tpad", start=reach.missing, start_mode="clone", **still)
    return video.filter("trim", end_frame=picture.frames).filter("setpts", "N")


def _reach(picture: Picture, graph: Graph) -> _Reach:
    shot, info = picture.shot, picture.shot.source.info
    first, fps = picture.first, float(graph.plan.fps)
    if shot.reverse:
        first = shot.frames - first - picture.frames
    start = shot.start + first / fps * shot.speed
    missing = 0
    if info.animated:
        start %= info.duration
    elif start < 0:
        missing = min(math.ceil(-start * fps / shot.speed - 1e-6), picture.frames - 1)
        start = max(start + missing / fps * shot.speed, 0.0)
    length = info.picture_duration or info.duration
    begin = max(start - _lead(start, first + missing, info.fps, length), 0.0)
    return _Reach(begin, start, (picture.frames - missing) / fps * shot.speed, missing)


def _lead(start: float, first: int, rate: float, length: float) -> float:
    """How much earlier to read: the frame that is seen at `start` may have begun before it.

    A shot begins with the nearer of two frames, a later part of one with the frame that stands.
    """
    if start > length - _ENDING:
        return start - length + _EARLIER
    if not rate:
        return 0.0
    return 1 / rate + 0.001 if first else 0.5 / rate
