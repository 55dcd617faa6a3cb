"""From a draft to a render plan: pure, and the judge of whether a draft makes sense (REN-9)."""

from collections.abc import Mapping

import msgspec

from nemolocal_contract.draft import Draft, Metadata, TrackType

from .bounds import MAX_AT_ONCE, few_warnings, require_sane_size, require_segments
from .canvas import Canvas, OutputSpec, choose_canvas
from .checks import MAX_MS, DraftRejected, number, require_types
from .chunks import memory_at_once, reversible
from .clips import Clip, Lanes, read_lanes, read_times
from .copying import copied_source
from .joins import Joins, Span, frame_at, join, spans_of
from .layers import layer_of, part_of, uncover
from .omissions import left_out, source_notes
from .quality import Encoding, choose_encoding, fit_size
from .sounds import SoundLane, lanes_of, sample_at, stretches_of
from .style import require_sane_titles, style_title
from .timeline import Layer, RenderPlan, Source, Title

__all__ = ["DraftRejected", "OutputSpec", "RenderPlan", "Source", "plan_render"]

_USUAL = OutputSpec()


class _Track(msgspec.Struct, frozen=True):
    """The clips of one track, their frames and their transitions."""

    clips: list[Clip]
    spans: list[Span]
    joins: Joins


def plan_render(
    draft: Draft, sources: Mapping[str, Source], output: OutputSpec = _USUAL
) -> RenderPlan:
    """The plan of a draft whose assets are `sources`, by asset id.

    Raises DraftRejected with the path of the first field that makes no sense (REN-9); what makes
    sense but cannot be rendered is a warning of the plan.
    """
    require_sane_size(draft)
    require_types(draft)
    require_segments(draft)
    number(draft.duration_ms, "draft.d", 0, MAX_MS)
    metadata = draft.metadata or Metadata()
    lanes = read_lanes(draft, sources)
    canvas, changes = choose_canvas(metadata, lanes.shown, output)
    titles, style_notes = _titles(draft, canvas)
    length_ms = _length(lanes, titles)
    video = [_track(clips, canvas) for clips in lanes.video]
    audio = [_track(clips, canvas) for clips in lanes.audio]
    encoding = choose_encoding(output.quality, metadata, _rates(lanes))
    plan = _assemble(video, audio, canvas, length_ms, encoding)
    join_notes = [note for track in (*video, *audio) for note in track.joins.notes]
    omitted = left_out(draft, length_ms, float(1000 / canvas.fps))
    plan = msgspec.structs.replace(
        plan,
        titles=titles,
        bright=tuple(
            clip.path
            for clips in lanes.video
            for clip in clips
            if clip.source.info.high_dynamic_range
        ),
        warnings=few_warnings(
            [*changes, *style_notes, *join_notes, *omitted, *source_notes(lanes)]
        ),
    )
    if memory_at_once(plan) > MAX_AT_ONCE:
        raise DraftRejected("draft.t", "shows more pictures at once than there is memory for")
    return msgspec.structs.replace(plan, copied=copied_source(plan, lanes))


def _track(clips: list[Clip], canvas: Canvas) -> _Track:
    spans = spans_of(clips, canvas.fps)
    return _Track(clips, spans, join(spans, canvas.fps))


def _length(lanes: Lanes, titles: tuple[Title, ...]) -> float:
    ends = [clip.times.end for lane in (*lanes.video, *lanes.audio) for clip in lane]
    ends += [title.end_ms for title in titles]
    if not ends:
        raise DraftRejected("draft.t", "has no track that can be rendered")
    return max(ends)


def _rates(lanes: Lanes) -> list[tuple[float, int]]:
    """Seconds and bits/s of what stands on the main track."""
    return [
        ((clip.times.end - clip.times.start) / 1000, clip.source.info.bit_rate)
        for clip in (lanes.video[0] if lanes.video else ())
    ]


def _assemble(
    video: list[_Track],
    audio: list[_Track],
    canvas: Canvas,
    length_ms: float,
    encoding: Encoding,
) -> RenderPlan:
    frames = frame_at(length_ms, canvas.fps)
    if not frames:
        raise DraftRejected("draft.t", "is shorter than one frame")
    sounds = _sounds(video, audio, canvas)
    pixel_rate = float(canvas.width * canvas.height * canvas.fps)
    return RenderPlan(
        width=canvas.width,
        height=canvas.height,
        fps=canvas.fps,
        frames=frames,
        samples=sample_at(length_ms) if sounds else 0,
        encoding=fit_size(encoding, length_ms / 1000, pixel_rate, bool(sounds)),
        layers=_layers(video, canvas, frames),
        lanes=sounds,
        fit=canvas.fit,
    )


def _layers(tracks: list[_Track], canvas: Canvas, frames: int) -> tuple[Layer, ...]:
    layers = [
        part_of(layer_of(track.spans, track.joins, canvas.fps, index > 0), 0, frames)
        for index, track in enumerate(tracks)
    ]
    shown = uncover(layers or [()])
    return tuple(reversible(layer, canvas.width * canvas.height) for layer in shown)


def _sounds(video: list[_Track], audio: list[_Track], canvas: Canvas) -> tuple[SoundLane, ...]:
    seen = [
        lane
        for track in video
        for lane in lanes_of(track.clips, track.spans, track.joins, canvas.fps)
    ]
    loud = stretches_of(seen)
    heard = [
        lane
        for track in audio
        for lane in lanes_of(track.clips, track.spans, track.joins, canvas.fps, loud)
    ]
    return (*seen, *heard)


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
    require_sane_titles(titles)
    return tuple(titles), tuple(notes)
