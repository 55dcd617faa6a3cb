"""What of a draft a plan leaves out, in a sentence each: nothing is dropped in silence."""

from collections.abc import Iterator

from nemolocal_contract.draft import Draft, Segment, TrackType

from .clips import MediaTracks
from .effects import find_ignored_effects

_KINDS = {kind.value for kind in TrackType}


def find_unrendered_fields(draft: Draft, length_ms: float, frame_ms: float) -> Iterator[str]:
    """What the draft asks for and is not rendered."""
    if draft.duration_ms is not None and not abs(draft.duration_ms - length_ms) <= frame_ms:
        yield f"draft.d: the segments end at {length_ms:g} ms, which counts"
    upper = False
    for number, track in enumerate(draft.tracks or ()):
        path = f"draft.t[{number}]"
        if track.segments and track.type not in _KINDS:
            yield f"{path}.tt: tracks of type {track.type} are not rendered"
        else:
            for index, segment in enumerate(track.segments or ()):
                yield from _of_segment(segment, f"{path}.sg[{index}]", track.type, upper)
        upper = upper or track.type == TrackType.VIDEO


def _of_segment(segment: Segment, path: str, kind: int | None, upper: bool) -> Iterator[str]:
    yield from find_ignored_effects(segment, path, kind, upper)
    if kind == TrackType.TEXT and segment.transition is not None:
        yield f"{path}.tr: texts have no transitions"
    if kind != TrackType.TEXT and segment.text:
        yield f"{path}.txt: texts are shown on text tracks only"


def find_silent_sources(lanes: MediaTracks) -> Iterator[str]:
    """What cannot be heard of the sources as they are."""
    for lane in lanes.audio:
        for clip in lane:
            if not clip.source.info.has_audio:
                yield f"{clip.path}.src: has no sound"
