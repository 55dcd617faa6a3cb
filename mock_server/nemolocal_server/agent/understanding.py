"""A message becomes intents: a few patterns per edit, tried clause by clause, never a guess."""

import re
from collections.abc import Callable

from .intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    Keep,
    PlaceUploads,
    Remove,
    SetVolume,
    Span,
    Talk,
    after,
    between,
    first,
    last,
)
from .times import TIME, milliseconds, volume

_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|(?<!\w)'(.{1,200}?)'(?!\w)|‘([^’]+)’")
_CLAUSE_END = re.compile(
    r"\s*(?:[;\n]|[.!?](?=\s|$)|,?\s*\b(?:and\s+then|then)\b"
    r"|,?\s+and\b(?=\s+(?:add|put|trim|cut|keep|remove|delete|set|compress|reduce|make|title)\b)"
    r"|,(?=\s*(?:add|put|trim|cut|keep|remove|delete|set|compress|reduce|make)\b))\s*",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:how|what|why|when|where|which|who|can i|could i|should i|is it|is there|does|do you)\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:don'?t|do not|never|no need to|without)\s+(?!losing)\w+", re.IGNORECASE
)
_GREETING = re.compile(
    r"^(?:hi|hello|hey|thanks|thank you|ok|okay|good \w+|你好|谢谢)\b", re.IGNORECASE
)
# What the edit is for is no edit: "… so I can come back and make changes later" (S3:35).
_PURPOSE = re.compile(r"\bso\s+(?:that\s+)?(?:i|we)\s+(?:can|could|may)\b.*", re.IGNORECASE)
# Nobody asks for one edit in so many characters; it keeps the patterns' time in bounds.
_LONGEST_CLAUSE = 500
_HOLE = "\x00{}\x00"
_HOLES = re.compile("\x00(\\d+)\x00")

MOODS = {
    "lofi": r"\blo-?\s?fi\b",
    "upbeat": r"\b(?:upbeat|energetic|fast|dance|electronic|pop)\b",
    "calm": r"\b(?:calm|relax\w*|soft|gentle|peaceful|chill)\b",
    "ambient": r"\bambient\b",
    "cinematic": r"\b(?:cinematic|film|movie|orchestra\w*)\b",
    "happy": r"\b(?:happy|cheerful|joyful|fun)\b",
    "sad": r"\b(?:sad|melanchol\w*|emotional)\b",
    "epic": r"\b(?:epic|dramatic|heroic|trailer)\b",
}
_SCENES = {
    "sunset": r"\b(?:sunset|sunrise|dusk|dawn|golden hour|desert)\b",
    "ocean": r"\b(?:ocean|sea|beach|waves?|water|lake|river|underwater)\b",
    "city": r"\b(?:city|urban|street|skyline|traffic|neon|town)\b",
    "forest": r"\b(?:forest|trees?|nature|jungle|mountains?|garden|park)\b",
    "space": r"\b(?:space|galaxy|stars?|planets?|cosmos|universe|nebula)\b",
    "night": r"\b(?:night|moon|midnight|aurora)\b",
    "snow": r"\b(?:snow\w*|winter|ice|arctic|glacier)\b",
    "fire": r"\b(?:fire|flames?|lava|volcano|explosion)\b",
    "abstract": r"\b(?:abstract|colou?rs?|gradient|pattern|background clip)\b",
}
_ASKS_FOR_CLIP = re.compile(
    r"\b(generate|imagine|dream up)\b|\b(?:create|make)\s+(?:an?|some)\b", re.IGNORECASE
)
# Words of other wishes: a title, music, or a video out of what the user has.
_NO_CLIP = re.compile(
    r"\b(?:title|text|caption|music|bgm|song|my|our|these|those|from|uploads?|uploaded|footage)\b",
    re.IGNORECASE,
)
_ANY_SCENE = "abstract"
_CLIP_SECONDS = 10.0
_LONGEST_CLIP = 60.0
_I = re.IGNORECASE
_TITLE_MS = 3000
_DEFAULT_MOOD = "calm"
_DEFAULT_VOLUME = 0.35
_COLORS = "white|black|red|green|blue|yellow|orange|purple|pink|cyan|gold|gray|grey"
_POSITION = re.compile(
    r"\b(top|bottom|upper|lower)[\s-]?(left|right|center|centre)?\b"
    r"|\b(cent(?:er|re)|middle)\b",
    re.IGNORECASE,
)


