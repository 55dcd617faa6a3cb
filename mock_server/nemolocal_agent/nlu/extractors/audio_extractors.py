"""Extractors of music, volumes and fades."""

import re
from typing import Literal

from ...intents import (
    SELECT_ALL,
    AddMusic,
    AudioTarget,
    DuckMusic,
    Edit,
    Fade,
    RemoveMusic,
    SetVolume,
)
from ..lexer.tokens import LexToken, Slot, TokenKind, slot_pattern
from .attribute_extractors import choose_by_degree, extract_share
from .clause import Clause, extract_scope, extract_selectors, first_or_all
from .sound_extractors import nearest_mood

_QUIET_VOLUME = 0.2
_FADES = ("fade", "fadein", "fadeout", "fadeboth")
_TIME = slot_pattern(Slot.TIME)
_INWARD = re.compile(rf" in (?!{_TIME})")
_PER_CLIP = re.compile(r" per (?:it |of )?(?:clip|photo|video) ")
_TIME_LEFT = re.compile(rf" {_TIME} ")
_AT_TIME = re.compile(rf" at {_TIME} ")
_HAS_TIME = re.compile(rf" {_TIME} ")
_OF_SONG = re.compile(rf" from (?:at )?({_TIME}) (?:of |in )(?:it |clip )?music ")
_FROM_THERE = re.compile(rf" (?:at|from|start|after) (?:at )?({_TIME}) ")
_ABSOLUTE = re.compile(rf" (?:to|at) {slot_pattern(Slot.PERCENT)} ")
_NUMBER = re.compile(rf" (?:volume|sound|to|at|is|of) ({slot_pattern(Slot.NUMBER)}) ")


def extract_music(clause: Clause) -> list[Edit] | None:
    """Add, remove or duck the music, or change its volume or fades."""
    ducks = _is_ducking(clause)
    if ducks and not (clause.has_any("generate") or _is_new_music(clause)):
        return [DuckMusic()]
    if clause.has_any("replace") and _replaces_sound(clause):
        return [SetVolume(0.0, target="video"), _music(clause)]
    if clause.has_any("remove", "stop", "without") and extract_share(clause) is None:
        return None if _HAS_TIME.search(clause.line) else [RemoveMusic()]
    adds = clause.has_any("generate", "replace", "edit", "play") or _is_new_music(clause)
    adds = adds or (clause.has_any(Slot.MOOD, Slot.FILE_NAME) and not _is_volume_change(clause))
    if clause.has_any(*_FADES):
        return [_music(clause), _fade(clause)] if adds else [_fade(clause)]
    volume = clause.has_any("volume") and clause.has_any("set", "raise", "lower")
    return (
        [_music(clause)]
        if adds and (clause.has_any(Slot.MOOD) or not volume)
        else extract_volume(clause)
    )


def _replaces_sound(clause: Clause) -> bool:
    """Whether music takes the place of the sound: "replace the audio track with jazz"."""
    first = next((t for t in clause.tokens if t.kind == TokenKind.NOUN), None)
    return first is not None and (
        first.symbol in ("sound", "voice") or (first.symbol == "music" and first.value == "audio")
    )


def _is_new_music(clause: Clause) -> bool:
    """Whether new music is added: "have the music fade out" is about the music that is there."""
    acts = any(token.kind == TokenKind.ACTION for token in clause.tokens)
    return any(
        "add" in token.symbol.split()
        and not (acts and token.value == "have")
        and not _is_fade(clause.tokens[index + 1 : index + 4])
        for index, token in enumerate(clause.tokens)
    )


def _is_fade(added: list[LexToken]) -> bool:
    """Whether a fade is what is added: "add a 4 second fade out to the music", 用4秒淡出."""
    timed = added[1:] if added and added[0].symbol == Slot.TIME else added
    symbols = [token.symbol for token in timed]
    return any(symbol in _FADES for symbol in symbols[:1]) and symbols[1:2] != ["music"]


