"""The notation of edits as tables of TOML or JSON: scripted replies and fixtures use it.

Each table names its `edit` and the keys of it; `fixtures/phrases/README.md` lists them all. An
unknown key or value is an error that names it.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import msgspec

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
_SPAN_KEYS = sorted(frozenset[str]().union(*_SPANS))
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
        given = self.some(*_SPAN_KEYS)
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


def plain(intent: type[Edit], *names: str, about: str = "", span: str = "") -> Reader:
    """A reader of an intent whose fields have the names of the keys.

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

    return read


def overlay(kind: str) -> Reader:
    """A reader of an overlay."""

    def read(keys: EditKeys) -> Edit:
        fields = keys.some("position", "width", "opacity") | keys.about("upload") | keys.span()
        return msgspec.convert({"kind": kind, **fields}, intents.AddOverlay)

    return read


def split(keys: EditKeys) -> Edit:
    """`parts`, or `at_ms` or `at_share`, one point of time or several."""
    fields = keys.some("parts", "every_ms")
    for key, value in keys.some("at_ms", "at_share").items():
        fields["at"] = [point(key, one) for one in (value if isinstance(value, list) else [value])]
    return msgspec.convert(fields, intents.Split)


def swap_clips(keys: EditKeys) -> Edit:
    """`clips`: the two clips to swap."""
    one, other = (EditKeys({"clip": clip}).about("clip")["selector"] for clip in keys.take("clips"))
    return msgspec.convert({"one": one, "other": other}, intents.SwapClips)


def remove_clip(keys: EditKeys) -> Edit:
    """`clip`, or all clips."""
    return msgspec.convert({"selector": {}, **keys.about("clip")}, intents.RemoveClip)


def set_volume(keys: EditKeys) -> Edit:
    """`volume` or `change`; `of` is the target."""
    fields = keys.some("volume", "change") | keys.renamed("of", "target")
    return msgspec.convert(fields | keys.about("clip", in_span=True), intents.SetVolume)


def add_music(keys: EditKeys) -> Edit:
    """`mood`, or the `upload` to play; `volume`, `duck`."""
    names = ("mood", "volume", "duck", "at_ms", "skip_ms")
    fields = keys.some(*names) | keys.renamed("upload", "name")
    return msgspec.convert(fields, intents.AddMusic)


def fade(keys: EditKeys) -> Edit:
    """`way` and `duration_ms`; `of` is the target."""
    fields = keys.some("way", "duration_ms") | keys.renamed("of", "target") | keys.about("clip")
    return msgspec.convert(fields, intents.Fade)


def remove_subtitles(_: EditKeys) -> Edit:
    """All subtitles."""
    return intents.RemoveTitle(subtitles=True)


def add_subtitles(keys: EditKeys) -> Edit:
    """`cues`, each with `from_ms`, `to_ms` and `text`."""
    cues = [
        {"start_ms": cue["from_ms"], "end_ms": cue["to_ms"], "text": cue["text"]}
        for cue in keys.take("cues")
    ]
    return msgspec.convert({"cues": cues}, intents.AddSubtitles)


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


def remove_watermark(keys: EditKeys) -> Edit:
    """`x`, `y`, `width` and `height` of its place."""
    place = RemoveLogo(**keys.some("x", "y", "width", "height"))
    selector = msgspec.convert(keys.about("clip", in_span=True), _Selected).selector
    return intents.RemoveWatermark(place, selector)


def audio_effect(intent: type[Edit], *names: str) -> Reader:
    """A reader of audio effects: `name`, whose sound (`of`), and the clip."""

    def read(keys: EditKeys) -> Edit:
        fields = keys.some(*names) | keys.renamed("of", "target")
        return msgspec.convert(fields | keys.about("clip", in_span=True), intent)

    return read


def add_sound(keys: EditKeys) -> Edit:
    """`name`; `at_ms`, `at_end` or `at_cuts`; `duration_ms`."""
    fields = {"name": None, **keys.some("name", "at_cuts", "duration_ms")}
    for at in keys.some("at_ms").values():
        fields["start"] = {"ms": at}
    if keys.some("at_end"):
        fields["start"] = {"before_end": True}
    return msgspec.convert(fields, intents.AddSound)


