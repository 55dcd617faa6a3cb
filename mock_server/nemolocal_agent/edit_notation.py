"""The notation of edits as tables of TOML or JSON: scripted replies and fixtures use it.

Each table names its `edit` and the keys of it; `fixtures/phrases/README.md` lists them all. An
unknown key or value is an error that names it.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Literal

import msgspec

from nemolocal_contract.audio_effects import audio_effect_rows
from nemolocal_contract.effect_presets import effect_presets
from nemolocal_contract.effects import EFFECTS, RemoveLogo, effect_from_wire

from . import intents
from .intents import Edit

# The keys that name a span, alone or two together.
_SPANS = {
    frozenset(keys.split())
    for keys in (
        "throughout", "first_ms", "last_ms", "middle_ms", "from_ms", "from_ms to_ms",
        "first_share", "last_share", "from_share", "from_share to_share",
    )
}  # fmt: skip
SPAN_KEYS = sorted(frozenset[str]().union(*_SPANS))
"""The keys that name a span."""
_SIDE = re.compile(r"[0-9]{1,6}")
_FRACTION = re.compile(r"[0-9]{1,6}/0*[1-9][0-9]{0,5}")


class NotationError(ValueError):
    """A table that is not in the notation; the message names the key."""


def read_edit(table: Mapping[str, Any]) -> Edit:
    """One edit. Raises `NotationError`, which names the key."""
    keys = EditKeys(table)
    name = str(keys.take("edit"))
    if name not in EDITS:
        raise NotationError(f"unknown edit {name!r}; known are {', '.join(EDITS)}")
    try:
        edit = EDITS[name](keys)
    except NotationError:
        raise
    except msgspec.ValidationError as error:
        raise NotationError(str(error)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise NotationError(f"{name!r} has a wrong value: {error}") from None
    if keys.unread:
        raise NotationError(f"{name!r} takes no {', '.join(keys.unread)}")
    return edit


class EditKeys:
    """The keys of an edit; `unread` are those that nobody has asked for.

    The methods return fields of an intent as plain values, which msgspec converts.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.unread = dict(table)

    def take(self, name: str) -> Any:
        """The value of a key. Raises NotationError if it is missing."""
        if name not in self.unread:
            raise NotationError(f"{name} is missing")
        return self.unread.pop(name)

    def some(self, *names: str) -> dict[str, Any]:
        """The keys among these that are there."""
        return {name: self.unread.pop(name) for name in names if name in self.unread}

    def renamed(self, name: str, field: str) -> dict[str, Any]:
        """The key under the name of a field, if it is there."""
        return {field: self.unread.pop(name)} if name in self.unread else {}

    def about(self, name: str, *, in_span: bool = False) -> dict[str, Any]:
        """The field `selector`: a number or a name, with `in_span` also a span."""
        selector: dict[str, Any] = {}
        for value in self.some(name).values():
            selector["name" if isinstance(value, str) else "number"] = value
        if in_span:
            selector |= self.span()
        return {"selector": selector} if selector else {}

    def span(self) -> dict[str, Any]:
        """The field `span`, if a span is named."""
        given = self.some(*SPAN_KEYS)
        if not given:
            return {}
        if frozenset(given) not in _SPANS:
            raise NotationError(f"{' and '.join(given)} together are not a span")
        span = {}
        if "middle_ms" in given:
            return {"span": msgspec.to_builtins(intents.middle_span(given["middle_ms"]))}
        for key, value in given.items():
            match key.partition("_")[0]:
                case "first" | "to":
                    span["end"] = point(key, value)
                case "from":
                    span["start"] = point(key, value)
                case "last":
                    span["start"] = {**point(key, value), "before_end": True}
        return {"span": span}


def point(key: str, value: Any) -> dict[str, Any]:
    """The fields of a TimelinePoint; the key ends in `_ms` or in `_share`."""
    if not key.endswith("_share"):
        return {"ms": value}
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        return {"share": float(Fraction(value))}
    if isinstance(value, int | float):
        return {"share": value}
    raise NotationError(f"{key} = {value!r} is no share")


Reader = Callable[[EditKeys], Edit]
SpanPlace = Literal["", "own", "clip"]
_NO_KEYS: Mapping[str, Any] = {}


class EditForm(msgspec.Struct, frozen=True):
    """How an edit is written: its reader, and what its keys are, for `edit_schemas`.

    `fields` are the keys whose values are fields of a struct, with the struct and the field;
    `about` is the key of the selector, `has_span` says whether the keys of a span are possible.
    `other` are the JSON schemas of keys that are no fields of their own. `required` are the keys
    that cannot be left out, if the fields of the intent do not say so.
    """

    read: Reader
    intent: type[Edit]
    fields: Mapping[str, tuple[type[msgspec.Struct], str]] = {}
    about: str = ""
    has_span: bool = False
    other: Mapping[str, Mapping[str, Any]] = {}
    required: tuple[str, ...] | None = None

    def __call__(self, keys: EditKeys) -> Edit:
        """Read the edit."""
        return self.read(keys)


