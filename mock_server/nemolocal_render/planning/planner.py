"""From a draft to a render plan: pure, and the judge of whether a draft makes sense (REN-9)."""

from collections.abc import Mapping

import msgspec

from nemolocal_contract.draft import Draft, Metadata, TrackType

from .audio_tracks import AudioTrack, build_audio_tracks, find_audible_ranges, sample_at
from .canvas import Canvas, OutputSpec, choose_canvas
from .clips import MediaTracks, TimelineClip, read_media_tracks, read_segment_times
from .draft_limits import MAX_PEAK_MEMORY, limit_warnings, require_segments, require_size_limits
from .encode_settings import EncodeSettings, apply_size_limit, choose_encode_settings
from .field_validation import MAX_DURATION_MS, DraftRejected, require_field_types, require_number
from .layers import build_layer, remove_hidden_clips, slice_layer
from .plan_splitting import estimate_peak_memory, split_reversed_clips
from .plan_warnings import find_silent_sources, find_unrendered_fields
from .render_plan import Layer, MediaSource, RenderPlan, Title
from .stream_copy import find_copy_source
from .title_style import build_title, require_title_limits
from .transitions import ClipFrames, TrackTransitions, assign_frames, frame_at, plan_transitions

__all__ = ["DraftRejected", "MediaSource", "OutputSpec", "RenderPlan", "plan_render"]

_USUAL = OutputSpec()


class _PlannedTrack(msgspec.Struct, frozen=True):
    """The clips of one track, their frames and their transitions."""

    clips: list[TimelineClip]
    clip_frames: list[ClipFrames]
    transitions: TrackTransitions


def plan_render(
    draft: Draft, sources: Mapping[str, MediaSource], output: OutputSpec = _USUAL
) -> RenderPlan:
    """The plan of a draft whose assets are `sources`, by asset id.

    Raises DraftRejected with the path of the first field that makes no sense (REN-9); what makes
    sense but cannot be rendered is a warning of the plan.
    """
    require_size_limits(draft)
    require_field_types(draft)
    require_segments(draft)
    require_number(draft.duration_ms, "draft.d", 0, MAX_DURATION_MS)
    metadata = draft.metadata or Metadata()
    lanes = read_media_tracks(draft, sources)
    canvas, changes = choose_canvas(metadata, lanes.visible_media, output)
    titles, style_notes = _titles(draft, canvas)
    length_ms = _length(lanes, titles)
    video = [_track(clips, canvas) for clips in lanes.video]
    audio = [_track(clips, canvas) for clips in lanes.audio]
    encoding = choose_encode_settings(output.quality, metadata, _rates(lanes))
    plan = _assemble(video, audio, canvas, length_ms, encoding)
    join_notes = [note for track in (*video, *audio) for note in track.transitions.warnings]
    omitted = find_unrendered_fields(draft, length_ms, float(1000 / canvas.fps))
    plan = msgspec.structs.replace(
        plan,
        titles=titles,
        hdr_segments=tuple(
            clip.path for clips in lanes.video for clip in clips if clip.source.info.is_hdr
        ),
        warnings=limit_warnings(
            [*changes, *style_notes, *join_notes, *omitted, *find_silent_sources(lanes)]
        ),
    )
    if estimate_peak_memory(plan) > MAX_PEAK_MEMORY:
        raise DraftRejected("draft.t", "shows more pictures at once than there is memory for")
    return msgspec.structs.replace(plan, copy_source=find_copy_source(plan, lanes))


def _track(clips: list[TimelineClip], canvas: Canvas) -> _PlannedTrack:
    spans = assign_frames(clips, canvas.fps)
    return _PlannedTrack(clips, spans, plan_transitions(spans, canvas.fps))


def _length(lanes: MediaTracks, titles: tuple[Title, ...]) -> float:
    ends = [clip.times.end for lane in (*lanes.video, *lanes.audio) for clip in lane]
    ends += [title.end_ms for title in titles]
    if not ends:
        raise DraftRejected("draft.t", "has no track that can be rendered")
    return max(ends)


def _rates(lanes: MediaTracks) -> list[tuple[float, int]]:
    """Seconds and bits/s of what stands on the main track."""
    return [
        ((clip.times.end - clip.times.start) / 1000, clip.source.info.bit_rate)
        for clip in (lanes.video[0] if lanes.video else ())
    ]


def _assemble(
    video: list[_PlannedTrack],
    audio: list[_PlannedTrack],
    canvas: Canvas,
    length_ms: float,
    encoding: EncodeSettings,
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
        encoding=apply_size_limit(encoding, length_ms / 1000, pixel_rate, bool(sounds)),
        layers=_layers(video, canvas, frames),
        audio_tracks=sounds,
        fit=canvas.fit,
    )


def _layers(tracks: list[_PlannedTrack], canvas: Canvas, frames: int) -> tuple[Layer, ...]:
    layers = [
        slice_layer(
            build_layer(track.clip_frames, track.transitions, canvas.fps, index > 0), 0, frames
        )
        for index, track in enumerate(tracks)
    ]
    shown = remove_hidden_clips(layers or [()])
    return tuple(split_reversed_clips(layer, canvas.width * canvas.height) for layer in shown)


def _sounds(
    video: list[_PlannedTrack], audio: list[_PlannedTrack], canvas: Canvas
) -> tuple[AudioTrack, ...]:
    seen = [
        lane
        for track in video
        for lane in build_audio_tracks(
            track.clips, track.clip_frames, track.transitions, canvas.fps
        )
    ]
    loud = find_audible_ranges(seen)
    heard = [
        lane
        for track in audio
        for lane in build_audio_tracks(
            track.clips, track.clip_frames, track.transitions, canvas.fps, loud
        )
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
            title, said = build_title(segment, path, read_segment_times(segment, path), side)
            titles.append(title)
            notes += said
    require_title_limits(titles)
    return tuple(titles), tuple(notes)
