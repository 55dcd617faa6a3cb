"""From a draft to a render plan: pure, and the judge of whether a draft makes sense (REN-9)."""

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from nemolocal_contract.draft import Draft, Metadata, TrackType

from .canvas import Canvas, Resolution, choose_canvas
from .checks import MAX_MS, DraftRejected, number, require_sane_size, require_types
from .clips import Clip, Lanes, read_lanes, read_times
from .omissions import left_out, source_notes
from .quality import Encoding, Quality, choose_encoding
from .style import style_title
from .timeline import SAMPLE_RATE, Picture, RenderPlan, Sound, Source, Title

__all__ = ["DraftRejected", "OutputSpec", "RenderPlan", "Source", "plan_render"]


class OutputSpec(msgspec.Struct, frozen=True):
    """What the caller of the export asks for (REN-1, REN-7)."""

    quality: Quality = "high"
    resolution: Resolution = "1080p"


_USUAL = OutputSpec()


def plan_render(
    draft: Draft, sources: Mapping[str, Source], output: OutputSpec = _USUAL
) -> RenderPlan:
    """The plan of a draft whose assets are `sources`, by asset id.

    Raises DraftRejected with the path of the first field that makes no sense (REN-9); what makes
    sense but is not rendered yet is a warning of the plan.
    """
    require_types(draft)
    require_sane_size(draft)
    number(draft.duration_ms, "draft.d", 0, MAX_MS)
    metadata = draft.metadata or Metadata()
    lanes = read_lanes(draft, sources)
    first = lanes.video[0].source.info if lanes.video else None
    canvas, changes = choose_canvas(metadata, first, output.resolution)
    titles, style_notes = _titles(draft, canvas)
    length_ms = _length(lanes, titles)
    plan = _assemble(lanes, titles, canvas, length_ms, _encoding(lanes, metadata, output))
    frame_ms = float(1000 / canvas.fps)
    omitted = left_out(draft, length_ms, frame_ms)
    warnings = (*changes, *style_notes, *omitted, *source_notes(lanes))
    return msgspec.structs.replace(plan, warnings=warnings)


def _length(lanes: Lanes, titles: tuple[Title, ...]) -> float:
    ends = [clip.times.end for lane in (lanes.video, *lanes.audio) for clip in lane]
    ends += [title.end_ms for title in titles]
    if not ends:
        raise DraftRejected("draft.t", "has no track that can be rendered")
    return max(ends)


def _encoding(lanes: Lanes, metadata: Metadata, output: OutputSpec) -> Encoding:
    rates = [
        ((clip.times.end - clip.times.start) / 1000, clip.source.info.bit_rate)
        for clip in lanes.video
    ]
    return choose_encoding(output.quality, metadata, rates)


def _assemble(
    lanes: Lanes, titles: tuple[Title, ...], canvas: Canvas, length_ms: float, encoding: Encoding
) -> RenderPlan:
    frames = _frame(length_ms, canvas.fps)
    if not frames:
        raise DraftRejected("draft.t", "is shorter than one frame")
    sounds = tuple(filter(None, map(_sounds, (lanes.video, *lanes.audio))))
    return RenderPlan(
        width=canvas.width,
        height=canvas.height,
        fps=canvas.fps,
        frames=frames,
        samples=_sample(length_ms) if sounds else 0,
        encoding=encoding,
        pictures=_pictures(lanes.video, canvas.fps, frames),
        lanes=sounds,
        titles=titles,
    )


def _pictures(clips: list[Clip], fps: Fraction, frames: int) -> tuple[Picture, ...]:
    """The clips in order, black where there is none, `frames` in all."""
    pictures: list[Picture] = []
    at = 0
    for clip in clips:
        first = max(_frame(clip.times.start, fps), at)
        last = _frame(clip.times.end, fps)
        if first > at:
            pictures.append(Picture(first - at))
        if last > first:
            pictures.append(_picture(clip, last - first, fps))
        at = max(first, last)
    return (*pictures, Picture(frames - at)) if frames > at else tuple(pictures)


def _picture(clip: Clip, frames: int, fps: Fraction) -> Picture:
    return Picture(
        frames=frames,
        source=clip.source,
        start=clip.start,
        speed=clip.speed,
        fade_in=_frame(clip.times.fade_in, fps),
        fade_out=_frame(clip.times.fade_out, fps),
    )


def _sounds(clips: list[Clip]) -> tuple[Sound, ...]:
    sounds: list[Sound] = []
    free = 0
    for clip in clips:
        at = max(_sample(clip.times.start), free)
        free = max(_sample(clip.times.end), at)
        if free > at and clip.source.info.has_audio and clip.volume > 0:
            sounds.append(_sound(clip, at, free - at))
    return tuple(sounds)


def _sound(clip: Clip, at: int, samples: int) -> Sound:
    return Sound(
        source=clip.source,
        at=at,
        samples=samples,
        start=clip.start,
        speed=clip.speed,
        volume=clip.volume,
        fade_in=_sample(clip.times.fade_in),
        fade_out=_sample(clip.times.fade_out),
    )


def _frame(ms: float, fps: Fraction) -> int:
    return round(Fraction(ms) / 1000 * fps)


def _sample(ms: float) -> int:
    return round(Fraction(ms) / 1000 * SAMPLE_RATE)


def _titles(draft: Draft, canvas: Canvas) -> tuple[tuple[Title, ...], tuple[str, ...]]:
    """The texts of all text tracks, and what of their styles is not understood."""
    titles: list[Title] = []
    notes: list[str] = []
    for number_, track in enumerate(draft.tracks or ()):
        if track.type != TrackType.TEXT:
            continue
        for index, segment in enumerate(track.segments or ()):
            path = f"draft.t[{number_}].sg[{index}]"
            if segment.text is None:
                raise DraftRejected(f"{path}.txt", "is missing")
            side = min(canvas.width, canvas.height)
            title, said = style_title(segment, path, read_times(segment, path), side)
            titles.append(title)
            notes += said
    return tuple(titles), tuple(notes)