def _is_volume_change(clause: Clause) -> bool:
    """Whether the volume of the music changes: "calm music, volume 40%" adds music."""
    if clause.has_any("volume") and (
        clause.has_any(Slot.FILE_NAME, "set", "to") or clause.first_value(Slot.PERCENT) is None
    ):
        return True
    return clause.has_any(
        "louder", "quieter", "raise", "lower", "mute", "up", "down", "unmute", "loud"
    )


def _music(clause: Clause) -> AddMusic:
    name = clause.first_value(Slot.FILE_NAME)
    loudness = _loudness(clause)
    if loudness is None and clause.has_any("quiet", "quieter", "low", "small", "smaller", "lower"):
        loudness = _QUIET_VOLUME
    mood = clause.first_value(Slot.MOOD)
    skip = at = 0
    if match := _OF_SONG.search(clause.line):
        skip = clause.value(match[1])
    elif match := _FROM_THERE.search(clause.line):
        at = clause.value(match[1])
    mood = mood or nearest_mood(clause)
    return AddMusic(mood, loudness, name, _is_ducking(clause), at, skip)


def _is_ducking(clause: Clause) -> bool:
    """Whether the music is to be lowered under speech."""
    return clause.has_any("duck", "duckhint") or (
        clause.has_any("when") and clause.has_any("speaks", "voice")
    )


def _loudness(clause: Clause) -> float | None:
    value = extract_share(clause)
    if value is None and (named := _NUMBER.search(clause.line)):
        value = clause.value(named[1])
        if value > 1:
            value = value / 100 if value <= 100 else None
    return None if value is None else min(max(value, 0.0), 1.0)


def extract_fade(clause: Clause) -> list[Edit] | None:
    """Fade everything, the picture or the sound."""
    if clause.has_any("between", "transition") or _PER_CLIP.search(clause.line):
        return None
    fade = _fade(clause)
    edge = "in" if clause.has_any("intro") else "out" if clause.has_any("outro") else fade.way
    if clause.has_any("middle", "halfway") or fade.way != edge:
        return None  # a fade is at the start or at the end
    return [fade]


def _fade(clause: Clause) -> Fade:
    target: Literal["all", "picture", "sound", "music", "title"] = "all"
    if clause.has_any("music", "sound", "voice") and not clause.has_any("video"):
        target = "music" if clause.has_any("music") else "sound"
    elif clause.has_any("photo", "frame") or _is_about_picture(clause):
        target = "picture"
    line = clause.line
    selector = first_or_all(extract_selectors(clause))
    time = None if _AT_TIME.search(clause.line) else clause.first_value(Slot.TIME)
    clause.first_value(Slot.COLOR)  # to black
    clause.line = line
    return Fade(extract_fade_kind(clause), time, target, selector)


def _is_about_picture(clause: Clause) -> bool:
    """Whether 画面, which mostly means the video, means the picture here."""
    if clause.has_any("music", "sound", "voice"):
        return False
    shown = (clause.original[t.start : t.end] for t in clause.tokens if t.symbol == "video")
    return any(said in ("画面", "畫面") for said in shown)


def extract_fade_kind(clause: Clause) -> Literal["in", "out", "both"]:
    """Whether a fade is at the start, the end, or both."""
    into = clause.has_any("fadein", "start") or bool(_INWARD.search(clause.line))
    out = clause.has_any("fadeout", "out", "end", "away")
    if clause.has_any("fadein") and not clause.has_any("fadeout", "out"):
        return "in"
    if clause.has_any("fadeout") and not clause.has_any("fadein"):
        return "out"
    if clause.has_any("fadeboth") or into == out:
        return "both"
    return "in" if into else "out"