def form(
    intent: type[Edit],
    *names: str,
    about: str = "",
    has_span: bool = False,
    of: str = "",
    renamed: Mapping[str, str] = _NO_KEYS,
    other: Mapping[str, Mapping[str, Any]] = _NO_KEYS,
    required: tuple[str, ...] | None = None,
) -> Callable[[Reader], EditForm]:
    """Describe a reader: `names` are fields with the names of their keys, `renamed` others.

    `of` is the field that has the key `of`.
    """
    keys = {name: name for name in names} | dict(renamed) | ({"of": of} if of else {})
    fields = {key: (intent, field) for key, field in keys.items()}
    return lambda read: EditForm(read, intent, fields, about, has_span, other, required)


def plain(intent: type[Edit], *names: str, about: str = "", span: SpanPlace = "") -> EditForm:
    """The form of an intent whose fields have the names of the keys.

    `about` is the key of the selector. `span` is "own" if the intent has a span, "clip" if the span
    is part of the selector.
    """

    def read(keys: EditKeys) -> Edit:
        fields = keys.some(*names)
        if about:
            fields |= keys.about(about, in_span=span == "clip")
        if span == "own":
            fields |= keys.span()
        return msgspec.convert(fields, intent)

    return form(intent, *names, about=about, has_span=bool(span))(read)


def overlay(kind: str) -> EditForm:
    """The form of an overlay."""

    @form(intents.AddOverlay, "position", "width", "opacity", about="upload", has_span=True)
    def read(keys: EditKeys) -> Edit:
        fields = keys.some("position", "width", "opacity") | keys.about("upload") | keys.span()
        return msgspec.convert({"kind": kind, **fields}, intents.AddOverlay)

    return read


_MS: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_SHARE: Mapping[str, Any] = {"type": ["number", "string"]}


@form(
    intents.Split,
    "parts",
    "every_ms",
    other={
        "at_ms": {"anyOf": [_MS, {"type": "array", "items": _MS}]},
        "at_share": {"anyOf": [_SHARE, {"type": "array", "items": _SHARE}]},
    },
)
def split(keys: EditKeys) -> Edit:
    """`parts`, or `at_ms` or `at_share`, one point of time or several."""
    fields = keys.some("parts", "every_ms")
    for key, value in keys.some("at_ms", "at_share").items():
        fields["at"] = [point(key, one) for one in (value if isinstance(value, list) else [value])]
    return msgspec.convert(fields, intents.Split)


@form(
    intents.SwapClips,
    other={
        "clips": {
            "type": "array",
            "items": {"type": ["integer", "string"]},
            "minItems": 2,
            "maxItems": 2,
        }
    },
    required=("clips",),
)
def swap_clips(keys: EditKeys) -> Edit:
    """`clips`: the two clips to swap."""
    one, other = (EditKeys({"clip": clip}).about("clip")["selector"] for clip in keys.take("clips"))
    return msgspec.convert({"one": one, "other": other}, intents.SwapClips)


@form(intents.RemoveClip, about="clip")
def remove_clip(keys: EditKeys) -> Edit:
    """`clip`, or all clips."""
    return msgspec.convert({"selector": {}, **keys.about("clip")}, intents.RemoveClip)


@form(intents.SetVolume, "volume", "change", of="target", about="clip", has_span=True)
def set_volume(keys: EditKeys) -> Edit:
    """`volume` or `change`; `of` is the target."""
    fields = keys.some("volume", "change") | keys.renamed("of", "target")
    return msgspec.convert(fields | keys.about("clip", in_span=True), intents.SetVolume)


@form(intents.AddMusic, "mood", "volume", "duck", "at_ms", "skip_ms", renamed={"upload": "name"})
def add_music(keys: EditKeys) -> Edit:
    """`mood`, or the `upload` to play; `volume`, `duck`."""
    names = ("mood", "volume", "duck", "at_ms", "skip_ms")
    fields = keys.some(*names) | keys.renamed("upload", "name")
    return msgspec.convert(fields, intents.AddMusic)


@form(intents.Fade, "way", "duration_ms", of="target", about="clip")
def fade(keys: EditKeys) -> Edit:
    """`way` and `duration_ms`; `of` is the target."""
    fields = keys.some("way", "duration_ms") | keys.renamed("of", "target") | keys.about("clip")
    return msgspec.convert(fields, intents.Fade)


