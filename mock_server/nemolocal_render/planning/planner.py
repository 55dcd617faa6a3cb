"""Plan the render of a draft: pure functions that also decide whether a draft is valid (REN-9)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from nemolocal_contract.draft import Draft, Metadata, Number, Segment, TrackType
from nemolocal_contract.effects import (
    AudioEffect,
    Duck,
    Lut,
    Overlay,
    Reverse,
    SoundFade,
    effect_from_wire,
)
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.text_effects import TEXT_EFFECTS, text_effect_from_wire

from ..media import MediaSource
from .audio_tracks import build_audio, sample_at
from .clip_reader import SOLID_SOURCE, MediaTracks, TimelineClip, read_media_tracks
from .draft_limits import DraftRejected, check_draft
from .effect_reader import EffectStack
from .output_settings import (
    QUALITY_SETTINGS,
    Canvas,
    EncodeSettings,
    OutputSpec,
    apply_size_limit,
    choose_canvas,
    choose_encode_settings,
    exact_fps,
)
from .plan_splitting import estimate_peak_memory, prepare_layers
from .render_plan import RenderPlan, Title
from .titles import build_titles
from .video_tracks import PlannedTrack, build_layer, frame_at, plan_track

__all__ = ["DraftRejected", "MediaSource", "OutputSpec", "RenderPlan", "plan_render"]

MAX_WARNINGS = 100
# Bytes of decoded pictures: 30 overlays in 4K, or 100 in full HD.
MAX_PEAK_MEMORY = 4_000_000_000

COPY_REASON = "the untouched clip already is H.264 and AAC of the size and rate asked for"
# Other containers round the timestamps.
_COPY_CONTAINERS = frozenset({"mp4", "mov"})

_DEFAULT_OUTPUT = OutputSpec()
_TRACK_TYPES = frozenset(kind.value for kind in TrackType)


def plan_render(
    draft: Draft, sources: Mapping[str, MediaSource], output: OutputSpec = _DEFAULT_OUTPUT
) -> RenderPlan:
    """Plan the render of a draft; `sources` are its assets by id.

    Raises DraftRejected with the path of the first invalid field (REN-9). What is valid but cannot
    be rendered becomes a warning of the plan.
    """
    check_draft(draft)
    metadata = draft.metadata or Metadata()
    media = read_media_tracks(draft, sources)
    clips = [clip for track in (*media.video, *media.audio) for clip in track]
    visible = [
        clip.source.info for track in media.video for clip in track if clip.effects.solid is None
    ]
    canvas, canvas_warnings = choose_canvas(metadata, visible, output)
    titles, title_warnings = build_titles(draft, min(canvas.width, canvas.height))
    length_ms = _length(clips, titles)
    video = [plan_track(_fill_canvas(track, canvas), canvas.fps) for track in media.video]
    audio = [plan_track(track, canvas.fps) for track in media.audio]
    encoding = choose_encode_settings(output.quality, metadata, _bit_rates(media))
    plan = msgspec.structs.replace(
        _assemble(video, audio, canvas, length_ms, encoding),
        titles=titles,
        luts={
            effect.source: sources[effect.source]
            for track in media.video
            for clip in track
            for effect in clip.effects.video_effects
            if isinstance(effect, Lut)
        },
        hdr_segments=tuple(
            clip.path for track in media.video for clip in track if clip.source.info.is_hdr
        ),
        warnings=_limit_warnings(
            [
                *canvas_warnings,
                *title_warnings,
                *(warning for track in (*video, *audio) for warning in track.warnings),
                *_find_unrendered_fields(draft, length_ms, float(1000 / canvas.fps)),
                *_find_silent_sources(media),
            ]
        ),
    )
    if estimate_peak_memory(plan) > MAX_PEAK_MEMORY:
        raise DraftRejected("draft.t", "shows more pictures at once than fit into memory")
    return msgspec.structs.replace(plan, copy_source=_find_copy_source(plan, clips))


def _fill_canvas(track: Sequence[TimelineClip], canvas: Canvas) -> list[TimelineClip]:
    """Return the clips, plain colours in the size of the canvas."""
    info = msgspec.structs.replace(SOLID_SOURCE.info, width=canvas.width, height=canvas.height)
    plain = msgspec.structs.replace(SOLID_SOURCE, info=info)
    return [clip if clip.effects.solid is None else clip._replace(source=plain) for clip in track]


def _length(clips: Sequence[TimelineClip], titles: Sequence[Title]) -> float:
    ends = [*(clip.times.end for clip in clips), *(title.end_ms for title in titles)]
    if not ends:
        raise DraftRejected("draft.t", "has no track that can be rendered")
    return max(ends)


def _bit_rates(media: MediaTracks) -> list[tuple[float, int]]:
    """Return seconds and bits/s of each clip on the main track."""
    return [
        ((clip.times.end - clip.times.start) / 1000, clip.source.info.bit_rate)
        for clip in (media.video[0] if media.video else ())
    ]


def _assemble(
    video: Sequence[PlannedTrack],
    audio: Sequence[PlannedTrack],
    canvas: Canvas,
    length_ms: float,
    encoding: EncodeSettings,
) -> RenderPlan:
    frames = frame_at(length_ms, canvas.fps)
    if not frames:
        raise DraftRejected("draft.t", "is shorter than one frame")
    audio_tracks = build_audio(video, audio, canvas.fps)
    layers = [build_layer(track, canvas.fps, index > 0) for index, track in enumerate(video)]
    pixels = canvas.width * canvas.height
    return RenderPlan(
        width=canvas.width,
        height=canvas.height,
        fps=canvas.fps,
        frames=frames,
        samples=sample_at(length_ms) if audio_tracks else 0,
        encoding=apply_size_limit(
            encoding, length_ms / 1000, float(pixels * canvas.fps), bool(audio_tracks)
        ),
        layers=prepare_layers(layers, frames, pixels),
        audio_tracks=audio_tracks,
        fit=canvas.fit,
    )


def _limit_warnings(warnings: Sequence[str]) -> tuple[str, ...]:
    more = len(warnings) - MAX_WARNINGS
    if more <= 0:
        return tuple(warnings)
    return (*warnings[:MAX_WARNINGS], f"and {pluralize(more, 'more warning')}")


def _find_unrendered_fields(draft: Draft, length_ms: float, frame_ms: float) -> Iterator[str]:
    if draft.duration_ms is not None and not abs(draft.duration_ms - length_ms) <= frame_ms:
        yield f"draft.d: the segments end at {length_ms:g} ms, which is used"
    upper = False
    for number, track in enumerate(draft.tracks or ()):
        path = f"draft.t[{number}]"
        if track.segments and track.type not in _TRACK_TYPES:
            yield f"{path}.tt: tracks of type {track.type} are not rendered"
        else:
            for index, segment in enumerate(track.segments or ()):
                yield from _segment_warnings(segment, f"{path}.sg[{index}]", track.type, upper)
        upper = upper or track.type == TrackType.VIDEO


def _segment_warnings(
    segment: Segment, path: str, kind: Number | None, upper: bool
) -> Iterator[str]:
    for index, effect in enumerate(segment.effects or ()):
        if reason := _why_ignored(effect, kind, upper):
            yield f"{path}.fx[{index}]: {reason}"
    if kind == TrackType.TEXT and segment.transition is not None:
        yield f"{path}.tr: texts have no transitions"
    if kind != TrackType.TEXT and segment.text:
        yield f"{path}.txt: texts are shown on text tracks only"


def _why_ignored(wire: Mapping[str, Any], kind: Number | None, upper: bool) -> str:
    """Return why an effect does nothing on a track of this kind, or ""."""
    if kind == TrackType.TEXT:
        known = text_effect_from_wire(wire) is not None
        return "" if known else "texts do not have this effect"
    effect = effect_from_wire(wire)
    if effect is None and wire.get("type") in [*TEXT_EFFECTS]:
        return "only texts have this effect"
    if effect is None:
        name = str(wire.get("type", "unnamed"))
        return f"the effect {name[:40]!r} is not known, it is left out"
    if kind == TrackType.AUDIO and not isinstance(effect, Reverse | Duck | AudioEffect | SoundFade):
        return "sound has no picture to change"
    if kind == TrackType.VIDEO and isinstance(effect, Duck):
        return "only audio tracks are ducked"
    if kind == TrackType.VIDEO and isinstance(effect, Overlay) and not upper:
        return "the first video track is not laid over anything"
    return ""


def _find_silent_sources(media: MediaTracks) -> Iterator[str]:
    for track in media.audio:
        for clip in track:
            if not clip.source.info.has_audio:
                yield f"{clip.path}.src: has no sound"


def _find_copy_source(plan: RenderPlan, clips: Sequence[TimelineClip]) -> MediaSource | None:
    """Return the source whose streams can be copied instead of encoded, usually None.

    Only the copied file shows whether the number of frames is right.
    """
    if len(clips) != 1 or plan.titles or plan.encoding != QUALITY_SETTINGS["high"]:
        return None
    (clip,) = clips
    untouched = _is_whole(clip, float(1 / plan.fps)) and _has_format(clip, plan)
    return clip.source if untouched else None


def _is_whole(clip: TimelineClip, frame: float) -> bool:
    times = clip.times
    uncut = (times.start, times.fade_in, times.fade_out, clip.source_start) == (0, 0, 0, 0)
    unchanged = (clip.speed, clip.volume, clip.effects) == (1, 1, EffectStack())
    return uncut and unchanged and abs(times.end / 1000 - clip.source.info.duration) < frame / 2


def _has_format(clip: TimelineClip, plan: RenderPlan) -> bool:
    info = clip.source.info
    return (
        info.extension in _COPY_CONTAINERS
        and (info.video_codec, info.pixel_format) == ("h264", "yuv420p")
        and info.audio_codec in ("", "aac")
        and (info.width, info.height) == (plan.width, plan.height)
        and exact_fps(info.fps) == plan.fps
        and not info.is_hdr
    )
