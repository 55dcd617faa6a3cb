"""Extractors of edits of clips: order, merging, splits, loops, speed, uploads; undo and redo."""

import re

from ...intents import (
    SELECT_ALL,
    AddMusic,
    Edit,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    Redo,
    RemoveClip,
    ReverseOrder,
    Selector,
    SetSpeed,
    Slideshow,
    Split,
    StartOver,
    SwapClips,
    TimelinePoint,
    Undo,
)
from ..lexer.tokens import Slot, TokenKind, slot_pattern, symbol_set
from .attribute_extractors import choose_by_degree, extract_number, extract_share
from .clause import Clause, extract_scope, extract_selectors

_BARE_NUMBER = re.compile(rf" ({slot_pattern(Slot.NUMBER)})(?= )")
_NTH = rf"(?:hash )?(?P<nth>{slot_pattern(Slot.NUMBER, Slot.ORDINAL)})"
_POSITION_WORDS = r"(?: (?:position|it|clip|photo|last))*(?= )"
_TARGET_PATTERNS = [
    (where, re.compile(pattern))
    for where, pattern in [
        ("before", rf" before (?:clip |photo )?{_NTH}{_POSITION_WORDS}"),
        ("after", rf" after (?:clip |photo )?{_NTH}{_POSITION_WORDS}"),
        ("start", rf" before first{_POSITION_WORDS}"),
        ("end", rf" after last{_POSITION_WORDS}"),
        ("start", r" (?:to |at |in |on )?start(?= )"),
        ("end", r" (?:to |at |in |on )?(?:end|back)(?= )"),
        ("start", rf" (?:to|at|in|as|be) (?:first|top){_POSITION_WORDS}"),
        ("end", rf" (?:to|at|in|as|be) last{_POSITION_WORDS}"),
        ("nth", rf" (?:to|at|in|as|be) (?:position )?{_NTH}{_POSITION_WORDS}"),
        ("nth", rf" position {_NTH}(?= )"),
        ("start", r" first(?: ~| it| clip)* $"),
        ("end", r" last(?: ~| it| clip)* $"),
    ]
]
_OTHER_SYMBOLS = symbol_set(
    "first last position order", Slot.NUMBER, Slot.ORDINAL, Slot.TIME, Slot.PERCENT, Slot.FACTOR,
    Slot.FRACTION, Slot.DEGREES, Slot.POSITION,
)  # fmt: skip
# A card has its role as its name.
_CARD = re.compile(r" (?P<name>intro|outro)(?: (?:clip|card))?(?= )")
_MIDDLE = re.compile(r" (?:halfway|middle) ")
_TIME, _NUMBER = slot_pattern(Slot.TIME), slot_pattern(Slot.NUMBER)
_PERCENT = slot_pattern(Slot.PERCENT)
_AT_SHARE = re.compile(rf" (?:at|from) {slot_pattern(Slot.FRACTION, Slot.PERCENT)} ")
_AT_NUMBER = re.compile(rf" at {_NUMBER} ")
_AT_TIME = re.compile(rf" (?:at|from) {_TIME} ")
_EVERY = re.compile(rf" per ({_TIME}) ")
_TIME_TO_TIME = re.compile(rf" ({_TIME}) to ({_TIME}) ")
_LASTS = re.compile(rf" (?:to|long|set for|for) ({_TIME}) ")
_LONGER = re.compile(rf" longer (?:it |video |clip )*to ({_TIME}) ")
_ABSOLUTE = re.compile(rf" (?:to|at) {_PERCENT} ")
# The length of clips or parts is not a point to split at.
_LONG = re.compile(rf"(?<! at) {_TIME} (?:clip|part) $")
_INTO_PARTS = re.compile(rf" (?:to|in) {_NUMBER} (?:part|clip) $")
_TIMELAPSE = 4.0
_SLOWER, _FASTER = (0.5, 0.75, 0.5), (1.5, 1.25, 2.0)


def extract_swap(clause: Clause) -> list[Edit] | None:
    """Swap two clips."""
    selectors = extract_selectors(clause, bare=True)
    if len(selectors) < 2:
        numbers = _BARE_NUMBER.findall(clause.line)
        selectors += [Selector(number=int(clause.value(slot))) for slot in numbers]
    return [SwapClips(selectors[0], selectors[1])] if len(selectors) == 2 else None


def extract_reverse_order(clause: Clause) -> list[Edit] | None:
    """Reverse the order of the clips."""
    if not clause.has_any("order") and (not clause.has_any("clip") or extract_selectors(clause)):
        return None  # clips that play backwards
    turned = clause.has_any("reverse", "backwards", "flip", "upsidedown")
    return [ReverseOrder()] if turned and not clause.has_any(Slot.COLOR, Slot.TIME) else None


