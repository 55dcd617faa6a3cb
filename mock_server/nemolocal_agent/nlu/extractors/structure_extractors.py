"""Extractors of what changes how a video is built: held frames, ramps, gaps, cards, clocks, bars.

Each accounts for every word of the clause: with a word that it does not know it extracts nothing.
"""

import re
from collections.abc import Callable
from typing import cast

import msgspec

from nemolocal_contract.effect_presets import PRESET_COLORS, PresetColor

from ...intents import (
    SELECT_ALL,
    TIMELINE_END,
    TIMELINE_START,
    AddCountdown,
    AddProgressBar,
    AddTimer,
    AddTitle,
    Boomerang,
    ChangeTitle,
    Edit,
    FreezeFrame,
    InsertGap,
    RemoveProgressBar,
    RemoveTimer,
    ReplaceClip,
    ReverseSound,
    SeamlessLoop,
    Selector,
    SetFrameRate,
    SetSpeed,
    ShuffleClips,
    SpeedRamp,
    TextAnimation,
    TimelinePoint,
)
from ..lexer.tokens import REMOVAL_WORDS, LexToken, Slot, TokenKind, slot_pattern, symbol_set
from .addition_extractors import transition_selector
from .attribute_extractors import extract_color, extract_position, extract_title_size
from .clause import Clause, extract_scope, extract_selectors, extract_span, has_several_times
from .preset_extractors import extract_preset
from .title_extractors import extract_title

_Extractor = Callable[[Clause], list[Edit] | None]
_TIME, _NUMBER = slot_pattern(Slot.TIME), slot_pattern(Slot.NUMBER)
# Words that say nothing more: "add it to the video".
PLAIN = symbol_set(
    "add set give generate take it all to of in on for with at up video by and effect like long"
)
_CLIPS = symbol_set(
    "clip photo upload first last hash and", Slot.NUMBER, Slot.ORDINAL, Slot.FILE_NAME
)
_CHANGING = (
    "chang", "adjust", "modif", "alter", "tweak", "fix", "rename", "edit", "work on", "work with",
    "修改", "更改", "调整", "改一下", "变更", "编辑", "处理",
)  # fmt: skip
_AT_TIME = re.compile(rf" (?:at|from|when|after) (?:at )?(?P<at>{_TIME})(?: at| when)?(?= )")
# "5 s in", 5秒处; not "for 5 s at the end".
_TIME_AT = re.compile(
    rf"(?<! for) (?P<at>{_TIME}) (?:at|when|in|later)"
    r"(?! (?:at |in )*(?:start|end|first|last|middle|halfway|clip|[NOTW]\d))(?= )"
)
_ANY_TIME = re.compile(rf" ({_TIME})(?= )")


def knows_all(clause: Clause, *known: str) -> bool:
    """Whether the clause has no symbols but plain ones and these.

    False for a change of what is there: "change the timer" is not to add one.
    """
    said = (clause.original[t.start : t.end].lower() for t in clause.tokens)
    if any(words.startswith(_CHANGING) for words in said):
        return False
    return clause.symbols <= PLAIN.union(*(symbol_set(words) for words in known))


def point_of_time(clause: Clause) -> TimelinePoint | None:
    """The time after "at"; consumes it."""
    match = _AT_TIME.search(clause.line) or _TIME_AT.search(clause.line)
    if match is None:
        return None
    clause.consume(*match.span())
    return TimelinePoint(clause.value(match["at"]))


def only_time(clause: Clause) -> int | None:
    """The length that is left in the line, 0 if there is none; None if there are several."""
    found = _ANY_TIME.findall(clause.line)
    if len(found) > 1:
        return None
    return int(clause.value(found[0])) if found else 0


def extract_freeze(clause: Clause) -> list[Edit] | None:
    """Hold a frame: "freeze the last frame for 3 seconds", 5秒处定格2秒."""
    if not knows_all(clause, "freeze frame end start middle halfway when from later after T F",
                     *_CLIPS, Slot.TIME):  # fmt: skip
        return None
    if has_several_times(clause):
        return None  # "freeze at 2 s and at 4 s": the second is no length
    at = point_of_time(clause)
    selectors = extract_selectors(clause)
    length = only_time(clause)
    if length is None or len(selectors) > 1 or clause.has_any("all"):
        return None
    edge = re.search(r" (?:start|first|end|last|middle|halfway) ", clause.line)
    if at is not None and edge:
        return None  # "freeze the first frame at 5 s"
    if at is None and clause.has_any("middle", "halfway"):
        at = TimelinePoint(share=0.5)
    elif at is None and re.search(r" (?:start|first) ", clause.line):
        at = TIMELINE_START
    if at is None and not edge and not _says_frame(clause):
        return None  # "freeze the second clip": which of its frames?
    usual = FreezeFrame()
    return [
        FreezeFrame(
            TIMELINE_END if at is None else at,
            length or usual.duration_ms,
            selectors[0] if selectors else SELECT_ALL,
        )
    ]


