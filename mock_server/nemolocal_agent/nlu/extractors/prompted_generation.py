"""Clips generated from a description: "create a video about cats", "text to video: …"."""

import re

from nemolocal_contract.describe.text_formats import truncate_text

from ...intents import Edit, Generate
from ...understanding import Note
from ..lexer.tokens import LexToken, Slot

_POLITE = r"(?:please |pls |can you |could you |i want you to |i want to |help me (?:to )?)*"
_MAKE = r"(?:create|make|generate|produce|build)(?: me| us)?(?: an?| some)?"
_LENGTH = r"(?: (?P<seconds>\d{1,3})[ -]?(?:s|secs?|seconds?))?"
_PROMPT = r"(?P<prompt>[^,.;:!?\n]{2,200})"
_FILM = r"(?:video|clip|film|movie|short)"
_AD = r"(?:promo|promotional|advert|advertisement|commercial|ad|marketing|explainer|product)"
_SOURCE = r"(?:text|script|prompt|story|idea)"
_PATTERNS = tuple(
    re.compile(rf"^\s*{_POLITE}{pattern}[\s.!]*$", re.IGNORECASE)
    for pattern in (
        rf"{_MAKE}{_LENGTH}(?: [\w-]+){{0,3}} {_FILM} (?:about|showing|on) {_PROMPT}",
        rf"{_MAKE}{_LENGTH}(?: [\w-]+){{0,2}} {_AD}(?: {_FILM})? (?:for|about) {_PROMPT}",
        rf"{_SOURCE}[ -]to[ -]video\s*:\s*(?P<prompt>[^\n]{{2,200}}?)",
        rf"turn (?:this|the|my) {_SOURCE} into (?:an? )?{_FILM}\s*:\s*(?P<prompt>[^\n]{{2,200}}?)",
    )
)
_PATTERNS_WITHOUT_COLON = _PATTERNS[:2]
# A film of what is there is no generated clip.
_OWN_MATERIAL = re.compile(
    r"\b(?:clips?|uploads?|footage|photos?|pictures?|images?|files?|this|these|it|them|script)\b",
    re.IGNORECASE,
)
_DEFAULT_SECONDS = 10.0


def generate_from_prompt(message: str, tokens: list[LexToken]) -> tuple[Edit, Note | None] | None:
    """The clip that a whole message describes, and what to say if no scene is like it."""
    for pattern in _PATTERNS if ":" in message else _PATTERNS_WITHOUT_COLON:
        match = pattern.match(message)
        if match is None:
            continue
        prompt = match["prompt"].strip().strip("'\"“”‘’")
        if ":" not in match[0] and _OWN_MATERIAL.search(prompt):
            return None
        start = match.start("prompt")
        scene = next((t.value for t in tokens if t.symbol == Slot.SCENE and t.start >= start), None)
        seconds = float(match.groupdict().get("seconds") or _DEFAULT_SECONDS)
        shown = truncate_text(prompt)
        edit = Generate(scene or "abstract", min(max(seconds, 1.0), 60.0), shown)
        return edit, None if scene else Note("no_such_scene", shown)
    return None
