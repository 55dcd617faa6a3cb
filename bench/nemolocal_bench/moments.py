"""The moments of a clip that a report shows: frames chosen by score and motion."""

from collections.abc import Callable, Sequence

import msgspec

from .sampling import SampleSpan, source_frame
from .variants import VariantResult

WORST = "worst frame"
FIFTH = "5th percentile"
MEDIAN = "median"
DIFFERENCE = "biggest difference between encodes"
MOTION = "most motion"
SPREAD = "evenly spread"
# The default and the maximum number of moments of a report.
MOMENTS, MAX_MOMENTS = 5, 20
# The minimum distance of two moments, as a share of the measured frames, if possible.
_APART = 0.02


class FramePicture(msgspec.Struct, frozen=True):
    """A frame of the source ("source") or of the result with that name, as WebP."""

    name: str
    content: bytes


class Moment(msgspec.Struct, frozen=True):
    """A frame of the clip and why it was chosen; `vmaf` by the names of results.

    `number` is its number in the video that was measured, `frame` in the clip. The pictures show
    `width` × `height` pixels from (`left`, `top`), with WebP's `quality`; () without pictures.
    """

    kind: str
    number: int
    frame: int
    seconds: float
    vmaf: dict[str, float]
    pictures: tuple[FramePicture, ...] = ()
    left: int = 0
    top: int = 0
    width: int = 0
    height: int = 0
    quality: int = 0


def choose_moments(
    lead: VariantResult,
    results: Sequence[VariantResult],
    spans: tuple[SampleSpan, ...],
    fps: float,
    count: int = MOMENTS,
) -> tuple[Moment, ...]:
    """Return up to `count` moments of different frames.

    The worst, 5th percentile and median frames are those of `lead`. `results` are of the same
    video, with the same frames measured.
    """
    alike = [r for r in results if r.every == lead.every and r.vmaf_frames]
    taken: list[int] = []
    moments = []
    for kind, ranked in _rankings(lead, alike, spans, count):
        place = _first_apart(ranked, taken, len(lead.vmaf_frames))
        if place is None:
            break
        taken.append(place)
        number = place * lead.every
        frame = source_frame(spans, number)
        vmaf = {r.name: round(r.vmaf_frames[place], 3) for r in alike if place < len(r.vmaf_frames)}
        moments.append(Moment(kind, number, frame, frame / fps, vmaf))
    return tuple(moments)


def _rankings(
    lead: VariantResult,
    alike: Sequence[VariantResult],
    spans: tuple[SampleSpan, ...],
    count: int,
) -> list[tuple[str, list[int]]]:
    """Return the kinds of moments, each with indexes of measured frames, best first."""
    frames = lead.vmaf_frames
    by_score = sorted(range(len(frames)), key=lambda place: frames[place])
    rank = {place: n for n, place in enumerate(by_score)}

    def near_rank(part: float) -> list[int]:
        aim = part * (len(frames) - 1)
        return _ranked(len(frames), lambda place: -abs(rank[place] - aim))

    def difference(place: int) -> float:
        scores = [r.vmaf_frames[place] for r in alike if place < len(r.vmaf_frames)]
        return max(scores) - min(scores) if scores else 0.0

    begins = {sum(span.frames for span in spans[:n]) for n in range(len(spans))} | {0}

    def motion(place: int) -> float:
        # At the border of two spans, the difference is a cut and not motion.
        cut = any(begin <= place * lead.every < begin + lead.every for begin in begins)
        return lead.motion_frames[place] if lead.motion_frames and not cut else -1.0

    made = [
        (WORST, by_score),
        (FIFTH, near_rank(0.05)),
        (MEDIAN, near_rank(0.5)),
        (DIFFERENCE, _ranked(len(frames), difference)),
        (MOTION, _ranked(len(frames), motion)),
    ]
    more = max(count - len(made), 0)
    aims = [(n + 0.5) / more * len(frames) for n in range(more)]
    made += [(SPREAD, _nearest(len(frames), aim)) for aim in aims]
    return made[:count]


def _ranked(count: int, value: Callable[[int], float]) -> list[int]:
    return sorted(range(count), key=value, reverse=True)


def _nearest(count: int, aim: float) -> list[int]:
    return sorted(range(count), key=lambda place: abs(place - aim))


def _first_apart(ranked: Sequence[int], taken: Sequence[int], count: int) -> int | None:
    """Return the first index far enough from those taken, else the first other one."""
    for apart in (max(round(count * _APART), 1), 1):
        for place in ranked:
            if all(abs(place - other) >= apart for other in taken):
                return place
    return None
