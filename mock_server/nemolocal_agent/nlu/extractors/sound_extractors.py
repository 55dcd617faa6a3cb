"""Extractors of audio effects, sound effects, silence, captions and highlights.

Each accounts for every word of the clause: with a word that it does not know it extracts nothing.
"""

import re
from collections.abc import Callable
from typing import Literal

from nemolocal_contract.audio_effects import AmountRange, audio_effect_rows, sound_rows

from ... import intents
from ...intents import (
    AddCaptions,
    AddMusic,
    AddSound,
    ApplyAudioEffect,
    CutSilence,
    Edit,
    KeepHighlights,
    RemoveAudioEffects,
    RemoveSounds,
    ReplaceSound,
    Selector,
    SetVolume,
    TimelinePoint,
)
from ..lexer.lexicon import AUDIO_EFFECT_SYMBOL, AUDIO_FAULT_SYMBOL, SOUND_SYMBOL
from ..lexer.tokens import REMOVAL_WORDS, Slot, TokenKind, slot_pattern, symbol_set
from .attribute_extractors import choose_by_degree, extract_number, extract_share
from .clause import Clause, extract_scope, extract_selectors, extract_span

_Extractor = Callable[[Clause], list[Edit] | None]
_TIMES = re.compile(rf" ({slot_pattern(Slot.TIME)})(?= )")
_AT_TIME = re.compile(rf" at {slot_pattern(Slot.TIME)} ")
_LESS = symbol_set("less lower down quieter low small smaller")
# Words that say nothing more about a sound: "the", "in the video", "please".
_PLAIN = symbol_set(
    "add set edit give generate play take it all to of in on for with at up more raise is who "
    "video clip sound voice music effect and by from that bit much slowly normal high "
    "throughout part sounding first last start end middle post volume later",
    Slot.TIME, Slot.PERCENT, Slot.FRACTION, Slot.NUMBER, Slot.ORDINAL, Slot.FILE_NAME,
    Slot.DECIBELS,
)  # fmt: skip
_NAMES_OF_PARTS = ("part", "moment", "bit", "scene")
GENRE_PREFIX = "genre_"
"""Begins the symbols of kinds of music that there are not."""
_SUBTITLE_FILES = ("srt", "vtt", "字幕文件")
_SILENT_FLAWS = ("pause", "silence", "dead air", "停顿", "空白", "冷场", "卡顿")
_SHORTER = ("under", "less", "short", "max")
_UNITS = symbol_set("decibel hertz semitone less")
_FIX = REMOVAL_WORDS | symbol_set("clean lower less trim cut edit")


def nearest_mood(clause: Clause) -> str | None:
    """The mood that comes nearest to a kind of music that there is not: `genre_lofi` is jazz."""
    found = (word for word in clause.symbols if word.startswith(GENRE_PREFIX))
    return next((word.removeprefix(GENRE_PREFIX) for word in found), None)


_EFFECT_SYMBOLS = (AUDIO_EFFECT_SYMBOL, AUDIO_FAULT_SYMBOL)


def _effect_names(clause: Clause, symbols: tuple[str, ...] = _EFFECT_SYMBOLS) -> list[str]:
    """The audio effects that are named, by themselves or by what they remove, in order."""
    return list(dict.fromkeys(t.value for t in clause.tokens if t.symbol in symbols))


def _sound_names(clause: Clause) -> list[str]:
    """The sound effects that are named, in order; none of the words "sound effect"."""
    named = (t.value for t in clause.tokens if t.symbol == SOUND_SYMBOL)
    return [name for name in dict.fromkeys(named) if name in sound_rows()]


def _knows_all(clause: Clause, *known: str) -> bool:
    """Whether the clause has no words but plain ones and these."""
    rest = clause.symbols - _PLAIN - _UNITS - set(known)
    return not any(word != Slot.UNKNOWN_WORD and not word.startswith(GENRE_PREFIX) for word in rest)


def _target(clause: Clause) -> Literal["video", "music"]:
    return "music" if clause.has_any("music") and not clause.has_any("video", "voice") else "video"


