"""The draft: the timeline as typed, frozen values, and its short names on the wire.

Wire names are short (`t`, `sg`, `d`, …: STA-2, and STA-4 for those that no source documents),
Python names are long. Reading an object never fails and loses nothing: unknown fields and values of
a wrong type are kept in `extra` and written back unchanged. The renderer decides whether a draft is
valid (REN-9).

All times are milliseconds.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import msgspec

Number = int | float

MAX_VALUES, MAX_LEVELS = 100_000, 50
"""How many JSON values a draft may contain, and how deep they may be nested."""


class TrackType(IntEnum):
    """The type of a track (`tt`)."""

    VIDEO = 0
    AUDIO = 1
    TEXT = 7


# A draft is a tree, which reference counts free: the garbage collector need not look at the
# thousands of segments of drafts that are kept.
class _Node(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    extra: dict[str, Any] = {}


class Style(_Node, frozen=True):
    """The style of a text: size in pixels of a 1080-line picture, colour and position by name."""

    size: Number | None = None
    color: str | None = None
    position: str | None = None
    font: str | None = None


class Transition(_Node, frozen=True):
    """The transition from a segment to the next one."""

    type: str | None = None
    duration_ms: Number | None = None


class Segment(_Node, frozen=True):
    """A part of a source, or a text, at a place on the timeline.

    `start_ms` and `duration_ms` are on the timeline, `source_start_ms` is in the source; absent
    fields are None.
    """

    id: str | None = None
    start_ms: Number | None = None
    duration_ms: Number | None = None
    source: str | None = None
    source_start_ms: Number | None = None
    speed: Number | None = None
    volume: Number | None = None
    text: str | None = None
    style: Style | None = None
    fade_in_ms: Number | None = None
    fade_out_ms: Number | None = None
    transition: Transition | None = None
    effects: tuple[dict[str, Any], ...] | None = None
    metadata: dict[str, Any] | None = None

    @property
    def end_ms(self) -> Number:
        """The end of the segment on the timeline."""
        return (self.start_ms or 0) + (self.duration_ms or 0)


class Track(_Node, frozen=True):
    """A track of segments of one type, a `TrackType` or another whole number."""

    type: Number | None = None
    id: str | None = None
    name: str | None = None
    segments: tuple[Segment, ...] | None = None
    metadata: dict[str, Any] | None = None


class Metadata(_Node, frozen=True):
    """The title, size (pixels), frame rate and compression of a draft.

    The last three fields are an assumption (STA-4). `compression` asks for a small file:
    `{"mode": "rtk"}` (smaller than the sources without visible loss),
    `{"mode": "size", "megabytes": 10}` (at most 10,000,000 bytes) or
    `{"mode": "quality", "quality": "low"}` (or medium, high). `fit` says how clips of another
    aspect ratio fill the picture: `pad` (black bars, the default), `crop` or `blur` (before a
    blurred copy). `resolution` is `720p`, `1080p` or `4k`; the export request can override it.
    """

    title: str | None = None
    width: Number | None = None
    height: Number | None = None
    fps: Number | None = None
    compression: dict[str, Any] | None = None
    fit: str | None = None
    resolution: str | None = None


class Draft(_Node, frozen=True):
    """A timeline."""

    tracks: tuple[Track, ...] | None = None
    duration_ms: Number | None = None
    metadata: Metadata | None = None

    @property
    def ready(self) -> bool:
        """Whether the draft can be exported: some track has a segment (STA-3)."""
        return any(track.segments for track in self.tracks or ())

    def of_type(self, kind: TrackType) -> list[Track]:
        """Return the tracks of one type, in order."""
        return [track for track in self.tracks or () if track.type == kind]


class _Mismatch:
    """Marks a value of a wrong type, which stays in `extra`."""


_MISMATCH = _Mismatch()
_Reader = Callable[[Any], Any]
N = TypeVar("N", bound=_Node)


def _scalar(*kinds: type) -> _Reader:
    return lambda value: value if type(value) in kinds else _MISMATCH


def _whole_number(value: Any) -> Any:
    """Read a whole number; JSON has one type of number, so 7.0 is one, and stays as it is."""
    is_whole = type(value) is int or (type(value) is float and value.is_integer())
    return value if is_whole else _MISMATCH


def _objects(value: Any) -> Any:
    fits = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return tuple(value) if fits else _MISMATCH


class _NodeReader(msgspec.Struct, frozen=True):
    """Reads an object as a node of a class, or a list of them."""

    cls: type[_Node]
    many: bool = False

    def __call__(self, value: Any) -> Any:
        if not self.many:
            return _read(self.cls, value) if isinstance(value, dict) else _MISMATCH
        items = _objects(value)
        return items if items is _MISMATCH else tuple(_read(self.cls, item) for item in items)


_text = _scalar(str)
_number = _scalar(int, float)
_object = _scalar(dict)

# Class → wire name → (Python name, reader of the value).
_FIELDS: dict[type[_Node], dict[str, tuple[str, _Reader]]] = {
    Style: {
        "size": ("size", _number),
        "color": ("color", _text),
        "pos": ("position", _text),
        "font": ("font", _text),
    },
    Transition: {"type": ("type", _text), "d": ("duration_ms", _number)},
    Segment: {
        "id": ("id", _text),
        "s": ("start_ms", _number),
        "d": ("duration_ms", _number),
        "src": ("source", _text),
        "ss": ("source_start_ms", _number),
        "sp": ("speed", _number),
        "v": ("volume", _number),
        "txt": ("text", _text),
        "st": ("style", _NodeReader(Style)),
        "fi": ("fade_in_ms", _number),
        "fo": ("fade_out_ms", _number),
        "tr": ("transition", _NodeReader(Transition)),
        "fx": ("effects", _objects),
        "m": ("metadata", _object),
    },
    Track: {
        "tt": ("type", _whole_number),
        "id": ("id", _text),
        "n": ("name", _text),
        "sg": ("segments", _NodeReader(Segment, many=True)),
        "m": ("metadata", _object),
    },
    Metadata: {
        "title": ("title", _text),
        "width": ("width", _number),
        "height": ("height", _number),
        "fps": ("fps", _number),
        "compress": ("compression", _object),
        "fit": ("fit", _text),
        "resolution": ("resolution", _text),
    },
    Draft: {
        "t": ("tracks", _NodeReader(Track, many=True)),
        "d": ("duration_ms", _number),
        "m": ("metadata", _NodeReader(Metadata)),
    },
}


# Class → its fields that are nodes: Python name, wire name, reader.
_CHILDREN = {
    cls: tuple(
        (name, short, reader)
        for short, (name, reader) in fields.items()
        if isinstance(reader, _NodeReader)
    )
    for cls, fields in _FIELDS.items()
}
# Class → getters of all that can have a field of a wrong type.
_DOUBTFUL = {
    cls: [attrgetter(name) for name in ("extra", *(name for name, _, _ in children))]
    for cls, children in _CHILDREN.items()
}


class MistypedField(NamedTuple):
    """A field of a node whose value has a wrong type: `.t[0].sg[1].d`, and the value."""

    path: str
    value: Any


def find_mistyped_field(node: _Node) -> MistypedField | None:
    """Return the first field below a node whose value has a wrong type and is not null (REN-9)."""
    if node.extra:
        for short, value in node.extra.items():
            if short in _FIELDS[type(node)] and value is not None:
                return MistypedField(f".{short}", value)
    for name, short, reader in _CHILDREN[type(node)]:
        child = getattr(node, name)
        items = child if reader.many else (child,)
        # Most segments have neither, which `map` tells in a third of the time.
        if not child or not any(any(map(get, items)) for get in _DOUBTFUL[reader.cls]):
            continue
        for index, item in enumerate(items):
            if (found := find_mistyped_field(item)) is not None:
                place = f".{short}[{index}]" if reader.many else f".{short}"
                return MistypedField(place + found.path, found.value)
    return None


def _read(cls: type[N], wire: Mapping[str, Any]) -> N:
    fields = _FIELDS[cls]
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for short, value in wire.items():
        name, reader = fields.get(short, (short, None))
        parsed = _MISMATCH if reader is None else reader(value)
        if parsed is _MISMATCH:
            extra[short] = value
        else:
            known[name] = parsed
    return cls(extra=extra, **known)


def _write(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if not isinstance(value, _Node):
        return value
    wire = dict(value.extra)
    for short, (name, _) in _FIELDS[type(value)].items():
        field = getattr(value, name)
        if field is not None:
            wire[short] = _write(field)
    return wire


def find_excess(wire: object) -> str:
    """Return why a JSON value is too large for a draft, "" if it is not.

    Unknown fields may contain anything, and whatever copies or compares it does so by recursion.
    """
    level: list[object] = [wire]
    count = 0
    for _ in range(MAX_LEVELS + 1):
        parents = [value for value in level if isinstance(value, dict | list)]
        if not parents:
            return ""
        count += sum(map(len, parents))
        if count > MAX_VALUES:
            return f"has more than {MAX_VALUES} values"
        level = []
        for parent in parents:
            level += parent.values() if isinstance(parent, dict) else parent
    return f"is nested more than {MAX_LEVELS} levels deep"


def draft_from_wire(wire: Mapping[str, Any]) -> Draft:
    """Read a draft from any JSON object; nothing is lost or refused."""
    return _read(Draft, wire)


def draft_to_wire(draft: Draft) -> dict[str, Any]:
    """Return the JSON object of a draft in wire names, with its unknown fields (STA-4)."""
    wire: dict[str, Any] = _write(draft)
    return wire


def draft_wire_names() -> frozenset[str]:
    """Return the names of all fields of a draft on the wire, at any depth (STA-2, STA-4)."""
    return frozenset(name for fields in _FIELDS.values() for name in fields)