def understand(message: str) -> tuple[Edit, ...] | Talk:
    """The edits that a message asks for, in its order, or what to talk about instead.

    One clause that is not understood makes the whole message talk: half an edit would surprise.
    """
    quotes: list[str] = []
    text = _QUOTED.sub(lambda match: _dig(match, quotes), message.replace("\x00", " ").strip())
    if _GREETING.match(text) and len(text.split()) < 4:
        return Talk("hello")
    if _QUESTION.match(text):
        return Talk("how")
    if _REFUSAL.search(text):
        return Talk("declined")
    clauses = [c for c in _CLAUSE_END.split(_PURPOSE.sub("", text)) if c.strip()]
    if max(map(len, clauses), default=0) > _LONGEST_CLAUSE:
        return Talk("unknown")
    edits = [_edit(clause, quotes) for clause in clauses]
    if not edits or None in edits:
        return Talk("unknown")
    return tuple(edit for edit in edits if edit is not None)


def _dig(match: re.Match[str], quotes: list[str]) -> str:
    """Quoted words are the user's text, not commands: a hole takes their place."""
    quotes.append(next(group for group in match.groups() if group))
    return _HOLE.format(len(quotes) - 1)


def _edit(clause: str, quotes: list[str]) -> Edit | None:
    readers: tuple[Callable[[str, list[str]], Edit | None], ...] = (
        _generate,
        _compress,
        _title,
        _music,
        _cut,
        _place,
    )
    for read in readers:
        if (edit := read(clause, quotes)) is not None:
            return edit
    return None


def _generate(clause: str, quotes: list[str]) -> Edit | None:
    """`generate a 10-second sunset timelapse`: a clip of what the words name."""
    text = _HOLES.sub(lambda hole: quotes[int(hole[1])], clause)
    asked = _ASKS_FOR_CLIP.search(text)
    if asked is None or _NO_CLIP.search(text):
        return None
    scene = _scene(text)
    if scene is None and asked[1] is None:
        return None  # "make a cake" is no clip, "generate a cake" is one
    length = re.search(TIME, text, _I)
    seconds = milliseconds(length[0]) / 1000 if length else _CLIP_SECONDS
    prompt = re.sub(rf"\b(?:an?|the|of|video|clip)\b|{TIME}", " ", text[asked.end() :], flags=_I)
    words = " ".join(prompt.split()) or scene or _ANY_SCENE
    return Generate(scene or _ANY_SCENE, min(max(seconds, 1.0), _LONGEST_CLIP), words[:80])


def _scene(text: str) -> str | None:
    """The scene that the words name first."""
    found = {name: re.search(words, text, _I) for name, words in _SCENES.items()}
    places = {name: match.start() for name, match in found.items() if match}
    return min(places, key=lambda name: places[name], default=None)


def _compress(clause: str, _quotes: list[str]) -> Edit | None:
    smaller = r"\b(?:compress\w*|rtk|(?:reduce|shrink)\b.*\b(?:size|file|video)|smaller)\b"
    return Compress() if re.search(smaller, clause, re.IGNORECASE) else None


def _title(clause: str, quotes: list[str]) -> Edit | None:
    if not re.search(r"\b(?:title|text|caption|heading|overlay)\b", clause, re.IGNORECASE):
        return None
    text, rest = _title_text(clause, quotes)
    if text is None:
        return None
    color = re.search(rf"\b({_COLORS})\b|(#[0-9a-f]{{6}})\b", rest, re.IGNORECASE)
    return AddTitle(
        text=text,
        span=_title_span(rest),
        color=color[0].lower() if color else None,
        position=_position(rest),  # type: ignore[arg-type]
    )


def _title_span(clause: str) -> Span | None:
    """When a title shows: a span, or `at 5s` with or without a length of its own."""
    start = re.search(
        rf"\b(?:at|from|after|starting at)\s+({TIME})(?!\s*(?:to|-)\s*{TIME})", clause
    )
    length = re.search(rf"\bfor\s+({TIME})", clause)
    if start is None:
        return _span(clause)
    begin = milliseconds(start[1])
    return between(begin, begin + (milliseconds(length[1]) if length else _TITLE_MS))