@form(intents.RemoveTitle)
def remove_subtitles(_: EditKeys) -> Edit:
    """All subtitles."""
    return intents.RemoveTitle(subtitles=True)


@form(
    intents.AddSubtitles,
    other={
        "cues": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"from_ms": _MS, "to_ms": _MS, "text": {"type": "string"}},
                "required": ["from_ms", "to_ms", "text"],
            },
        }
    },
    required=("cues",),
)
def add_subtitles(keys: EditKeys) -> Edit:
    """`cues`, each with `from_ms`, `to_ms` and `text`."""
    cues = [
        {"start_ms": cue["from_ms"], "end_ms": cue["to_ms"], "text": cue["text"]}
        for cue in keys.take("cues")
    ]
    return msgspec.convert({"cues": cues}, intents.AddSubtitles)


@form(
    intents.SetAspect,
    "width",
    "height",
    "fit",
    other={"ratio": {"type": "string", "description": 'such as "9:16"'}},
    required=(),
)
def set_aspect(keys: EditKeys) -> Edit:
    """`ratio`, like "9:16", or `width` and `height`; `fit`."""
    if "ratio" not in keys.unread:
        fields = {"width": keys.take("width"), "height": keys.take("height")}
    else:
        width, _, height = str(keys.take("ratio")).partition(":")
        if not (_SIDE.fullmatch(width) and _SIDE.fullmatch(height)):
            raise NotationError('ratio is two whole numbers, like "9:16"')
        fields = {"width": int(width), "height": int(height)}
    return msgspec.convert({**fields, **keys.some("fit")}, intents.SetAspect)


@form(intents.ApplyEffect, about="clip", has_span=True)
def add_effect(keys: EditKeys) -> Edit:
    """`type` is the type of the effect; its fields have the names of the wire."""
    name = keys.take("type")
    fields = _effect_fields(name) if isinstance(name, str) else ()
    effect = effect_from_wire({"type": name, **keys.some(*fields)})
    if effect is None:
        known = ", ".join([*EFFECTS, *effect_presets()])
        raise NotationError(f"unknown effect {name!r}; known are {known}")
    selector = msgspec.convert(keys.about("clip", in_span=True), _Selected).selector
    return intents.ApplyEffect(effect, selector)


def _effect_fields(name: str) -> tuple[str, ...]:
    if name in effect_presets():
        return ("amount", "color")
    return EFFECTS[name].__struct_fields__ if name in EFFECTS else ()


class _Selected(msgspec.Struct):
    selector: intents.Selector = intents.SELECT_ALL


_PLACE = ("x", "y", "width", "height")


def remove_watermark(keys: EditKeys) -> Edit:
    """`x`, `y`, `width` and `height` of its place."""
    place = msgspec.convert(keys.some(*_PLACE), RemoveLogo)
    selector = msgspec.convert(keys.about("clip", in_span=True), _Selected).selector
    return intents.RemoveWatermark(place, selector)


@form(intents.AddCaptions, "by_word")
def add_captions(keys: EditKeys) -> Edit:
    """`by_word`, and `words` of a script; a model hears none, so its form has no such key."""
    return msgspec.convert(keys.some("by_word", "words"), intents.AddCaptions)


@form(intents.AddSubtitleFile, renamed={"upload": "name"})
def add_subtitle_file(keys: EditKeys) -> Edit:
    """`upload`: the file, if there are several."""
    return msgspec.convert(keys.renamed("upload", "name"), intents.AddSubtitleFile)


@form(intents.ApplyLut, "amount", renamed={"upload": "name"}, about="clip", has_span=True)
def apply_lut(keys: EditKeys) -> Edit:
    """`upload`, `amount`, and the clip."""
    fields = keys.some("amount") | keys.renamed("upload", "name")
    return msgspec.convert(fields | keys.about("clip", in_span=True), intents.ApplyLut)


def audio_effect(intent: type[Edit], *names: str) -> EditForm:
    """The form of audio effects: `name`, whose sound (`of`), and the clip."""

    @form(intent, *names, of="target", about="clip", has_span=True)
    def read(keys: EditKeys) -> Edit:
        fields = keys.some(*names) | keys.renamed("of", "target")
        edit = msgspec.convert(fields | keys.about("clip", in_span=True), intent)
        if isinstance(edit, intents.ApplyAudioEffect) and edit.amount is not None:
            row = audio_effect_rows().get(edit.name)
            if row is not None and row.amount is None:
                raise NotationError(f"{edit.name} has no amount")
        return edit

    return read