def extract_audio_effect(clause: Clause) -> list[Edit] | None:
    """Change how clips or the music sound, or remove such a change: "add reverb"."""
    if not _knows_all(clause, "audiofx", "audiofault", "sounding", "clean", *REMOVAL_WORDS, *_LESS):
        return None
    names, target = _effect_names(clause), _target(clause)
    if set(names) != set(_effect_names(clause, (AUDIO_EFFECT_SYMBOL,))):
        return None  # "hum the echo"
    if clause.has_any(*REMOVAL_WORDS):
        scopes = _scopes(clause)
        return [RemoveAudioEffects(name, target, one) for one in scopes for name in names]
    timed = _is_timed(clause, names)
    scopes = [Selector()] if timed else _scopes(clause)
    edits: list[Edit] = []
    for name in names:
        row = audio_effect_rows()[name]
        opposite = row.amount is not None and row.amount.opposite is not None
        if clause.has_any(*_LESS) and not opposite and name not in ("loudness", "deep-voice"):
            return None
        amount = _amount(clause, name, row.amount, timed)
        edits += [ApplyAudioEffect(name, amount, target, one) for one in scopes]
    return edits or None


def _scopes(clause: Clause) -> list[Selector]:
    """What an effect applies to; empty for "at 5s", which says no end."""
    line = clause.line
    match = extract_span(clause, "bare", "to", "by", "all")
    clause.line = line
    if match is not None and match.form == "at":
        return []
    return extract_scope(clause, "bare", "to", "by", "all")


def _is_timed(clause: Clause, names: list[str]) -> bool:
    """Whether a time is the amount of the effect: "an echo of 300 ms"."""
    ranges = [audio_effect_rows()[name].amount for name in names]
    return any(one is not None and one.unit == "ms" for one in ranges) and not clause.has_any(
        "first", "last", "from", "start", "end"
    )


def _amount(
    clause: Clause, name: str, amount: AmountRange | None, timed: bool = False
) -> float | None:
    """The amount that is named, by a number, a share or a degree; None if none is."""
    if amount is None or name == "around":
        clause.values(Slot.NUMBER)  # the 8 of "8D", the 50 of "50 Hz hum"
        return None
    if timed and (time := clause.first_value(Slot.TIME)) is not None:
        return float(time)
    number: float | None = clause.first_value(Slot.DECIBELS)
    if number is None:
        number = extract_number(clause)
    if number is not None:
        negative = clause.has_any("less", "lower", "down") or amount.high < 0
        return -abs(number) if negative and amount.low < 0 else number
    if (share := extract_share(clause)) is not None:
        return _share_of(amount, min(share, 1.0), less=clause.has_any(*_LESS))
    slight = amount.default if amount.slight is None else amount.slight
    strong = amount.default if amount.strong is None else amount.strong
    chosen = choose_by_degree(clause, amount.default, slight, strong)
    if amount.opposite is not None and clause.has_any(*_LESS):
        return -abs(chosen)
    return None if chosen == amount.default else chosen


def _share_of(amount: AmountRange, share: float, *, less: bool) -> float:
    """A share of the strongest effect, whose amount can be the lowest: 400 Hz of `muffled`."""
    weakest, strongest = amount.low, amount.high
    if amount.strong is not None and amount.strong < amount.default:
        weakest, strongest = strongest, weakest
    if amount.opposite is not None:
        weakest, strongest = 0.0, amount.low if less else amount.high
    return round(weakest + share * (strongest - weakest), 2)


def extract_audio_fault(clause: Clause) -> list[Edit] | None:
    """Remove a fault of the sound: "get rid of the hum"."""
    if clause.symbols.isdisjoint(_FIX) or not _knows_all(
        clause, "audiofx", "audiofault", *_FIX, *_LESS, "background", "out", "off", "away"
    ):
        return None
    scopes = _scopes(clause)
    found: list[Edit] = []
    for name in _effect_names(clause):
        amount = _amount(clause, name, audio_effect_rows()[name].amount)
        found += [ApplyAudioEffect(name, amount, _target(clause), one) for one in scopes]
    return found or None