def _place(keys: EditKeys) -> dict[str, Any]:
    """The field `at` of `at_ms`, `at_share` or `at_end`, if one is there."""
    for key, value in keys.some("at_ms", "at_share").items():
        return {"at": point(key, value)}
    return {"at": {"before_end": True}} if keys.some("at_end") else {}


def placed(intent: type[Edit], *names: str) -> Reader:
    """A reader of an edit at a point of the video, or after a clip."""

    def read(keys: EditKeys) -> Edit:
        fields = keys.some(*names) | _place(keys)
        if "selector" in intent.__struct_fields__:
            fields |= keys.about("after_clip")
        return msgspec.convert(fields, intent)

    return read


def freeze_frame(keys: EditKeys) -> Edit:
    """`duration_ms`; `at_ms`, `at_share` or `at_end`, of the video or of the `clip`."""
    fields = keys.some("duration_ms") | _place(keys) | keys.about("clip")
    return msgspec.convert(fields, intents.FreezeFrame)


def replace_clip(keys: EditKeys) -> Edit:
    """`clip`, and the `upload` to show in its place."""
    fields = {"selector": {}, **keys.about("clip"), **keys.renamed("upload", "name")}
    return msgspec.convert(fields, intents.ReplaceClip)


def compress(keys: EditKeys) -> Edit:
    """Below `megabytes`, at a `quality`, or without visible loss."""
    fields = keys.some("megabytes", "quality")
    modes = {"megabytes": "size", "quality": "quality"}
    mode = next((modes[key] for key in fields), "rtk")
    return msgspec.convert({"mode": mode, **fields}, intents.Compress)


def generate(keys: EditKeys) -> Edit:
    """`scene` and `seconds`; the prompt is not compared."""
    fields = {"prompt": "", **keys.some("scene", "seconds")}
    return msgspec.convert(fields, intents.Generate)


EDITS: dict[str, Reader] = {
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
    "add-title": plain(
        intents.AddTitle, "text", "color", "position", "size", "animation", span="own"
    ),
    "change-title": plain(
        intents.ChangeTitle,
        "text",
        "color",
        "position",
        "size",
        "grow",
        "shift",
        "animation",
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
    "remove-watermark": remove_watermark,
    "key-out": plain(intents.KeyOut, "color", "background", "backdrop"),
    "split-screen": plain(intents.SplitScreen, "layout", "name"),
    "compress": compress,
    "generate": generate,
    "audio-effect": audio_effect(intents.ApplyAudioEffect, "name", "amount"),
    "remove-audio-effects": audio_effect(intents.RemoveAudioEffects, "name"),
    "add-sound": add_sound,
    "remove-sounds": plain(intents.RemoveSounds, "name"),
    "replace-sound": lambda keys: intents.ReplaceSound(keys.take("upload")),
    "cut-silence": plain(
        intents.CutSilence, "min_ms", "level_db", "place", about="clip", span="clip"
    ),
    "add-captions": plain(intents.AddCaptions, "by_word"),
    "keep-highlights": plain(intents.KeepHighlights, "duration_ms"),
    "freeze-frame": freeze_frame,
    "boomerang": plain(intents.Boomerang, about="clip", span="clip"),
    "speed-ramp": plain(intents.SpeedRamp, "start", "end", about="clip", span="clip"),
    "seamless-loop": plain(intents.SeamlessLoop),
    "shuffle-clips": plain(intents.ShuffleClips),
    "insert-gap": placed(intents.InsertGap, "duration_ms"),
    "replace-clip": replace_clip,
    "reverse-sound": plain(intents.ReverseSound, about="clip", span="clip"),
    "add-card": placed(intents.AddCard, "text", "role", "duration_ms", "color"),
    "add-countdown": placed(intents.AddCountdown, "seconds"),
    "add-timer": plain(intents.AddTimer, "down", "position", "color", "size", span="own"),
    "add-progress-bar": plain(intents.AddProgressBar, "color", "position"),
    "remove-timer": plain(intents.RemoveTimer),
    "remove-progress-bar": plain(intents.RemoveProgressBar),
    "undo": plain(intents.Undo, "steps"),
    "redo": plain(intents.Redo, "steps"),
    "start-over": plain(intents.StartOver),
}
"""The reader of each edit of the tables."""
