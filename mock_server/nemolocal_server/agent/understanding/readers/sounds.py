"""Commands about music, volumes and fades."""

import re
from typing import Literal

from ...intents import (
    ALL,
    AddMusic,
    Audible,
    DuckMusic,
    Edit,
    Fade,
    RemoveMusic,
    SetVolume,
)
from ..words.tokens import Token
from .clause import Clause
from .details import degree, share
from .selection import one_of, read_clips, read_reach

_SOFT = 0.2
_FADES = ("fade", "fadein", "fadeout", "fadeboth")
_INWARD = re.compile(r" in (?!T\d)")
_PER_CLIP = re.compile(r" per (?:it |of )?(?:clip|photo|video) ")
_TIME_LEFT = re.compile(r" T\d+ ")
_ABSOLUTE = re.compile(r" (?:to|at) P\d+ ")
_FRACTION = re.compile(r" (?:volume|sound|to|at|is|of) (N\d+) ")


def read_music(clause: Clause) -> list[Edit] | None:
    """Add, take away, lower under speech, fade, or set the volume of the music."""
    ducks = _ducks(clause)
    if ducks and not (clause.has("generate") or _adds(clause)):
        return [DuckMusic()]
    if clause.has("remove", "stop", "without") and share(clause) is None:
        return [RemoveMusic()]
    adds = clause.has("generate", "replace", "edit", "play") or _adds(clause)
    adds = adds or (clause.has("M", "W") and not _changes(clause))
    if clause.has(*_FADES):
        return [_music(clause), _fade(clause)] if adds else [_fade(clause)]
    volume = clause.has("volume") and clause.has("set", "raise", "lower")
    return [_music(clause)] if adds and (clause.has("M") or not volume) else read_volume(clause)


def _adds(clause: Clause) -> bool:
    """Whether new music is wanted: "have the music fade out" speaks of what is there."""
    acts = any(token.kind == "act" for token in clause.tokens)
    return any(
        "add" in token.canon.split()
        and not (acts and token.value == "have")
        and not _is_fade(clause.tokens[place + 1 : place + 4])
        for place, token in enumerate(clause.tokens)
    )


def _is_fade(added: list[Token]) -> bool:
    """Whether it is a fade that is added: "add a 4 second fade out to the music", 用4秒淡出."""
    timed = added[1:] if added and added[0].canon == "T" else added
    canons = [token.canon for token in timed]
    return any(canon in _FADES for canon in canons[:1]) and canons[1:2] != ["music"]


def _changes(clause: Clause) -> bool:
    """Whether it is how loud the music is that changes: "calm music, volume 40%" adds it."""
    if clause.has("volume") and (clause.has("W", "set", "to") or clause.first("P") is None):
        return True
    return clause.has("louder", "quieter", "raise", "lower", "mute", "up", "down", "unmute", "loud")


def _music(clause: Clause) -> AddMusic:
    name = clause.first("W")
    loudness = _loudness(clause)
    if loudness is None and clause.has("quiet", "quieter", "low", "small", "smaller", "lower"):
        loudness = _SOFT
    mood = clause.first("M")
    return AddMusic(mood, loudness, name, _ducks(clause))


def _ducks(clause: Clause) -> bool:
    """Whether the music is to make room for speech."""
    return clause.has("duck", "duckhint") or (clause.has("when") and clause.has("speaks", "voice"))


def _loudness(clause: Clause) -> float | None:
    value = share(clause)
    if value is None and (named := _FRACTION.search(clause.line)):
        value = clause.value(named[1])
        if value > 1:
            value = value / 100 if value <= 100 else None
    return None if value is None else min(max(value, 0.0), 1.0)


def read_fade(clause: Clause) -> list[Edit] | None:
    """Fade the whole, the picture or the sound."""
    if clause.has("between", "transition") or _PER_CLIP.search(clause.line):
        return None
    return [_fade(clause)]


