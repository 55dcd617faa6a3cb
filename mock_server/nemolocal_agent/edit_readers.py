"""The readers of edits whose keys are not just the fields of the intent."""

import re

import msgspec

from nemolocal_contract.effect_presets import effect_presets
from nemolocal_contract.effects import EFFECTS, RemoveLogo, effect_from_wire

from . import intents
from .edit_forms import MS_SCHEMA, PLACE_SCHEMAS, SHARE_SCHEMA, form, place_fields
from .edit_keys import EditKeys, NotationError, point
from .intents import Edit

_SIDE = re.compile(r"[0-9]{1,6}")


@form(
    intents.Split,
    "parts",
    "every_ms",
    other={
        "at_ms": {"anyOf": [MS_SCHEMA, {"type": "array", "items": MS_SCHEMA}]},
        "at_share": {"anyOf": [SHARE_SCHEMA, {"type": "array", "items": SHARE_SCHEMA}]},
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
                "properties": {
                    "from_ms": MS_SCHEMA,
                    "to_ms": MS_SCHEMA,
                    "text": {"type": "string"},
                },
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


PLACE_OF_REGION = ("x", "y", "width", "height")


def remove_watermark(keys: EditKeys) -> Edit:
    """`x`, `y`, `width` and `height` of its place."""
    place = msgspec.convert(keys.some(*PLACE_OF_REGION), RemoveLogo)
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


@form(
    intents.AddSound,
    "name",
    "at_cuts",
    "duration_ms",
    other={"at_ms": MS_SCHEMA, "at_end": {"type": "boolean"}},
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


@form(intents.FreezeFrame, "duration_ms", about="clip", other=PLACE_SCHEMAS)
def freeze_frame(keys: EditKeys) -> Edit:
    """`duration_ms`; `at_ms`, `at_share` or `at_end`, of the video or of the `clip`."""
    fields = keys.some("duration_ms") | place_fields(keys) | keys.about("clip")
    return msgspec.convert(fields, intents.FreezeFrame)


@form(intents.ReplaceClip, renamed={"upload": "name"}, about="clip")
def replace_clip(keys: EditKeys) -> Edit:
    """`clip`, and the `upload` to show in its place."""
    fields = {"selector": {}, **keys.about("clip"), **keys.renamed("upload", "name")}
    return msgspec.convert(fields, intents.ReplaceClip)


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