def _title_text(clause: str, quotes: list[str]) -> tuple[str | None, str]:
    """The words to show, and the clause without them."""
    if hole := _HOLES.search(clause):
        return quotes[int(hole[1])], clause.replace(hole[0], " ")
    unquoted = re.search(
        r"\b(?:title|text|caption|heading)(?:\s+(?:that\s+)?(?:says|saying|called|reading))?\s*:?\s+"
        rf"(?!(?:at|in|for|from|to|on|overlay)\b)(.+?)(?=\s+(?:for|from|at|on|in)\b|\s+{TIME}|$)",
        clause,
        re.IGNORECASE,
    )
    if unquoted is None:
        return None, clause
    return unquoted[1].strip(), clause[: unquoted.start(1)] + clause[unquoted.end(1) :]


def _position(text: str) -> str | None:
    place = _POSITION.search(text)
    if place is None:
        return None
    if place[3]:
        return "center"
    row = {"upper": "top", "lower": "bottom"}.get(place[1].lower(), place[1].lower())
    return f"{row}-{(place[2] or 'center').lower().replace('centre', 'center')}"


def _music(clause: str, _quotes: list[str]) -> Edit | None:
    if not re.search(r"\b(?:music|bgm|soundtrack|song|track|beat)\b", clause, re.IGNORECASE):
        return None
    loudness = volume(clause)
    if re.search(
        r"\b(?:add|put|use|play|give|include|with|background)\b", clause, re.IGNORECASE
    ) and (not re.search(r"\b(?:set|change|turn|lower|raise|reduce)\b", clause, re.IGNORECASE)):
        return AddMusic(_mood(clause), _DEFAULT_VOLUME if loudness is None else loudness)
    return None if loudness is None else SetVolume(loudness, target="music")


def _mood(clause: str) -> str:
    found = (m for m, words in MOODS.items() if re.search(words, clause, re.IGNORECASE))
    return next(found, _DEFAULT_MOOD)


def _cut(clause: str, _quotes: list[str]) -> Edit | None:
    span = _span(clause)
    if span is None:
        return None
    if re.search(
        r"\b(?:remove|delete|drop|cut\s+(?:out|off)|trim\s+off|skip)\b", clause, re.IGNORECASE
    ):
        return Remove(span)
    if re.search(r"\b(?:trim|keep|cut|shorten|crop|only)\b", clause, re.IGNORECASE):
        # "cut the last 5 seconds" takes them away; "cut to the last 5 seconds" keeps them.
        bare_cut = re.search(r"\b(?:cut|trim)\s+(?:the\s+)?(?:first|last)\b", clause, re.IGNORECASE)
        return Remove(span) if bare_cut else Keep(span)
    return None


def _span(clause: str) -> Span | None:
    """The stretch of time that the words name, if they name one."""
    ignore = re.IGNORECASE
    if both := re.search(rf"({TIME})\s*(?:to|until|till|and|-|–)\s*({TIME})", clause, ignore):
        start, end = milliseconds(both[1]), milliseconds(both[2])
        return between(start, end) if start < end else None
    if bare := re.search(rf"\b(\d+(?:\.\d+)?)\s*(?:-|–|to)\s*({TIME})", clause, ignore):
        start, end = round(float(bare[1]) * 1000), milliseconds(bare[2])
        return between(start, end) if start < end else None
    if edge := re.search(rf"\b(first|last|final)\s+({TIME})", clause, ignore):
        length = milliseconds(edge[2])
        return first(length) if edge[1].lower() == "first" else last(length)
    if begin := re.search(rf"\b(?:from|after)\s+({TIME})", clause, ignore):
        return after(milliseconds(begin[1]))
    if limit := re.search(rf"\b(?:to|for|at|down to)\s+(?:the\s+)?({TIME})", clause, ignore):
        return first(milliseconds(limit[1]))
    return None


def _place(clause: str, _quotes: list[str]) -> Edit | None:
    wanted = (
        r"\b(?:edit|use|put|place|add|arrange|combine|merge|join|make|create|start)\b.*"
        r"\b(?:footage|clips?|videos?|uploads?|uploaded|files?|pictures?|images?|photos?|timeline)\b"
    )
    return PlaceUploads() if re.search(wanted, clause, re.IGNORECASE) else None
