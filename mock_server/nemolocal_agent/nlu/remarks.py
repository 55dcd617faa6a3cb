"""Remarks: clauses that say something about the video instead of asking for an edit."""

from collections.abc import Iterable

from .lexer.tokens import LexToken, Slot, TokenKind
from .raw_clause import ACTION_KINDS, CLIP_SYMBOLS, SETTING_SLOTS, RawClause

# Values that can be enough: "720p is enough", "10 seconds will do".
_SUFFICIENT_SLOTS = SETTING_SLOTS | {Slot.TIME, Slot.FILE_SIZE, Slot.PERCENT}
_REMARK_OPENINGS = frozenset("who there negation at".split())
_JUDGEMENT_SYMBOLS = frozenset((Slot.UNKNOWN_WORD, *"is too much more less lacks flaw".split()))
_REMARK_TARGET_SYMBOLS = (
    CLIP_SYMBOLS
    | frozenset(
        "video part start end middle half of from to until through between and at in it "
        "after before clip when for long later earlier".split()
    )
    | {Slot.TIME, Slot.NUMBER, Slot.PERCENT, Slot.FRACTION}
)
_OPPOSITES = {
    "brighter": "darker", "louder": "quieter", "loud": "quieter", "quiet": "louder",
    "fast": "slower", "faster": "slower", "slow": "faster", "warmer": "cooler", "vivid": "dull",
    "big": "smaller", "small": "bigger", "huge": "smaller", "blur": "sharpen", "contrast": "flat",
}  # fmt: skip
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items() if other not in _OPPOSITES}


def is_praise(clause: RawClause) -> bool:
    """Whether it is praise: "nice fade!" asks for no fade."""
    content = clause.content_tokens
    follows = content[1:2] and content[1].start - content[0].end <= 1
    return bool(
        follows
        and content[0].kind == TokenKind.SMALL_TALK
        and content[1].kind in (TokenKind.NOUN, *ACTION_KINDS)
        and not clause.kinds & {TokenKind.VERB, TokenKind.SLOT}
    )


def is_remark(clause: RawClause) -> bool:
    """Whether it is a statement about the video or the world, without a request."""
    content = [token for token in clause.content_tokens if token.kind != TokenKind.SMALL_TALK]
    if clause.symbols & {"duck", "duckhint", "speaks"}:
        return False
    if content[0].symbol in ("who", "is", "it is", "there") or clause.symbols & {
        "too",
        "post",
        "lacks",
    }:
        return True
    if clause.symbols & {"enough", "fine"}:
        return clause.symbols.isdisjoint(
            _SUFFICIENT_SLOTS if "enough" in clause.symbols else SETTING_SLOTS
        )
    if "flaw" in clause.symbols and TokenKind.VERB not in clause.kinds:
        return True
    verb = next((token for token in content if token.kind == TokenKind.VERB), None)
    if verb is None and any(token.symbol == "is" for token in content[1:]):
        return True
    if content[0].kind not in (TokenKind.NOUN, TokenKind.UNKNOWN) and content[0].symbol not in (
        "it",
        "start",
        "end",
    ):
        return False
    return verb is not None and not verb.is_base_form and str(verb.value).endswith("s")


def remark_target(clause: RawClause) -> list[LexToken]:
    """The span or clips that a remark is about: "the first six seconds are boring".

    Empty if it is about something in them: "the dog in the second clip is ugly".
    """
    target: list[LexToken] = []
    for token in clause.content_tokens:
        if token.symbol in _REMARK_OPENINGS or (token.symbol == "flaw" and not target):
            continue
        if token.symbol in _JUDGEMENT_SYMBOLS:
            break
        if token.symbol not in _REMARK_TARGET_SYMBOLS:
            return []
        target.append(token)
    else:
        if "negation" not in clause.symbols and "there" not in clause.symbols:
            return []
    return (
        target
        if any(token.kind == TokenKind.SLOT or token.symbol in CLIP_SYMBOLS for token in target)
        else []
    )


def is_reference_only(clause: RawClause) -> bool:
    """Whether it only says what to do with the target of a remark: "get rid of them", 删掉."""
    verbs = [token for token in clause.content_tokens if token.kind == TokenKind.VERB]
    rest = [
        t for t in clause.content_tokens if t.kind not in (TokenKind.VERB, TokenKind.SMALL_TALK)
    ]
    away = all(t.symbol in ("it", "out", "away", "off", "all", "part", "video") for t in rest)
    return len(verbs) == 1 and away and bool(clause.symbols & {"remove", "cut", "trim", "keep"})


def invert_complaint(tokens: Iterable[LexToken]) -> list[LexToken]:
    """Turn a complaint into a request: "too dark" asks for more light."""
    row = [_lacks_to_more(token) for token in tokens]
    if not any(token.symbol == "too" for token in row):
        return row
    return [
        LexToken(_OPPOSITES.get(t.symbol, t.symbol), t.kind, t.start, t.end, t.value)
        for t in row
        if t.symbol not in ("too", "much", "bit")
    ]


def _lacks_to_more(token: LexToken) -> LexToken:
    """Turn "not enough" into "more"."""
    if token.symbol != "lacks":
        return token
    return LexToken("more", TokenKind.MODIFIER, token.start, token.end)