def extract_move(clause: Clause) -> list[Edit] | None:
    """Move a clip to another position."""
    for where, pattern in _TARGET_PATTERNS:
        if match := pattern.search(clause.line):
            nth = int(clause.value(match["nth"])) if where in ("nth", "before", "after") else 0
            clause.consume(*match.span())
            selectors = extract_selectors(clause, bare=True)
            return (
                [MoveClip(selectors[0], _target_position(where, nth, selectors[0]))]
                if len(selectors) == 1
                else None
            )
    return None


def _target_position(where: str, nth: int, selector: Selector) -> int:
    """The position to move to, counted after the clip has left its old one."""
    if where in ("start", "end"):
        return 1 if where == "start" else -1
    moves_up = where != "nth" and selector.number is not None and 0 < selector.number < nth
    return nth + (where == "after") - moves_up


def extract_merge(clause: Clause) -> list[Edit] | None:
    """Merge all clips."""
    return [Merge()] if not clause.has_any(Slot.UNKNOWN_WORD, Slot.QUOTED_TEXT) else None


def extract_remove_clip(clause: Clause) -> list[Edit] | None:
    """Remove clips, or the card that is called so: "remove the intro"."""
    selectors = extract_selectors(clause)
    if not selectors and (card := _CARD.search(clause.line)):
        clause.consume(*card.span())
        selectors = [Selector(name=card["name"])]
    return [RemoveClip(one) for one in selectors] if selectors else None


def extract_place_uploads(clause: Clause) -> list[Edit] | None:
    """Place all uploads, or the named ones."""
    if any(token.kind == TokenKind.DISCOURSE for token in clause.tokens):
        return None
    generates = clause.has_any("generate") and not clause.has_any("from", "out", "with", "upload")
    if (
        generates
        or not clause.has_any("video", "clip", "photo", "upload", Slot.FILE_NAME)
        or not clause.symbols.isdisjoint(_OTHER_SYMBOLS)
    ):
        return None
    selectors = [one for one in extract_selectors(clause) if one.name is not None]
    return [_edit_for_upload(one) for one in selectors or [SELECT_ALL]]


def _edit_for_upload(selector: Selector) -> Edit:
    """Place an upload; a sound becomes the music."""
    if selector.name and selector.name.lower().endswith((".mp3", ".wav", ".m4a", ".aac")):
        return AddMusic(name=selector.name)
    return PlaceUploads(selector)


def extract_history(clause: Clause) -> list[Edit] | None:
    """Undo and redo, with the number of steps; start over."""
    if clause.has_any("restart"):
        return [StartOver()]
    if clause.has_any("all", "everything"):
        return None  # that would be to start over: too much to guess
    if clause.has_any("redo"):
        return [Redo(_steps(clause))]
    return [Undo(_steps(clause))]


def _steps(clause: Clause) -> int:
    # The factor of "undo the 2x speed" is not a number of steps.
    slots = (Slot.NUMBER,) if clause.has_any("speed") else (Slot.NUMBER, Slot.FACTOR)
    for slot in slots:
        if (count := clause.first_value(slot)) is not None:
            return max(1, min(int(count), 100))
    return 2 if clause.has_any("double") else 3 if clause.has_any("triple") else 1


def extract_split(clause: Clause) -> list[Edit] | None:
    """Split clips in two, or into equal parts."""
    times = tuple(TimelinePoint(time) for time in clause.values(Slot.TIME))
    if (times and _LONG.search(clause.line)) or extract_selectors(clause):
        return None
    if times:
        return _split_at_times(clause, times)
    if _AT_NUMBER.search(clause.line):
        return [Split(tuple(TimelinePoint(round(n * 1000)) for n in clause.values(Slot.NUMBER)))]
    count = extract_number(clause)
    part = extract_share(clause) if count is None else None
    if clause.has_any(Slot.PERCENT) and not _AT_SHARE.search(clause.line):
        return None  # a share of the picture, or no number of parts
    if part is not None and _AT_SHARE.search(clause.line):
        return [Split((TimelinePoint(share=part),))]
    if part is not None:
        return [Split(parts=round(1 / part))] if 0.01 <= part <= 0.5 else None
    if _MIDDLE.search(clause.line):
        return [Split((TimelinePoint(share=0.5),))]
    if count is not None:
        return [Split(parts=int(count))] if 2 <= count <= 100 else None
    return [Split(parts=2)] if clause.has_any("double") else None


def _split_at_times(clause: Clause, times: tuple[TimelinePoint, ...]) -> list[Edit] | None:
    if every := _EVERY.search(clause.line):
        return [Split(every_ms=clause.value(every[1]))] if len(times) == 1 else None
    count = extract_number(clause)
    fits = count in (None, len(times) + 1) and not clause.has_any("per")
    return [Split(times)] if fits else None