def _says_frame(clause: Clause) -> bool:
    """Whether it asks for a freeze frame, 定格, rather than for something to freeze."""
    said = [clause.original[t.start : t.end].lower() for t in clause.tokens if t.symbol == "freeze"]
    return clause.has_any("frame") or any("frame" in words or "格" in words for words in said)


def extract_boomerang(clause: Clause) -> list[Edit] | None:
    """Forwards and backwards: "make a boomerang of the first 3 seconds"."""
    known = ("boomerang play only part", "start end later", *_CLIPS, Slot.TIME)
    if not knows_all(clause, *known):
        return None
    selectors = extract_scope(clause, "to", "by", "all", "for", "at")
    return [Boomerang(selectors[0])] if len(selectors) == 1 else None


_FACTOR = slot_pattern(Slot.FACTOR, Slot.PERCENT, Slot.NUMBER)
_FROM_TO = re.compile(rf" (?:from )?({_FACTOR}) (?:to|until) ({_FACTOR})(?= )")
_TO = re.compile(rf" (?:to|up|down) ({slot_pattern(Slot.FACTOR, Slot.PERCENT)})(?= )")
_FROM_WORD = re.compile(r" from (slow|slower|fast|faster) ")
_SLOWER = ("slow", "slower", "slowdown", "down", "slowmo", "lower")
_FASTER = ("fast", "faster", "speedup", "up", "raise")


def extract_ramp(clause: Clause) -> list[Edit] | None:
    """A speed that changes: "speed ramp from 1x to 3x", "ramp the speed up"."""
    known = "ramp speed from between until start end middle part slowly " + " ".join(
        (*_SLOWER, *_FASTER)
    )
    slots = (Slot.FACTOR, Slot.PERCENT, Slot.TIME)
    if not knows_all(clause, known, *slots, *_CLIPS):
        return None
    speeds: tuple[float, float] | None = None
    if match := _FROM_TO.search(clause.line):
        speeds = (float(clause.value(match[1])), float(clause.value(match[2])))
        clause.consume(*match.span())
    elif match := _TO.search(clause.line):
        speeds = (1.0, float(clause.value(match[1])))
        clause.consume(*match.span())
    if speeds is None:
        slower, faster = clause.has_any(*_SLOWER), clause.has_any(*_FASTER)
        usual = SpeedRamp()
        speeds = (usual.start, usual.end)
        if match := _FROM_WORD.search(clause.line):
            speeds = speeds if match[1].startswith("slow") else speeds[::-1]
        elif slower != faster:
            speeds = (1.0, usual.end) if faster else (1.0, usual.start)
    if not all(0.01 <= speed <= 100 for speed in speeds):
        return None
    selectors = extract_scope(clause, "bare", "to", "by", "all", "for", "at")
    return [SpeedRamp(*speeds, selectors[0])] if len(selectors) == 1 else None


def extract_fit(clause: Clause) -> list[Edit] | None:
    """A length by speed: "fit it into 30 seconds"."""
    length = only_time(clause)
    fits = length and knows_all(clause, "fitinto clip speedup slowdown speed fast slow", Slot.TIME)
    return [SetSpeed(duration_ms=length)] if fits else None


def extract_seamless_loop(clause: Clause) -> list[Edit] | None:
    """A loop without a jump."""
    return [SeamlessLoop()] if knows_all(clause, "seamless loop clip") else None


def extract_shuffle(clause: Clause) -> list[Edit] | None:
    """Another order: "shuffle the clips"."""
    known = knows_all(clause, "shuffle order clip photo upload")
    return [ShuffleClips()] if known and not clause.has_any("generate") else None


_BLACK = re.compile(rf" {slot_pattern(Slot.COLOR)}(?= )")
_PLACE = r"(?:start|end)"
_AT_START = re.compile(r" (?:at |to |in |on |before )*(?:start|first video)(?= )")
_OTHER_CLIP = re.compile(r" (?:first|last) ")
_AT_END = re.compile(r" (?:at |to |in |on |after )*(?:end|last video)(?= )")


