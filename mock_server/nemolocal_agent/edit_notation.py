"""The notation of edits as tables of TOML or JSON: scripted replies and fixtures use it.

Each table names its `edit` and the keys of it; `fixtures/phrases/README.md` lists them all. An
unknown key or value is an error that names it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from nemolocal_contract.effects import RemoveLogo

from . import intents
from .edit_forms import EditForm, audio_effect, overlay, placed, plain
from .edit_keys import EditKeys, NotationError
from .edit_readers import (
    PLACE_OF_REGION,
    add_captions,
    add_effect,
    add_music,
    add_sound,
    add_subtitle_file,
    add_subtitles,
    apply_lut,
    compress,
    fade,
    freeze_frame,
    generate,
    remove_clip,
    remove_subtitles,
    remove_watermark,
    replace_clip,
    replace_sound,
    set_aspect,
    set_volume,
    split,
    swap_clips,
)
from .intents import Edit


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
    "remove-watermark": EditForm(
        remove_watermark,
        intents.RemoveWatermark,
        {name: (RemoveLogo, name) for name in PLACE_OF_REGION},
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
"""The form of each edit of the tables."""