def extract_sound(clause: Clause) -> list[Edit] | None:
    """Play a sound effect, or remove those that are there: "a ding at 0:05"."""
    names = _sound_names(clause)
    more = ("sfx", "cuts", "transition", "between", "after", "before", "when", "every", "word")
    if not _knows_all(clause, *more, *REMOVAL_WORDS):
        return None
    if clause.has_any(*REMOVAL_WORDS):
        named: list[str | None] = [*names] or [None]
        return [RemoveSounds(name) for name in named]
    if len(names) > 1:
        return None
    name = names[0] if names else None
    at_cuts = clause.has_any("cuts", "transition", "between") or " all at " in clause.line
    match = extract_span(clause, "bare", "to", "by", "all")
    at, duration = TimelinePoint(), None
    if match is not None:
        at = match.span.start
        if match.form == "last":
            at = intents.TIMELINE_END
        elif name and sound_rows()[name].sustained and match.form in ("between", "from-for"):
            duration = match.span.end.ms - at.ms
    elif (length := clause.first_value(Slot.TIME)) is not None:
        duration = length
    elif clause.has_any("end", "last"):
        at = intents.TIMELINE_END
    sound = AddSound(name, at, at_cuts, duration)
    return [_muted_under(sound), sound] if name == "bleep" else [sound]


def _muted_under(bleep: AddSound) -> SetVolume:
    """The clips are muted where the bleep is."""
    length = bleep.duration_ms or round(sound_rows()["bleep"].seconds * 1000)
    start = bleep.start
    span = intents.TimelineSpan(start, TimelinePoint(start.ms + length))
    return SetVolume(0.0, target="video", selector=Selector(span=span))


def extract_replacement(clause: Clause) -> list[Edit] | None:
    """Put other sound in the place of that of the clips: by a file, or by music."""
    if not clause.has_any("replace", "swap", "add", "set", "edit"):
        return None
    files = clause.values(Slot.FILE_NAME)
    known = ("replace", "swap", "sound", "over", "without", "genre", Slot.MOOD)
    if not _knows_all(clause, *known):
        return None
    if files and clause.has_any("sound", "voice") and not clause.has_any("volume"):
        uses = any(
            clause.original[t.start : t.end] in ("用", "使用", "换成") for t in clause.tokens
        )
        is_source = uses or clause.has_any("from", "of", "replace", "swap") or len(files) == 2
        return [ReplaceSound(str(files[0]))] if is_source and len(files) <= 2 else None
    sounds = clause.has_any("sound", "voice") or _mentions_audio_track(clause)
    if not files and clause.has_any("replace") and sounds:
        mood = clause.first_value(Slot.MOOD) or nearest_mood(clause)
        if mood or clause.has_any("music"):
            return [SetVolume(0.0, target="video"), AddMusic(mood)]
    return None


def _mentions_audio_track(clause: Clause) -> bool:
    """Whether a word for music means all sound of the video: "replace the audio track"."""
    said = (clause.original[t.start : t.end].lower() for t in clause.tokens if t.symbol == "music")
    return any("audio track" in words or words == "音轨" for words in said)


def extract_silence(clause: Clause) -> list[Edit] | None:
    """Cut out silence: all of it, or what is longer or quieter than said."""
    acts = clause.has_any("remove", "cut", "trim", "jumpcut", "stop", "cancel", "find")
    if not acts or not _names_silence(clause):
        return None
    known = symbol_set(
        "remove cut trim jumpcut cancel silentpart mute flaw over under less out off away long "
        "between quiet quieter short stop find longer only generate until through after before "
        "ends hide halt undone"
    )
    if not _knows_all(clause, *known):
        return None
    match = extract_span(clause, "bare", "to", "by", "all", "for", "at")
    times = [clause.value(slot) for slot in _TIMES.findall(clause.line)]
    levels, numbers = clause.values(Slot.DECIBELS), clause.values(Slot.NUMBER)
    if numbers and not clause.has_any("decibel"):
        return None
    levels += numbers
    if len(times) > 1 or len(levels) > 1:
        return None
    if times and (_AT_TIME.search(clause.line) or (not levels and clause.has_any(*_SHORTER))):
        return None  # only what is longer than a time can be cut
    edit = CutSilence()
    min_ms = max(int(times[0]), 100) if times else edit.min_ms
    level = -abs(float(levels[0])) if levels else edit.level_db
    clips = extract_selectors(clause) or [Selector()]
    if match is not None:
        clips = [Selector(one.number, one.name, match.span) for one in clips]
    place = _place(clause) if match is None and clips == [Selector()] else "all"
    return [CutSilence(min_ms, level, place, one) for one in clips]


def _place(clause: Clause) -> Literal["all", "start", "end", "ends"]:
    """Whether only silence at the start or the end is meant."""
    start, end = clause.has_any("start", "first"), clause.has_any("end", "last")
    if clause.has_any("ends") or (start and end):
        return "ends"
    return "start" if start else "end" if end else "all"


