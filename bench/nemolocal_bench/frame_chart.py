"""The plot of VMAF over the frames of the clip, of all encodes, and the data behind it."""

from collections.abc import Sequence

from .charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    level_line,
    polyline,
    svg_document,
    text,
    with_legend,
)
from .metrics import VMAF
from .report import Comparison
from .sampling import source_frame
from .variants import VariantResult

# The maximum number of points of a line; more would not be visible.
_MOST_POINTS = 1500

Points = list[tuple[int, float]]


def measured_points(result: VariantResult, comparison: Comparison) -> list[Points]:
    """Return the frame in the clip and the VMAF of each measured frame, one list for each span."""
    spans = comparison.spans if result.sampled else ()
    frames = list(enumerate(result.vmaf_frames))
    step = max(-(-len(frames) // _MOST_POINTS), 1)
    parts: list[Points] = [[]]
    last = -1
    for place, vmaf in frames[::step]:
        number = place * result.every
        frame = source_frame(spans, number)
        # Frames between two spans are not known.
        if parts[-1] and frame - last > step * result.every:
            parts.append([])
        parts[-1].append((frame, vmaf))
        last = frame
    return [part for part in parts if part]


def frame_series(comparison: Comparison) -> dict[str, object]:
    """Return what the page's script needs: the ends of the axis, and the points of each result."""
    return {
        "last": comparison.source.frames - 1,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "fps": comparison.source.fps,
        "series": [
            {
                "name": result.name,
                "points": [
                    (frame, round(vmaf, 2))
                    for part in measured_points(result, comparison)
                    for frame, vmaf in part
                ],
            }
            for result in _drawn(comparison)
        ],
    }


def frame_chart(comparison: Comparison) -> str:
    """VMAF of each measured frame of all results; a number marks each moment."""
    drawn = _drawn(comparison)
    lines = [measured_points(result, comparison) for result in drawn]
    scores = [vmaf for parts in lines for part in parts for _, vmaf in part]
    last = max(comparison.source.frames - 1, 1)
    axes = Axes((0, last), (min(scores), max(scores)), x_room=0.0)
    parts = axes.svg_parts("frame of the clip", "VMAF")
    for style, pieces in enumerate(lines):
        parts += [
            polyline([(axes.x(frame), axes.y(vmaf)) for frame, vmaf in piece], style)
            for piece in pieces
        ]
    parts += _percentiles(axes, comparison)
    parts += [_moment(axes, n, moment.frame) for n, moment in enumerate(comparison.moments)]
    parts.append(f'<line class="cursor" x1="0" x2="0" y1="{TOP}" y2="{HEIGHT - BOTTOM}" />')
    names = [_legend(result) for result in drawn]
    made, height = with_legend(parts, names, lines=True)
    return svg_document("VMAF of each frame", made, height, 'class="frame-plot"')


def _drawn(comparison: Comparison) -> Sequence[VariantResult]:
    return [result for result in comparison.results if result.vmaf_frames]


def _legend(result: VariantResult) -> str:
    notes = [note for note in (result.note, "samples" if result.sampled else "") if note]
    return f"{result.name} ({', '.join(notes)})" if notes else result.name


def _percentiles(axes: Axes, comparison: Comparison) -> list[str]:
    """Lines at the 1st and the 5th percentile of the recommended result."""
    shown = next(result for result in comparison.results if result.name == comparison.shown)
    score = next(score for score in shown.scores if score.name == VMAF)
    return [
        level_line(axes, score.p1, f"p1 {score.p1:.2f}", 1, below=True),
        level_line(axes, score.p5, f"p5 {score.p5:.2f}", 2),
    ]


def _moment(axes: Axes, number: int, frame: int) -> str:
    x = axes.x(frame)
    line = f'<line class="moment" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
    return line + text(
        x, TOP - 4, str(number + 1), "middle", f'class="moment" data-moment="{number}"'
    )