def _fade(clause: Clause) -> Fade:
    target: Literal["all", "picture", "music", "title"] = "all"
    if clause.has("music", "sound", "voice") and not clause.has("video"):
        target = "music" if clause.has("music") else "all"
    elif clause.has("photo", "frame") or _names_picture(clause):
        target = "picture"
    line = clause.line
    which = one_of(read_clips(clause))
    time = clause.first("T")
    clause.first("C")  # to black
    clause.line = line
    return Fade(way_of(clause), time, target, which)


def _names_picture(clause: Clause) -> bool:
    """Whether 画面, which is mostly the video, is what is seen of it."""
    if clause.has("music", "sound", "voice"):
        return False
    shown = (clause.original[t.start : t.end] for t in clause.tokens if t.canon == "video")
    return any(said in ("画面", "畫面") for said in shown)


def way_of(clause: Clause) -> Literal["in", "out", "both"]:
    """Whether a fade is at the beginning, the end, or both."""
    into = clause.has("fadein", "start") or bool(_INWARD.search(clause.line))
    out = clause.has("fadeout", "out", "end", "away")
    if clause.has("fadein") and not clause.has("fadeout", "out"):
        return "in"
    if clause.has("fadeout") and not clause.has("fadein"):
        return "out"
    if clause.has("fadeboth") or into == out:
        return "both"
    return "in" if into else "out"


def read_volume(clause: Clause) -> list[Edit] | None:
    """How loud something is, all the time or for a stretch of it."""
    target = _target(clause)
    reach = read_reach(clause, "bare", "to", "by", "at", "for", "all", "from-for")
    if target == "all" and any(one.span is None and one != ALL for one in reach):
        target = "video"
    volume, change = _volume(clause), None
    if volume is None and not clause.has("mute"):
        change = _change(clause)
    if (volume is None and change is None) or _TIME_LEFT.search(clause.line):
        return None
    return [SetVolume(volume, change, target, which) for which in reach]


def _volume(clause: Clause) -> float | None:
    """A volume that is named, 0 where there is to be none."""
    gone = clause.has("remove", "stop", "without")
    loudness = _loudness(clause)
    if clause.has("mute"):
        return None if gone else 0.0
    if gone and loudness is None and clause.has("sound", "voice", "volume"):
        return 0.0
    if clause.has("unmute", "normal", "max"):
        return 1.0
    relative = (gone and not clause.has("to")) or " by " in clause.line or _relative(clause)
    return None if relative else loudness


def _relative(clause: Clause) -> bool:
    """Whether a share is one of how loud it is now: 50% louder, half as loud."""
    if clause.first("P") is None:
        return clause.has("F") and (clause.has("loud", "quiet") or not clause.has("to"))
    moves = clause.has("louder", "quieter", "loud", "raise", "lower", "up", "down")
    return moves and not _ABSOLUTE.search(clause.line)


def _target(clause: Clause) -> Audible:
    if clause.has("music"):
        return "music"
    if clause.has("voice", "video", "clip", "W") or (
        clause.has("sound") and clause.has("normal", "video", "clip")
    ):
        return "video"
    return "all"


def _change(clause: Clause) -> float | None:
    up = clause.has("louder", "raise", "up", "loud", "more", "high", "bigger", "big")
    down = clause.has(
        "quieter", "lower", "down", "remove", "quiet", "less", "low", "smaller", "small"
    )
    if clause.has("double"):
        return 2.0
    if clause.has("triple"):
        return 3.0
    if (factor := clause.first("K")) is not None:
        return float(factor if not down else 1 / max(factor, 1.0))
    part = share(clause)
    if up == down:
        return 0.5 if part == 0.5 and clause.has("F") else None
    if part is not None:
        if clause.first("P") is None and not clause.has("louder", "raise"):
            return part
        return round(1 + part if up else max(1 - part, 0.0), 4)
    return degree(clause, 1.5, 1.25, 2.0) if up else degree(clause, 0.6, 0.8, 0.4)