def _names_silence(clause: Clause) -> bool:
    """Whether it is about silence, and not about another flaw: 口误."""
    said = (clause.original[t.start : t.end].lower() for t in clause.tokens if t.symbol == "flaw")
    return clause.has_any("silentpart") or any(
        word in flaw for flaw in said for word in _SILENT_FLAWS
    )


def extract_captions(clause: Clause) -> list[Edit] | None:
    """Add captions to speech, whose words nobody gives; not those of a file.

    Their kind alone asks for them, too: "karaoke subtitles".
    """
    # To set or reset captions is about those that are there.
    made = any(token.value == "make" for token in clause.tokens)
    adds = made or clause.has_any("captioning", "add", "generate", "find")
    by_word = clause.has_any("byword", "karaoke")
    is_name = by_word and all(token.kind is not TokenKind.VERB for token in clause.tokens)
    known = symbol_set(
        "captioning subtitles title byword karaoke over find", Slot.ASPECT_RATIO, Slot.MOOD
    )
    if not (adds or is_name) or not _knows_all(clause, *known):
        return None
    if clause.has_any(Slot.TIME, Slot.NUMBER, Slot.ORDINAL, "volume", "first", "last", "start"):
        return None
    if any(format_ in clause.original.lower() for format_ in _SUBTITLE_FILES):
        return None
    return [AddCaptions(by_word)]


def _may_remove(clause: Clause) -> bool:
    """Whether it can mean that the best parts go: "cut the best part"."""
    said = (
        clause.original[t.start : t.end].lower() for t in clause.tokens if t.symbol == "highlight"
    )
    parts = any(words.rstrip("s").endswith(_NAMES_OF_PARTS) for words in said)
    cuts = clause.has_any("cut", "trim")
    return parts and cuts and not clause.has_any("to", "together", "merge", "only", "keep", "down")


def extract_highlights(clause: Clause) -> list[Edit] | None:
    """Keep the best parts: "a 30 second highlight reel"."""
    known = symbol_set(
        "highlight summarizing keep only find cut trim take long short down under max merge "
        "together best out jumpcut arrange"
    )
    if not _knows_all(clause, *known) or clause.has_any("remove", "music", "sound", "volume"):
        return None
    if clause.has_any(Slot.ORDINAL, Slot.FILE_NAME, Slot.PERCENT) or _may_remove(clause):
        return None
    times, numbers = clause.values(Slot.TIME), clause.values(Slot.NUMBER)
    if len(times) > 1 or any(number > 1 for number in numbers):
        return None
    return [KeepHighlights(int(times[0]) if times else None)]


_TITLES = symbol_set("title font", Slot.QUOTED_TEXT)

SOUND_RULES: list[tuple[frozenset[str], frozenset[str], _Extractor]] = [
    (symbol_set("audiofault"), _TITLES, extract_audio_fault),
    (symbol_set("audiofx"), _TITLES | symbol_set("subtitles"), extract_audio_effect),
    (symbol_set("sfx"), _TITLES | symbol_set("subtitles"), extract_sound),
    (symbol_set("silentpart flaw"), _TITLES | symbol_set("music subtitles"), extract_silence),
    (
        symbol_set("captioning subtitles"),
        symbol_set("font remove color size corner bottom top middle bigger smaller replace",
                   Slot.QUOTED_TEXT, Slot.COLOR, Slot.POSITION, Slot.FONT_SIZE),
        extract_captions,
    ),
    (symbol_set("highlight summarizing"), _TITLES, extract_highlights),
    (symbol_set("replace swap sound voice"), _TITLES, extract_replacement),
]  # fmt: skip
"""The rules of sound: symbols that a clause has and has not, and the extractor."""

SOUND_EDITS = (
    ApplyAudioEffect,
    RemoveAudioEffects,
    AddSound,
    RemoveSounds,
    ReplaceSound,
    CutSilence,
    AddCaptions,
)
"""The edits that can be about a sound, a voice or music."""

SOUND_IGNORED_SLOTS: dict[type, set[str]] = {
    AddCaptions: {Slot.MOOD, Slot.ASPECT_RATIO},
    KeepHighlights: {Slot.MOOD, Slot.NUMBER},
    ApplyAudioEffect: {Slot.NUMBER},
}
"""The slots that describe an edit and need not be read: captions "like on TikTok"."""