def extract_gap(clause: Clause) -> list[Edit] | None:
    """Black between clips: "insert a 2 second black gap after the first clip"."""
    known = "gap between after before per start end from later earlier when frame"
    if not knows_all(clause, known, *_CLIPS, Slot.TIME, Slot.COLOR):
        return None
    if any(color != "black" for color in clause.values(Slot.COLOR)) or not _adds(clause):
        return None
    if not clause.has_any("gap") and not {Slot.COLOR, Slot.TIME} <= clause.symbols:
        return None  # "add black to the first clip"
    clause.line = _BLACK.sub("", clause.line)
    clips = _clips_before(clause)
    place = insertion_place(clause) if len(clips) < 2 else None
    length = only_time(clause)
    if (place is None and len(clips) < 2) or length is None:
        return None
    places = [place] if place is not None else [(None, clip) for clip in clips]
    usual = InsertGap()
    return [InsertGap(length or usual.duration_ms, *one) for one in places]


def _clips_before(clause: Clause) -> list[Selector]:
    """The clips of "after the first clip and the third"; consumes several, but not one."""
    if clause.has_any("between", "per", "before", "earlier") or not clause.has_any("after"):
        return []
    line = clause.line
    clips = extract_selectors(clause, bare=True)
    if len(clips) < 2:
        clause.line = line
    return clips


def _adds(clause: Clause) -> bool:
    return clause.has_any("add", "set", "generate", "give")


def insertion_place(clause: Clause) -> tuple[TimelinePoint | None, Selector] | None:
    """Where something is put in, as a point or after a clip; None if the words name no place.

    Between all clips is neither: `(None, SELECT_ALL)`.
    """
    if clause.has_any("between", "per"):
        numbered = clause.has_any(Slot.NUMBER, Slot.ORDINAL, "first", "last")
        selector = transition_selector(clause)
        clips = extract_selectors(clause)
        if selector is None or (numbered and selector == SELECT_ALL and not clips):
            return None
        for slot in (Slot.NUMBER, Slot.ORDINAL):
            clause.values(slot)
        return None, selector
    at = point_of_time(clause)
    selectors = extract_selectors(clause)
    if len(selectors) > 1 or (selectors and at is not None):
        return None
    if selectors:
        if _OTHER_CLIP.search(clause.line):
            return None  # "after the first and the second clip"
        return _beside_clip(clause, selectors[0])
    if at is not None:
        return at, SELECT_ALL
    if _AT_START.search(clause.line):
        return TIMELINE_START, SELECT_ALL
    return (TIMELINE_END, SELECT_ALL) if _AT_END.search(clause.line) else None


def _beside_clip(
    clause: Clause, selector: Selector
) -> tuple[TimelinePoint | None, Selector] | None:
    if clause.has_any("after", "later"):
        return None, selector
    if not clause.has_any("before", "earlier") or selector.number is None or selector.number < 1:
        return None
    if selector.number == 1:
        return TIMELINE_START, SELECT_ALL
    return None, Selector(number=selector.number - 1)


def extract_clip_replacement(clause: Clause) -> list[Edit] | None:
    """Another upload in the place of a clip: "replace the second clip with new.mov"."""
    if not knows_all(clause, "replace swap set clip photo upload other", *_CLIPS):
        return None
    if clause.has_any("add") or not _replaces(clause):
        return None
    files = [t for t in clause.tokens if t.symbol == Slot.FILE_NAME]
    name = None
    if files and clause.tokens[-1] is files[-1]:
        name = str(files[-1].value)
        clause.values(Slot.FILE_NAME)
        clause.line = re.sub(rf" {slot_pattern(Slot.FILE_NAME)} $", " ", clause.line)
    selectors = extract_selectors(clause)
    if len(selectors) != 1 or (name is None and not clause.has_any("upload", "other")):
        return None
    return [ReplaceClip(selectors[0], name)]


def _replaces(clause: Clause) -> bool:
    """Whether the verb puts something in the place of another: 换成, not 改成."""
    if clause.has_any("replace"):
        return True
    verbs = [clause.original[t.start : t.end].lower() for t in clause.tokens
             if t.kind == TokenKind.VERB]  # fmt: skip
    swaps = clause.has_any("swap") and clause.has_any("for")
    return (swaps and clause.has_any(Slot.FILE_NAME)) or any("换" in verb for verb in verbs)


def extract_reversed_sound(clause: Clause) -> list[Edit] | None:
    """Only the sound backwards: "reverse just the audio"."""
    known = ("reverse backwards play sound voice only part", "start end", *_CLIPS, Slot.TIME)
    if not clause.has_any("sound", "voice") or not knows_all(clause, *known):
        return None
    selectors = extract_scope(clause, "bare", "to", "by", "all", "for", "at")
    return [ReverseSound(one) for one in selectors]


def extract_film_rate(clause: Clause) -> list[Edit] | None:
    """`24p film look`: the frame rate of film, and its look if one is asked for."""
    if clause.symbols & REMOVAL_WORDS:
        return None
    rate = clause.first_value(Slot.FRAME_RATE)
    looks = extract_preset(clause)
    return [SetFrameRate(round(rate)), *looks] if looks and 1 <= rate <= 240 else None


