"""The rules that extract edits from a clause: the first one that matches its symbols decides.

The edits must account for every word of the clause.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

from .. import intents
from ..intents import Edit
from ..understanding import Note
from .clause_coverage import FADE_SYMBOLS, TRANSITION_SYMBOLS, covers_clause
from .extractors.addition_extractors import extract_generation, extract_overlay, extract_transition
from .extractors.audio_extractors import extract_fade, extract_music, extract_volume
from .extractors.card_extractors import extract_card
from .extractors.clause import Clause
from .extractors.clip_extractors import (
    extract_extension,
    extract_history,
    extract_loop,
    extract_merge,
    extract_move,
    extract_picture_video,
    extract_place_uploads,
    extract_remove_clip,
    extract_reverse_order,
    extract_slideshow,
    extract_speed,
    extract_split,
    extract_split_into_parts,
    extract_swap,
)
from .extractors.composition_extractors import extract_key_out, extract_split_screen
from .extractors.cut_extractors import extract_cut
from .extractors.effect_extractors import (
    EFFECT_SYMBOLS,
    extract_effect,
    extract_remove_effects,
    extract_side_crop,
    extract_tint,
)
from .extractors.format_extractors import extract_compression, extract_format
from .extractors.preset_extractors import (
    extract_color_hold,
    extract_effect_reset,
    extract_mood_look,
    extract_motion,
    extract_pixelation,
    extract_preset,
    extract_region,
    extract_smooth_rate,
    extract_upscaling,
)
from .extractors.sound_extractors import GENRE_PREFIX, SOUND_RULES
from .extractors.structure_extractors import (
    extract_animated_title,
    extract_boomerang,
    extract_clip_replacement,
    extract_countdown,
    extract_film_rate,
    extract_fit,
    extract_freeze,
    extract_gap,
    extract_progress_bar,
    extract_ramp,
    extract_reversed_sound,
    extract_seamless_loop,
    extract_shuffle,
    extract_timer,
)
from .extractors.title_extractors import extract_subtitles, extract_title
from .extractors.upload_extractors import extract_lut, extract_subtitle_file
from .lexer.tokens import LexToken, Slot, TokenKind, symbol_set
from .unsupported import is_unsupported

_Extractor = Callable[[Clause], list[Edit] | None]


_NO_SYMBOLS = symbol_set("")
_PICTURE_WORDS = symbol_set(
    "preset stabilize smoothmotion chromakey splitscreen upscale lut plate area"
)
_NOT_PICTURES = symbol_set(
    "title subtitles font music voice trim cut keep split move swap loop merge "
    "speed speedup slowdown faster slower slowmo timelapse",
    Slot.QUOTED_TEXT,
)
_TEXT_WORDS = symbol_set("title subtitles font", Slot.QUOTED_TEXT)
_HIDING = symbol_set("blur pixelate preset plate area watermark")
_SPEED = symbol_set("speed speedup slowdown faster slower slow fast slowmo timelapse", Slot.FACTOR)
_SOUND = symbol_set("volume sound voice louder quieter loud mute unmute", Slot.DECIBELS)
_FORMAT = symbol_set(
    "fill pad blurfit framerate resolution",
    Slot.ASPECT_RATIO,
    Slot.RESOLUTION,
    Slot.FRAME_RATE,
    Slot.PIXEL_SIZE,
)
_ATTRIBUTES = symbol_set(
    "volume speed size font opacity framerate resolution aspect", Slot.FRAME_RATE
)
_CUTS = symbol_set(
    "trim cut keep remove only take long set lower max start end stop move short removeends give "
    "later"
)

# Their values can differ from what was said; of other edits, only the box of a title does.
_NOTED_EDITS = (intents.AddMusic, intents.Generate, intents.SetResolution)
_EXPORTED_HEIGHTS = ("720", "1080", "2160")

# A rule applies to a clause with one of the first symbols and none of the second ones.
_RULES: list[tuple[frozenset[str], frozenset[str], _Extractor]] = [
    (symbol_set("", Slot.SUBTITLES), _NO_SYMBOLS, extract_subtitles),
    (
        symbol_set("lut", Slot.FILE_NAME),
        symbol_set("undo restart title font music sfx silentpart", Slot.QUOTED_TEXT),
        extract_lut,
    ),
    (
        symbol_set("subtitles captioning", Slot.FILE_NAME),
        symbol_set("font remove color size", Slot.QUOTED_TEXT),
        extract_subtitle_file,
    ),
    (symbol_set("typewriter karaoke banner"), _NO_SYMBOLS, extract_animated_title),
    (symbol_set("intro outro card creditsroll gap"), _NO_SYMBOLS, extract_card),
    (symbol_set("countdown"), symbol_set("timer"), extract_countdown),
    (symbol_set("timer"), _NO_SYMBOLS, extract_timer),
    (symbol_set("progressbar"), _NO_SYMBOLS, extract_progress_bar),
    (symbol_set("freeze"), _NO_SYMBOLS, extract_freeze),
    (symbol_set("boomerang"), _NO_SYMBOLS, extract_boomerang),
    (symbol_set("ramp"), _NO_SYMBOLS, extract_ramp),
    (symbol_set("fitinto"), _NO_SYMBOLS, extract_fit),
    (symbol_set("seamless"), _NO_SYMBOLS, extract_seamless_loop),
    (symbol_set("shuffle"), _NO_SYMBOLS, extract_shuffle),
    (symbol_set("gap between after before later earlier", Slot.COLOR), _TEXT_WORDS, extract_gap),
    (symbol_set("replace swap", Slot.FILE_NAME), _TEXT_WORDS, extract_clip_replacement),
    (symbol_set("reverse backwards"), symbol_set("order music"), extract_reversed_sound),
    (symbol_set("", Slot.FRAME_RATE), _TEXT_WORDS, extract_film_rate),
    *SOUND_RULES,
    (symbol_set("undo restart"), symbol_set("normal redo"), extract_effect_reset),
    (symbol_set("undo redo restart"), _PICTURE_WORDS | {"normal"}, extract_history),
    (symbol_set("slideshow"), _NO_SYMBOLS, extract_slideshow),
    (symbol_set("chromakey"), (_NOT_PICTURES - {"cut", "swap"}) | {"undo"}, extract_key_out),
    (symbol_set("splitscreen"), _NOT_PICTURES - {"move", "merge"}, extract_split_screen),
    (_HIDING, symbol_set("title font music transition", Slot.QUOTED_TEXT), extract_region),
    (
        symbol_set("photo"),
        symbol_set("title music corner cut trim remove", Slot.SCENE, *EFFECT_SYMBOLS),
        extract_picture_video,
    ),
    (symbol_set("longer"), symbol_set("title music"), extract_extension),
    (
        symbol_set("", Slot.COLOR),
        symbol_set("title subtitles font music watermark corner pad fill", Slot.QUOTED_TEXT),
        extract_tint,
    ),
    (
        symbol_set("", Slot.FILE_LIMIT),
        symbol_set("title music clip", Slot.FILE_SIZE, Slot.ASPECT_RATIO, Slot.RESOLUTION),
        extract_compression,
    ),
    (symbol_set("watermark pip overlay"), _NO_SYMBOLS, extract_overlay),
    (
        symbol_set("corner", Slot.POSITION),
        symbol_set("title subtitles font music remove", Slot.QUOTED_TEXT),
        extract_overlay,
    ),
    (symbol_set("duck duckhint music"), symbol_set("title", *TRANSITION_SYMBOLS), extract_music),
    (symbol_set("title subtitles font"), _NO_SYMBOLS, extract_title),
    (symbol_set("", Slot.QUOTED_TEXT), symbol_set("clip music watermark photo"), extract_title),
    (symbol_set("swap"), _NO_SYMBOLS, extract_swap),
    (symbol_set("preset"), _NOT_PICTURES, extract_preset),
    (symbol_set("grayscale"), _NOT_PICTURES - {"keep"}, extract_color_hold),
    (symbol_set("stabilize smoothmotion"), _NOT_PICTURES | TRANSITION_SYMBOLS, extract_motion),
    (symbol_set("", Slot.FRAME_RATE), _NOT_PICTURES, extract_smooth_rate),
    (symbol_set("upscale"), _NOT_PICTURES, extract_upscaling),
    (
        symbol_set("pixelate"),
        symbol_set("transition between after before clip", Slot.TIME) | _NOT_PICTURES,
        extract_pixelation,
    ),
    (TRANSITION_SYMBOLS, _NO_SYMBOLS, extract_transition),
    (FADE_SYMBOLS, symbol_set("remove"), extract_fade),
    (FADE_SYMBOLS, symbol_set("remove intro outro middle halfway"), extract_transition),
    (
        symbol_set("compress resolution", Slot.FILE_SIZE),
        symbol_set("", Slot.RESOLUTION, Slot.ASPECT_RATIO),
        extract_compression,
    ),
    (symbol_set("generate"), _NO_SYMBOLS, extract_generation),
    (
        symbol_set("", Slot.SCENE),
        symbol_set(
            "corner remove cut trim effect keep move first last loop speed compress edit gap card",
            Slot.FILE_NAME,
            Slot.MOOD,
            Slot.ORDINAL,
            *EFFECT_SYMBOLS,
        ),
        extract_generation,
    ),
    (
        _SOUND,
        symbol_set("brightness contrast saturation speed blur sharpen corner resolution order"),
        extract_volume,
    ),
    (symbol_set("order inorder"), _NO_SYMBOLS, extract_reverse_order),
    (symbol_set("together"), _NO_SYMBOLS, extract_merge),
    (symbol_set("merge"), _NO_SYMBOLS, extract_merge),
    (symbol_set("split"), symbol_set("remove"), extract_split),
    (symbol_set("cut"), symbol_set("remove keep"), extract_split_into_parts),
    (symbol_set("cut trim"), symbol_set("", Slot.TIME), extract_side_crop),
    (symbol_set("play"), symbol_set("backwards reverse title", *_SPEED), extract_loop),
    (
        symbol_set("cut"),
        symbol_set(
            "remove keep out off long only first last start end from between part to after before "
            "music speed",
            *_SOUND,
        ),
        extract_split,
    ),
    (symbol_set("loop"), _NO_SYMBOLS, extract_loop),
    (_SPEED, symbol_set("corner zoomin zoomout"), extract_speed),
    (symbol_set("fill pad blurfit", Slot.ASPECT_RATIO), symbol_set("remove"), extract_format),
    (symbol_set("", Slot.DEGREES, *EFFECT_SYMBOLS), symbol_set("order"), extract_effect),
    (symbol_set("slowly"), _NO_SYMBOLS, extract_speed),
    (symbol_set("color"), symbol_set("title font remove", Slot.COLOR), extract_effect),
    (symbol_set("effect"), _NO_SYMBOLS, extract_remove_effects),
    (symbol_set("", Slot.MOOD), _NOT_PICTURES | {"edit", Slot.SCENE}, extract_mood_look),
    (_FORMAT, symbol_set("edit"), extract_format),
    (symbol_set("move add set"), _NO_SYMBOLS, extract_move),
    (_CUTS, _ATTRIBUTES, extract_cut),
    (symbol_set("remove cancel"), _NO_SYMBOLS, extract_remove_clip),
    (symbol_set("edit add arrange generate"), _NO_SYMBOLS, extract_place_uploads),
]


@cache
def _rules_by_symbol() -> dict[str, list[int]]:
    """The numbers of the rules that apply to clauses with a symbol."""
    found: dict[str, list[int]] = {}
    for number, (needed, _, _) in enumerate(_RULES):
        for symbol in needed:
            found.setdefault(symbol, []).append(number)
    return found


def extract_edits(tokens: Iterable[LexToken], original: str) -> list[Edit] | None:
    """The edits that the tokens ask for; None if they are not understood."""
    clause = Clause(tokens, original)
    if is_unsupported(clause):
        return None
    words = clause.symbols
    rules = _rules_by_symbol()
    for number in sorted({n for word in words if word in rules for n in rules[word]}):
        _, forbidden, extract = _RULES[number]
        if not words.isdisjoint(forbidden):
            continue
        if "except" in words and extract not in (extract_cut, extract_color_hold):
            continue
        if edits := extract(clause):
            return edits if covers_clause(clause, edits) else None
        clause.reset_line()
    return None


def find_notes(tokens: Iterable[LexToken], edits: Iterable[Edit], original: str) -> list[Note]:
    """What the answer must say because the edits differ from the words: "no jazz: calm"."""
    tokens = list(tokens)
    if not any(isinstance(edit, _NOTED_EDITS) for edit in edits) and all(
        token.symbol != "boxed" for token in tokens
    ):
        return []
    words = [token for token in tokens if token.kind == TokenKind.UNKNOWN]
    music = words or [token for token in tokens if token.symbol.startswith(GENRE_PREFIX)]
    notes = [
        Note("no_box", original[token.start : token.end])
        for token in tokens
        if token.symbol == "boxed"
    ]
    for edit in edits:
        if isinstance(edit, intents.AddMusic) and edit.name is None and music:
            said = " ".join(original[word.start : word.end] for word in music)
            notes.append(Note("no_such_music", said))
        elif isinstance(edit, intents.Generate) and edit.scene == "abstract" and words:
            notes.append(Note("no_such_scene", edit.prompt))
        elif isinstance(edit, intents.SetResolution):
            notes += _find_resolution_notes(tokens, original)
    return notes


def _find_resolution_notes(tokens: Iterable[LexToken], original: str) -> list[Note]:
    """What to say where another height is chosen than was said: 480p becomes 720p."""
    said = (original[t.start : t.end] for t in tokens if t.symbol == Slot.RESOLUTION)
    heights = ((words, re.match(r"[0-9]{3,4}", words)) for words in said)
    return [
        Note("no_such_resolution", words)
        for words, height in heights
        if height is not None and height[0] not in _EXPORTED_HEIGHTS
    ]