def extract_volume(clause: Clause) -> list[Edit] | None:
    """Set or change a volume, of everything or for a span."""
    if any(token.value in ("enhance", "enhanced", "enhancing") for token in clause.tokens):
        return None  # clearer, not louder
    if _takes_vocals_out(clause) or any(token.value == "silences" for token in clause.tokens):
        return None
    if clause.has_any("mute") and clause.has_any("keep"):
        return None
    target = _target(clause)
    selectors = extract_scope(clause, "bare", "to", "by", "at", "for", "all", "from-for")
    if target == "all" and any(
        selector.span is None and selector != SELECT_ALL for selector in selectors
    ):
        target = "video"
    volume, change = _volume(clause), None
    if volume is None and not clause.has_any("mute"):
        change = _change(clause)
    if (volume is None and change is None) or _TIME_LEFT.search(clause.line):
        return None
    if target == "music" and any(selector.span is not None for selector in selectors):
        return None  # the music has one volume
    return [SetVolume(volume, change, target, selector) for selector in selectors]


def _takes_vocals_out(clause: Clause) -> bool:
    """Whether the voice is to leave the music, which cannot be taken apart."""
    gone = clause.has_any("remove", "stop", "without")
    return gone and any(token.value in ("vocals", "singing") for token in clause.tokens)


def _volume(clause: Clause) -> float | None:
    """The volume that is named; 0 for silence."""
    gone = clause.has_any("remove", "stop", "without")
    if clause.has_any(Slot.DECIBELS) and clause.has_any("to", "at", "set"):
        return _gain(clause, 1)
    loudness = _loudness(clause)
    if clause.has_any("mute"):
        return None if gone else 0.0
    if gone and loudness is None and clause.has_any("sound", "voice", "volume"):
        return 0.0
    if clause.has_any("unmute", "normal", "max"):
        return 1.0
    relative = (gone and not clause.has_any("to")) or " by " in clause.line or _is_relative(clause)
    return None if relative else loudness


def _is_relative(clause: Clause) -> bool:
    """Whether a share is relative to the current volume: 50% louder, half as loud."""
    if clause.first_value(Slot.PERCENT) is None:
        return clause.has_any(Slot.FRACTION) and (
            clause.has_any("loud", "quiet") or not clause.has_any("to")
        )
    moves = clause.has_any("louder", "quieter", "loud", "raise", "lower", "up", "down")
    return moves and not _ABSOLUTE.search(clause.line)


def _target(clause: Clause) -> AudioTarget:
    if clause.has_any("music"):
        return "music"
    if clause.has_any("voice", "video", "clip", Slot.FILE_NAME) or (
        clause.has_any("sound") and clause.has_any("normal", "video", "clip")
    ):
        return "video"
    return "all"


def _gain(clause: Clause, sign: int) -> float:
    """Decibels as a factor: -6 dB is about a half."""
    decibels = float(clause.first_value(Slot.DECIBELS))
    sign = -1 if clause.has_any("less") else sign
    return round(min(10 ** (sign * decibels / 20), 4.0), 4)


def _change(clause: Clause) -> float | None:
    up = clause.has_any("louder", "raise", "up", "loud", "more", "high", "bigger", "big")
    down = clause.has_any(
        "quieter", "lower", "down", "remove", "quiet", "less", "low", "smaller", "small"
    )
    if clause.has_any(Slot.DECIBELS):
        return _gain(clause, -1 if down else 1)
    if clause.has_any("double"):
        return 2.0
    if clause.has_any("triple"):
        return 3.0
    if (factor := clause.first_value(Slot.FACTOR)) is not None:
        return float(factor if not down else 1 / max(factor, 1.0))
    part = extract_share(clause)
    if up == down:
        return 0.5 if part == 0.5 and clause.has_any(Slot.FRACTION) else None
    if part is not None:
        if clause.first_value(Slot.PERCENT) is None and not clause.has_any("louder", "raise"):
            return part
        if up and part >= 1 and " by " not in clause.line:
            return part  # "boost it to 150%"
        return round(1 + part if up else max(1 - part, 0.0), 4)
    return (
        choose_by_degree(clause, 1.5, 1.25, 2.0) if up else choose_by_degree(clause, 0.6, 0.8, 0.4)
    )