def extract_countdown(clause: Clause) -> list[Edit] | None:
    """Numbers down to 1: "add a countdown 3 2 1 at the start", 5秒倒计时."""
    if not knows_all(clause, "countdown from start end first", Slot.NUMBER, Slot.TIME):
        return None
    numbers = [int(number) for number in clause.values(Slot.NUMBER)]
    at = TimelinePoint()
    found = re.search(rf" at ({_TIME}) ", clause.line)
    if found:
        at = TimelinePoint(clause.value(found[1]))
        clause.consume(*found.span(1))
    seconds = only_time(clause)
    counts = numbers[1:] and numbers != [*range(numbers[0], 0, -1)]
    if seconds is None or counts:
        return None
    count = numbers[0] if numbers else (seconds // 1000 or AddCountdown().seconds)
    if seconds and numbers:
        return None
    if clause.has_any("end"):
        at = TimelinePoint(count * 1000, before_end=True)
    return [AddCountdown(count, at)]


_DRAWN = "corner top bottom left right middle start end small big huge throughout later clip"


def extract_timer(clause: Clause) -> list[Edit] | None:
    """A clock, or none: "put a timer in the top left corner"."""
    slots = (Slot.POSITION, Slot.COLOR, Slot.TIME, Slot.FONT_SIZE)
    if not knows_all(clause, f"timer countdown from {_DRAWN} first last", *REMOVAL_WORDS, *slots):
        return None
    if clause.symbols & REMOVAL_WORDS:
        return [RemoveTimer()] if clause.symbols <= PLAIN | REMOVAL_WORDS | {"timer"} else None
    span = extract_span(clause, "bare", "at")
    if clause.has_any(Slot.TIME) and span is None:
        return None
    return [
        AddTimer(
            clause.has_any("countdown"),
            extract_position(clause),
            extract_color(clause),
            extract_title_size(clause),
            None if span is None or span.form == "all" else span.span,
        )
    ]


def extract_progress_bar(clause: Clause) -> list[Edit] | None:
    """A progress bar, or none."""
    if not knows_all(
        clause, "progressbar top bottom frame throughout", *REMOVAL_WORDS, Slot.COLOR, Slot.POSITION
    ):
        return None
    if clause.symbols & REMOVAL_WORDS:
        return [RemoveProgressBar()] if not clause.has_any(Slot.COLOR, Slot.POSITION) else None
    colors, position = clause.values(Slot.COLOR), extract_position(clause) or "bottom-center"
    if len(colors) > 1 or any(color not in PRESET_COLORS for color in colors):
        return None
    if not position.startswith(("top", "bottom")):
        return None
    color = cast(PresetColor, colors[0]) if colors else AddProgressBar().color
    return [AddProgressBar(color, "top" if position.startswith("top") else "bottom")]


_ANIMATIONS: dict[str, TextAnimation] = {
    "typewriter": "typewriter", "karaoke": "karaoke", "banner": "lower-third",
}  # fmt: skip


def extract_animated_title(clause: Clause) -> list[Edit] | None:
    """A title that is typed, sung or on a bar, or the title that is there made so."""
    words = [word for word in _ANIMATIONS if word in clause.symbols]
    if len(words) != 1 or clause.symbols & REMOVAL_WORDS:
        return None
    animation = _ANIMATIONS[words[0]]
    if not clause.has_any(Slot.QUOTED_TEXT):
        known = knows_all(clause, f"{words[0]} title banner lowerthird")
        changes = clause.has_any("title") and not clause.has_any("generate")
        return [ChangeTitle(animation=animation)] if known and changes else None
    plain = Clause(_as_plain_title(clause.tokens, words[0]), clause.original)
    edits = extract_title(plain)
    if not edits or plain.unread_slots() or not isinstance(edits[0], AddTitle | ChangeTitle):
        return None
    for slot in {token.symbol for token in clause.tokens if token.kind == TokenKind.SLOT}:
        clause.values(Slot(slot))
    return [msgspec.structs.replace(edits[0], animation=animation), *edits[1:]]


def _as_plain_title(tokens: list[LexToken], word: str) -> list[LexToken]:
    """The tokens with a title in place of the word for how it is drawn."""
    first = next(token for token in tokens if word in token.symbol.split())
    title = LexToken("title", TokenKind.NOUN, first.start, first.end)
    has_title = any("title" in token.symbol.split() for token in tokens)
    plain: list[LexToken] = []
    for token in tokens:
        if word not in (words := token.symbol.split()):
            plain.append(token)
            continue
        rest = " ".join(one for one in words if one != word)
        if rest:
            plain.append(msgspec.structs.replace(token, symbol=rest))
        if token is first and not has_title:
            plain.append(title)
    return plain