@form(
    intents.AddSound,
    "name",
    "at_cuts",
    "duration_ms",
    other={"at_ms": _MS, "at_end": {"type": "boolean"}},
    required=(),
)
def add_sound(keys: EditKeys) -> Edit:
    """`name`; `at_ms`, `at_end` or `at_cuts`; `duration_ms`."""
    fields = {"name": None, **keys.some("name", "at_cuts", "duration_ms")}
    for at in keys.some("at_ms").values():
        fields["start"] = {"ms": at}
    if keys.some("at_end"):
        fields["start"] = {"before_end": True}
    return msgspec.convert(fields, intents.AddSound)


@form(intents.ReplaceSound, renamed={"upload": "name"})
def replace_sound(keys: EditKeys) -> Edit:
    """`upload`: what is played."""
    return msgspec.convert({"name": keys.take("upload")}, intents.ReplaceSound)


@form(intents.Compress, "megabytes", "quality")
def compress(keys: EditKeys) -> Edit:
    """Below `megabytes`, at a `quality`, or without visible loss."""
    fields = keys.some("megabytes", "quality")
    modes = {"megabytes": "size", "quality": "quality"}
    mode = next((modes[key] for key in fields), "rtk")
    return msgspec.convert({"mode": mode, **fields}, intents.Compress)


@form(intents.Generate, "scene", "seconds")
def generate(keys: EditKeys) -> Edit:
    """`scene` and `seconds`; the prompt is not compared."""
    fields = {"prompt": "", **keys.some("scene", "seconds")}
    return msgspec.convert(fields, intents.Generate)


EDITS: dict[str, EditForm] = {
    "place-uploads": plain(intents.PlaceUploads, about="upload"),
    "keep": plain(intents.KeepSpan, about="clip", span="own"),
    "remove": plain(intents.RemoveSpan, about="clip", span="own"),
    "remove-clip": remove_clip,
    "split": split,
    "move-clip": plain(intents.MoveClip, "to", about="clip"),
    "swap-clips": swap_clips,
    "reverse-order": plain(intents.ReverseOrder),
    "merge": plain(intents.Merge),
    "loop": plain(intents.Loop, "times", "duration_ms", about="clip"),
    "slideshow": plain(intents.Slideshow, "each_ms", "total_ms"),
    "set-speed": plain(intents.SetSpeed, "factor", "duration_ms", about="clip", span="clip"),
    "set-volume": set_volume,
    "add-music": add_music,
    "duck-music": plain(intents.DuckMusic),
    "remove-music": plain(intents.RemoveMusic),
    "fade": fade,
    "add-title": plain(intents.AddTitle, "text", "color", "position", "size", span="own"),
    "change-title": plain(
        intents.ChangeTitle,
        "text",
        "color",
        "position",
        "size",
        "grow",
        "shift",
        about="title",
        span="own",
    ),
    "remove-title": plain(intents.RemoveTitle, about="title"),
    "add-subtitles": add_subtitles,
    "remove-subtitles": remove_subtitles,
    "set-aspect": set_aspect,
    "aspect": set_aspect,
    "set-fit": plain(intents.SetFit, "fit"),
    "set-resolution": plain(intents.SetResolution, "resolution", "upscale"),
    "set-frame-rate": plain(intents.SetFrameRate, "fps"),
    "add-effect": add_effect,
    "remove-effects": plain(intents.RemoveEffects, "type", "colors_only", about="clip"),
    "add-transition": plain(intents.AddTransition, "type", "duration_ms", about="after_clip"),
    "remove-transitions": plain(intents.RemoveTransitions),
    "add-picture-in-picture": overlay("picture-in-picture"),
    "add-watermark": overlay("watermark"),
    "remove-overlays": plain(intents.RemoveOverlays),
    "remove-watermark": EditForm(
        remove_watermark,
        intents.RemoveWatermark,
        {name: (RemoveLogo, name) for name in _PLACE},
        about="clip",
        has_span=True,
    ),
    "key-out": plain(intents.KeyOut, "color", "background", "backdrop"),
    "split-screen": plain(intents.SplitScreen, "layout", "name"),
    "compress": compress,
    "generate": generate,
    "audio-effect": audio_effect(intents.ApplyAudioEffect, "name", "amount"),
    "remove-audio-effects": audio_effect(intents.RemoveAudioEffects, "name"),
    "add-sound": add_sound,
    "remove-sounds": plain(intents.RemoveSounds, "name"),
    "replace-sound": replace_sound,
    "cut-silence": plain(
        intents.CutSilence, "min_ms", "level_db", "place", about="clip", span="clip"
    ),
    "add-captions": add_captions,
    "add-subtitle-file": add_subtitle_file,
    "apply-lut": apply_lut,
    "keep-highlights": plain(intents.KeepHighlights, "duration_ms"),
    "undo": plain(intents.Undo, "steps"),
    "redo": plain(intents.Redo, "steps"),
    "start-over": plain(intents.StartOver),
}
"""The form of each edit of the tables."""
