"""A draft in words: the timeline line of STA-5, and what changed between two drafts."""

import msgspec

from .draft import Draft, Segment, Style, Track, TrackType

_LABELS: dict[int | None, str] = {
    TrackType.VIDEO: "Video",
    TrackType.AUDIO: "BGM",
    TrackType.TEXT: "Title",
}


def seconds(ms: float) -> str:
    """Milliseconds as the contract writes seconds: `10`, `2.5`."""
    return f"{round(ms / 1000, 1):g}"


def _span(segment: Segment) -> str:
    return f"{seconds(segment.start_ms or 0)}-{seconds(segment.end_ms)}s"


def _label(track: Track) -> str:
    return _LABELS.get(track.type, f"Track type {track.type}")


def _title_of(segment: Segment, track: Track) -> str:
    if segment.text is not None:
        return f'"{segment.text}"'
    title = (segment.metadata or {}).get("title")
    return str(title) if title else (track.name or segment.source or "untitled")


def _details(segment: Segment) -> str:
    volume = segment.volume
    loudness = "" if volume is None or volume == 1 else f", {round(volume * 100)}%"
    speed = "" if segment.speed in (None, 1) else f", {segment.speed:g}x"
    return f"({_span(segment)}{loudness}{speed})"


def describe_segment(segment: Segment, track: Track) -> str:
    """`Video: city timelapse (0-10s)`."""
    return f"{_label(track)}: {_title_of(segment, track)} {_details(segment)}"


def describe_track(track: Track) -> str:
    """A track by its segments: `Video: beach (0-4s), city (4-10s)`."""
    segments = track.segments or ()
    if not segments:
        return f"{_label(track)}: empty"
    first, *others = [f"{_title_of(s, track)} {_details(s)}" for s in segments]
    return ", ".join([f"{_label(track)}: {first}", *others])


def timeline(draft: Draft) -> str:
    """`Timeline (3 tracks): 1. Video: … 2. BGM: … 3. Title: …` (STA-5)."""
    tracks = draft.tracks or ()
    count = f"{len(tracks)} track" + ("" if len(tracks) == 1 else "s")
    listed = [f"{number}. {describe_track(track)}" for number, track in enumerate(tracks, 1)]
    return " ".join([f"Timeline ({count}):", *listed])


def changes(before: Draft, after: Draft) -> list[str]:
    """What a person would say changed from one draft to the other, a sentence each (CLI-3)."""
    old, new = _segments(before), _segments(after)
    said = [f"Removed {describe_segment(*old[key])}" for key in old if key not in new]
    for key, (segment, track) in new.items():
        if key not in old:
            said.append(_added(segment, track))
        elif old[key][0] != segment:
            said.append(_changed(old[key][0], segment, track))
    said += _metadata_changes(before, after)
    if (before.duration_ms or 0) != (after.duration_ms or 0) and before.tracks:
        length = f"{seconds(before.duration_ms or 0)}s to {seconds(after.duration_ms or 0)}s"
        said.append(f"Total length changed from {length}")
    return said


def _segments(draft: Draft) -> dict[str, tuple[Segment, Track]]:
    """Segments by identity: the id where there is one, else the place."""
    return {
        segment.id or f"#{track_number}.{number}": (segment, track)
        for track_number, track in enumerate(draft.tracks or ())
        for number, segment in enumerate(track.segments or ())
    }


def _added(segment: Segment, track: Track) -> str:
    if segment.text is None:
        return f"{_label(track)} added: {_title_of(segment, track)} {_details(segment)}"
    style = segment.style or Style()
    looks = [look for look in (style.color, style.position) if look]
    return f"Title added: '{segment.text}' ({', '.join([*looks, _span(segment)])})"


def _changed(old: Segment, new: Segment, track: Track) -> str:
    what = f"{_label(track)} {_title_of(new, track)}"
    parts = []
    if (old.duration_ms, old.source_start_ms) != (new.duration_ms, new.source_start_ms):
        start = new.source_start_ms or 0
        parts.append(f"now {seconds(new.duration_ms or 0)}s, from {seconds(start)}s of its source")
    if old.start_ms != new.start_ms:
        parts.append(f"now starts at {seconds(new.start_ms or 0)}s")
    if old.volume != new.volume:
        parts.append(f"volume {_percent(old.volume)} to {_percent(new.volume)}")
    if old.text != new.text:
        parts.append(f"text was {old.text!r}")
    return f"{what} changed: {'; '.join(parts) or 'its settings'}"


def _percent(volume: float | None) -> str:
    return f"{round((1 if volume is None else volume) * 100)}%"


def _metadata_changes(before: Draft, after: Draft) -> list[str]:
    old, new = (_named(draft) for draft in (before, after))
    return [
        f"Project {name} is now {value}" for name, value in new.items() if old.get(name) != value
    ]


def _named(draft: Draft) -> dict[str, object]:
    if draft.metadata is None:
        return {}
    fields = msgspec.structs.asdict(draft.metadata)
    named = {**fields.pop("extra"), **fields}
    return {name: value for name, value in named.items() if value is not None}
