"""What of a draft a plan leaves out, in a sentence each: nothing is dropped in silence."""

from collections.abc import Iterator

from nemolocal_contract.draft import Draft, Segment, TrackType

from .clips import Lanes

_KINDS = {kind.value for kind in TrackType}


def left_out(draft: Draft, length_ms: float, frame_ms: float) -> Iterator[str]:
    """What the draft asks for and this version does not render."""
    if draft.duration_ms is not None and not abs(draft.duration_ms - length_ms) <= frame_ms:
        yield f"draft.d: the segments end at {length_ms:g} ms, which counts"
    for number, track in enumerate(draft.tracks or ()):
        path = f"draft.t[{number}]"
        if track.segments and track.type not in _KINDS:
            yield f"{path}.tt: tracks of type {track.type} are not rendered"
        else:
            for index, segment in enumerate(track.segments or ()):
                yield from _of_segment(segment, f"{path}.sg[{index}]", track.type)


def _of_segment(segment: Segment, path: str, kind: int | None) -> Iterator[str]:
    if segment.transition is not None:
        name = segment.transition.type or "unnamed"
        yield f"{path}.tr: the transition {name[:40]!r} is not rendered yet, it is a hard cut"
    for index, effect in enumerate(segment.effects or ()):
        name = str(effect.get("type", "unnamed"))
        yield f"{path}.fx[{index}]: the effect {name[:40]!r} is not rendered yet"
    if kind != TrackType.TEXT and segment.text:
        yield f"{path}.txt: texts are shown on text tracks only"


def source_notes(lanes: Lanes) -> Iterator[str]:
    """What cannot be seen or heard of the sources as they are."""
    for clip in lanes.video:
        if clip.source.info.high_dynamic_range:
            yield f"{clip.path}.src: its high dynamic range is shown without tone mapping"
    for lane in lanes.audio:
        for clip in lane:
            if not clip.source.info.has_audio:
                yield f"{clip.path}.src: has no sound"
