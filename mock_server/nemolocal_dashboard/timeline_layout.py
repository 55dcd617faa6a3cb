"""Where everything of a timeline is drawn: tracks, clips, pictures, waveforms, fades, transitions.

Pure: from a draft and its media to numbers of pixels. `to_pixels` is the only place where a time
becomes a position; the script that moves the playhead gets the same scale.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from nemolocal_contract.describe.effect_descriptions import (
    describe_transition,
    describe_wire_effect,
)
from nemolocal_contract.describe.labels import TRACK_LABELS, parse_language, translate_label
from nemolocal_contract.describe.text_formats import (
    clamp_number,
    format_span,
    segment_end_ms,
    truncate_text,
)
from nemolocal_contract.describe.timeline_descriptions import segment_name, track_label
from nemolocal_contract.draft import Draft, Segment, Track, TrackType

ZOOMS = (1, 3, 9)
"""How much larger than the whole timeline in view each zoom is."""

TILE_WIDTH, TILE_HEIGHT = 96, 54
"""The size of a picture in the strip of a media file."""

RULER_HEIGHT = 26
VIEW_WIDTH = 880
"""The width of the part of a timeline that is in view, in pixels, if the page does not say."""

_MAX_WIDTH = 30_000.0
_MAX_SCALE = 4000.0
_SHORTEST_MS, _LONGEST_MS = 1000.0, 86_400_000.0
_ROW_HEIGHTS = {"video": 68, "audio": 46, "text": 30, "other": 30}
_GAP = 6
_TICK_PIXELS, _LABEL_PIXELS = 64.0, 40.0
_TICK_STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10_800)
_MAX_CLIPS, _MAX_TILES = 2000, 600
_MAX_MARKS = 4
# The bottom of a video clip that its waveform takes.
_SOUND_SHARE = 0.34
# The top of an audio clip that its name takes.
_HEAD_HEIGHT = 17


class TimelineMedia(msgspec.Struct, frozen=True):
    """What the layout needs of a media file: its length in seconds, its previews as URLs or ""."""

    duration: float
    strip: str = ""
    tiles: int = 1
    waveform: str = ""


class Tile(msgspec.Struct, frozen=True):
    """A picture of a strip: its place in the clip, and its number in the strip."""

    x: float
    width: float
    index: int


class Waveform(msgspec.Struct, frozen=True):
    """The part of a waveform that a clip shows: seconds of the file, and its place in the clip."""

    url: str
    start: float
    seconds: float
    duration: float
    y: float
    height: float


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """A segment: pixels from the top left corner of the timeline; fades and transition in pixels.

    `marks` are short texts on it, such as `2x`; `title` says all of it in words.
    """

    id: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    label: str
    title: str
    marks: tuple[str, ...] = ()
    strip: str = ""
    strip_tiles: int = 1
    picture_height: float = 0.0
    tiles: tuple[Tile, ...] = ()
    waveform: Waveform | None = None
    fade_in: float = 0.0
    fade_out: float = 0.0
    transition: float = 0.0
    transition_title: str = ""
    is_muted: bool = False


class Row(msgspec.Struct, frozen=True):
    """A track: its name and its place."""

    label: str
    kind: str
    y: float
    height: float
    clips: tuple[Clip, ...]


class Tick(msgspec.Struct, frozen=True):
    """A mark of the ruler; `label` is "" for a small one."""

    x: float
    label: str


class SourceSpan(msgspec.Struct, frozen=True):
    """Seconds of a played file and where they are on the timeline, at a speed."""

    start: float
    end: float
    at: float
    speed: float


class Timeline(msgspec.Struct, frozen=True):
    """A whole drawing; `left_out` counts clips beyond the 2,000 that are drawn."""

    width: float
    height: float
    scale: float
    duration: float
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    left_out: int


def to_pixels(ms: float, scale: float) -> float:
    """Return the position of a time; `scale` is in pixels per second."""
    return round(clamp_number(ms) * scale / 1000, 2)


def choose_scale(duration_ms: float, zoom: int, view: float = VIEW_WIDTH) -> float:
    """Return the pixels per second of a zoom: at 1 the whole timeline fits in `view` pixels.

    The drawing is at most 30,000 pixels wide, and a second at most 4,000.
    """
    seconds = max(clamp_number(duration_ms), _SHORTEST_MS) / 1000
    whole = view / seconds
    return round(max(min(whole * zoom, _MAX_SCALE, _MAX_WIDTH / seconds), whole / 1000), 6)


def timeline_length(draft: Draft) -> float:
    """Return the length of a draft in ms: its own, or the end of its last segment if later.

    A day is the most that is drawn.
    """
    ends = [segment_end_ms(s) for track in draft.tracks or () for s in track.segments or ()]
    return min(max([0.0, clamp_number(draft.duration_ms or 0), *ends]), _LONGEST_MS)


def lay_out_timeline(
    draft: Draft,
    media: Mapping[str, TimelineMedia],
    zoom: int,
    language: str = "en",
    view: float = VIEW_WIDTH,
) -> Timeline:
    """Return the drawing of a draft; `media` are its files by id, `view` the pixels in view."""
    length = timeline_length(draft)
    scale = choose_scale(length, zoom, view)
    builder = _Builder(media, scale, language)
    y = float(RULER_HEIGHT)
    rows = []
    for track in _in_order(draft.tracks or ()):
        row = builder.row(track, y)
        rows.append(row)
        y += row.height + _GAP
    return Timeline(
        width=max(to_pixels(length, scale), to_pixels(_SHORTEST_MS, scale)),
        height=y,
        scale=scale,
        duration=length / 1000,
        rows=tuple(rows),
        ticks=tuple(_ticks(max(length, _SHORTEST_MS), scale)),
        left_out=builder.left_out,
    )


def source_spans(draft: Draft, asset_id: str) -> tuple[SourceSpan, ...]:
    """Return where the parts of a media file are on the lowest video track, in order of time."""
    videos = draft.of_type(TrackType.VIDEO)
    segments = videos[0].segments or () if videos else ()
    return tuple(
        SourceSpan(start, start + length * speed, at, speed)
        for segment in segments
        if segment.source == asset_id
        for start, length, at, speed in (_seconds(segment),)
        if length > 0
    )


def _seconds(segment: Segment) -> tuple[float, float, float, float]:
    """The start in the source, the length, the place on the timeline in seconds, and the speed."""
    return (
        max(clamp_number(segment.source_start_ms or 0), 0.0) / 1000,
        max(clamp_number(segment.duration_ms or 0), 0.0) / 1000,
        max(clamp_number(segment.start_ms or 0), 0.0) / 1000,
        _speed(segment),
    )


def _speed(segment: Segment) -> float:
    speed = float(clamp_number(segment.speed if segment.speed is not None else 1))
    return speed if speed > 0 else 1.0


def _in_order(tracks: Sequence[Track]) -> list[Track]:
    """Texts above pictures above sound, and the upper picture first, as editors draw them."""
    texts = [track for track in tracks if track.type == TrackType.TEXT]
    pictures = [track for track in tracks if track.type == TrackType.VIDEO]
    others = [track for track in tracks if track.type not in (TrackType.TEXT, TrackType.VIDEO)]
    return [*reversed(texts), *reversed(pictures), *others]


def _ticks(length_ms: float, scale: float) -> Iterator[Tick]:
    step = next((s for s in _TICK_STEPS if s * scale >= _TICK_PIXELS), _TICK_STEPS[-1])
    count = min(math.floor(length_ms / 1000 / step), int(_MAX_WIDTH / _TICK_PIXELS))
    for number in range(count + 1):
        x = to_pixels(number * step * 1000, scale)
        has_room = x + _LABEL_PIXELS <= to_pixels(length_ms, scale)
        yield Tick(x, _clock_time(number * step) if has_room else "")
        half = (number + 0.5) * step * 1000
        if half < length_ms:
            yield Tick(to_pixels(half, scale), "")


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 2), 60)
    return f"{int(minutes)}:{rest:05.2f}" if rest % 1 else f"{int(minutes)}:{int(rest):02}"


class _Builder:
    """Places the clips of a drawing and counts them."""

    def __init__(self, media: Mapping[str, TimelineMedia], scale: float, language: str) -> None:
        self._media = media
        self._scale = scale
        self._language = parse_language(language)
        self._clips_left = _MAX_CLIPS
        self._tiles_left = _MAX_TILES
        self.left_out = 0

    def row(self, track: Track, y: float) -> Row:
        kinds = {TrackType.VIDEO: "video", TrackType.AUDIO: "audio", TrackType.TEXT: "text"}
        kind = next((name for number, name in kinds.items() if track.type == number), "other")
        segments = track.segments or ()
        drawn = segments[: self._clips_left]
        self._clips_left -= len(drawn)
        self.left_out += len(segments) - len(drawn)
        height = _ROW_HEIGHTS[kind]
        label = translate_label(TRACK_LABELS, track_label(track), self._language)
        clips = tuple(self._clip(segment, track, kind, y, height) for segment in drawn)
        return Row(label, kind, y, height, clips)

    def _clip(self, segment: Segment, track: Track, kind: str, y: float, height: float) -> Clip:
        x = to_pixels(_within_a_day(segment.start_ms or 0), self._scale)
        # Not from the length: two clips that touch must touch in the drawing.
        width = max(to_pixels(_within_a_day(segment_end_ms(segment)), self._scale) - x, 1.0)
        name = segment_name(segment, track, self._language)
        media = self._media.get(segment.source or "")
        has_sound = media is not None and bool(media.waveform)
        sound_height = height - _HEAD_HEIGHT if kind == "audio" else height * _SOUND_SHARE
        picture_height = height - (sound_height if has_sound and kind == "video" else 0)
        transition = segment.transition
        across = clamp_number(transition.duration_ms or 0) if transition else 0.0
        return Clip(
            id=segment.id or "",
            kind=kind,
            x=x,
            y=y,
            width=round(width, 2),
            height=height,
            label=truncate_text(name, 60),
            title=self._title(segment, name),
            marks=tuple(self._marks(segment)),
            strip=media.strip if media is not None and kind == "video" else "",
            strip_tiles=media.tiles if media is not None else 1,
            picture_height=round(picture_height, 2),
            tiles=self._tiles(segment, media, width, picture_height) if kind == "video" else (),
            waveform=self._waveform(segment, media, height - sound_height, sound_height),
            fade_in=self._within(segment.fade_in_ms, width),
            fade_out=self._within(segment.fade_out_ms, width),
            transition=self._within(across, width * 2),
            transition_title=describe_transition(transition, self._language) if transition else "",
            is_muted=segment.volume == 0,
        )

    def _within(self, ms: float | None, most: float) -> float:
        return round(min(max(to_pixels(ms or 0, self._scale), 0.0), most), 2)

    def _title(self, segment: Segment, name: str) -> str:
        effects = [describe_wire_effect(e, self._language) for e in segment.effects or ()]
        parts = [
            truncate_text(name, 200),
            format_span(segment, self._language),
            *self._marks(segment),
        ]
        return " · ".join(dict.fromkeys([*parts, *effects[:_MAX_MARKS]]))

    def _marks(self, segment: Segment) -> Iterator[str]:
        chinese = self._language == "zh"
        if _speed(segment) != 1:
            yield f"{_speed(segment):g}×"
        if segment.volume == 0:
            yield "静音" if chinese else "muted"
        elif segment.volume is not None and segment.volume != 1:
            yield f"{clamp_number(segment.volume) * 100:.0f} %"
        if segment.effects:
            yield f"fx {len(segment.effects)}"

    def _tiles(
        self, segment: Segment, media: TimelineMedia | None, width: float, height: float
    ) -> tuple[Tile, ...]:
        """The pictures of a clip: each shows the moment at its left edge."""
        if media is None or not media.strip:
            return ()
        tile_width = height * TILE_WIDTH / TILE_HEIGHT
        count = min(math.ceil(width / tile_width), max(self._tiles_left, 1))
        self._tiles_left -= count
        start, length, _, speed = _seconds(segment)
        step = max(tile_width, width / count)
        tiles = []
        for number in range(count):
            share = number * step / width
            moment = start + share * length * speed
            tiles.append(Tile(round(number * step, 2), round(step, 2), _tile_index(moment, media)))
        return tuple(tiles)

    def _waveform(
        self, segment: Segment, media: TimelineMedia | None, y: float, height: float
    ) -> Waveform | None:
        if media is None or not media.waveform or media.duration <= 0:
            return None
        start, length, _, speed = _seconds(segment)
        seconds = max(length * speed, 0.001)
        return Waveform(
            media.waveform, round(start, 3), round(seconds, 3), media.duration, y, height
        )


def _within_a_day(ms: float) -> float:
    return min(max(clamp_number(ms), 0.0), _LONGEST_MS)


def _tile_index(moment: float, media: TimelineMedia) -> int:
    if media.duration <= 0:
        return 0
    return min(max(int(moment / media.duration * media.tiles), 0), media.tiles - 1)