def extract_split_into_parts(clause: Clause) -> list[Edit] | None:
    """Split "into 3 parts", with a verb that mostly means to shorten."""
    return extract_split(clause) if _INTO_PARTS.search(clause.line) else None


def extract_loop(clause: Clause) -> list[Edit] | None:
    """Repeat a number of times, or up to a length."""
    if clause.has_any("play") and not clause.has_any(
        "times", "double", "triple", Slot.FACTOR, "loop"
    ):
        return None
    if _AT_TIME.search(clause.line):
        return None  # where, not how long
    selector = (extract_selectors(clause) or [SELECT_ALL])[0]
    if (length := clause.first_value(Slot.TIME)) is not None:
        return [Loop(None, length, selector)]
    count = extract_number(clause)
    if count is None:
        count = clause.first_value(Slot.FACTOR) or (3 if clause.has_any("triple") else 2)
    return [Loop(int(count), None, selector)] if 1 < count <= 1000 else None


def extract_extension(clause: Clause) -> list[Edit] | None:
    """`Extend it to a minute` repeats it up to there."""
    match = _LONGER.search(clause.line)
    return [Loop(None, clause.value(match[1]))] if match else None


def extract_picture_video(clause: Clause) -> list[Edit] | None:
    """`Turn my images into a video`, 每张照片2秒: a slideshow of them."""
    made = clause.has_any("set", "generate", "add", "merge") and clause.has_any("video")
    if made or (clause.has_any("per") and clause.has_any(Slot.TIME)):
        return extract_slideshow(clause)
    return None


def extract_slideshow(clause: Clause) -> list[Edit] | None:
    """A slideshow of the images."""
    slides = _slideshow(clause)
    if not clause.has_any("music"):
        return slides
    return [*slides, AddMusic(clause.first_value(Slot.MOOD), name=None)]


def _slideshow(clause: Clause) -> list[Edit]:
    time = clause.first_value(Slot.TIME)
    if time is None:
        return [Slideshow()]
    start = next(token.start for token in clause.tokens if token.symbol == Slot.TIME)
    each = clause.has_any("per") or clause.original[:start].endswith(("张", "張", "页", "頁", "幅"))
    return [Slideshow(each_ms=time)] if each else [Slideshow(total_ms=time)]


def extract_speed(clause: Clause) -> list[Edit] | None:
    """Change the speed, by a factor, a share or a word."""
    if clause.has_any("timelapse") and (match := _TIME_TO_TIME.search(clause.line)):
        before, after = clause.value(match[1]), clause.value(match[2])
        return [SetSpeed(round(before / after, 4))] if 0 < after < before else None
    if clause.has_any("speedup", "slowdown", "timelapse", "fast", "faster") and (
        lasts := _LASTS.search(clause.line)
    ):
        return [SetSpeed(duration_ms=clause.value(lasts[1]))] if _names_one_length(clause) else None
    selectors = extract_scope(clause, "bare", "to", "by", "for", "at", "all", "from-for")
    if (factor := _factor(clause)) is None or not 0.01 <= factor <= 100:
        return None
    return [SetSpeed(round(factor, 4), one) for one in selectors]


def _names_one_length(clause: Clause) -> bool:
    """Whether the clause names one time and no clip: the length that the whole video shall have."""
    return len(clause.values(Slot.TIME)) == 1 and not extract_selectors(clause)


def _factor(clause: Clause) -> float | None:
    slower = clause.has_any(
        "slowdown", "slower", "slow", "slowmo", "slowly", "lower", "less", "down"
    )
    faster = clause.has_any("speedup", "faster", "fast", "raise", "more", "up")
    if clause.has_any("remove"):
        return 1.0
    if clause.has_any("timelapse") and not slower:
        return float(clause.first_value(Slot.FACTOR) or _TIMELAPSE)
    if times := _times(clause):
        return 1 / times if slower and times > 1 else times
    if part := extract_share(clause):
        return _by_share(clause, part, slower, faster)
    if clause.has_any("normal"):
        return 1.0
    if slower == faster:
        return None
    return choose_by_degree(clause, *(_SLOWER if slower else _FASTER))


def _times(clause: Clause) -> float | None:
    """How many times as fast or slow."""
    count = clause.first_value(Slot.FACTOR)
    if count is None:
        count = extract_number(clause)
    if count is None and clause.has_any("double", "triple"):
        count = 2.0 if clause.has_any("double") else 3.0
    return None if count is None else float(count)


def _by_share(clause: Clause, part: float, slower: bool, faster: bool) -> float:
    """`50% faster` is relative; `at 150% speed` and `half as fast` are absolute."""
    if clause.first_value(Slot.PERCENT) is None:
        return 1 + part if faster and not slower and clause.has_any("by") else part
    if _ABSOLUTE.search(clause.line) or not (slower or faster):
        return part
    return 1 - part if slower else 1 + part
