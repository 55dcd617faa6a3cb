"""Clauses as they were written, and what can be told about one before it is parsed."""

from .lexer.tokens import COMMA, LexToken, Slot, TokenKind

ACTION_KINDS = frozenset((TokenKind.ACTION, TokenKind.EFFECT, TokenKind.TRANSITION))
TWO_OBJECT_COMMANDS = frozenset(
    "swap merge between split replace transition crossfade wipe slide dissolve".split()
)
"""Commands about two objects: an "and" between them does not end the clause."""
ATTRIBUTE_NOUNS = frozenset(
    "volume size font opacity speed color corner side frame effect order aspect resolution "
    "transparent halftransparent".split()
)
"""Nouns for a property of an object."""
CLIP_SYMBOLS = frozenset((Slot.ORDINAL, "first", "last", "clip", Slot.FILE_NAME, "last clip"))
"""Symbols that refer to a clip."""
SETTING_SLOTS = frozenset((Slot.FACTOR, Slot.RESOLUTION, Slot.ASPECT_RATIO, Slot.FRAME_RATE))
"""Values that make a command without a verb: 2x, 1080p, 9:16, 30 fps."""

_REFUSAL_SYMBOLS = frozenset(("decline", "cancel", "it"))
_CONTINUATION_SYMBOLS = frozenset("quiet halftransparent duck duckhint".split())
_FIT_SYMBOLS = frozenset(("pad", "fill", "blurfit", "it", "with"))
_SETTING_SYMBOLS = SETTING_SLOTS | frozenset(
    "speed speedup slowdown faster slower slowmo zoomin zoomout timelapse loop generate "
    "edit".split()
)
_DISCARD_REST_SYMBOLS = frozenset("remove rest all it of video part".split())
_REFUSAL_REPLACEMENTS = {
    "cancel": ("remove", TokenKind.VERB),
    "decline": ("negation", TokenKind.DISCOURSE),
}


class RawClause:
    """The tokens between two separators, and the separator before them.

    `content_tokens` are the tokens with a meaning; `symbols` and `kinds` are those of its tokens.
    """

    def __init__(self, tokens: list[LexToken], separator: str = "") -> None:
        self.tokens = tokens
        self.separator = separator
        self.content_tokens = [token for token in tokens if token.symbol]
        self.kinds = {token.kind for token in self.content_tokens}
        self.symbols = {word for token in self.content_tokens for word in token.symbol.split()}

    @property
    def is_refusal(self) -> bool:
        """Whether it is a refusal and nothing else: "never mind"."""
        only = all(
            t.symbol in _REFUSAL_SYMBOLS or t.kind == TokenKind.SMALL_TALK
            for t in self.content_tokens
        )
        return only and not self.symbols.isdisjoint(_REFUSAL_REPLACEMENTS)


def normalize_refusal(clause: RawClause, original: str) -> RawClause:
    """Turn a refusal of a thing into a removal: `cancel` and 不要了 beside a noun.

    "Not loud enough" is no refusal but a complaint about too little.
    """
    if {"negation", "enough"} <= clause.symbols:
        tokens = [t for t in clause.tokens if t.symbol not in ("negation", "set enough")]
        at = clause.tokens[-1].end
        return RawClause([*tokens, LexToken("lacks", TokenKind.MODIFIER, at, at)], clause.separator)
    last = clause.content_tokens[-1]
    thing = TokenKind.VERB not in clause.kinds and (
        clause.kinds & {TokenKind.NOUN, TokenKind.SLOT} or clause.symbols & {*CLIP_SYMBOLS, "rest"}
    )
    if thing and last.symbol == "negation" and original[last.start : last.end] == "不要":
        gone = LexToken("remove", TokenKind.VERB, last.start, last.end)
        return RawClause(
            [gone if token is last else token for token in clause.tokens], clause.separator
        )
    if "decline" in clause.symbols and clause.symbols - {"decline", "it"} <= _KEEPABLE_OBJECTS:
        return _decline_to_keep(clause)
    if "background" in clause.symbols:
        return _resolve_background(clause)
    if clause.is_refusal or not clause.symbols & _REFUSAL_REPLACEMENTS.keys():
        return clause
    tokens = [
        LexToken(
            *_REFUSAL_REPLACEMENTS.get(t.symbol, (t.symbol, t.kind)),
            t.start,
            t.end,
            t.value,
            t.is_base_form,
        )
        for t in clause.tokens
    ]
    return RawClause(tokens, clause.separator)


def _decline_to_keep(clause: RawClause) -> RawClause:
    """Turn "do not touch" into "keep": 音乐别动."""
    tokens = [
        LexToken("keep", TokenKind.VERB, t.start, t.end) if t.symbol == "decline" else t
        for t in clause.tokens
    ]
    return clause if clause.is_refusal else RawClause(tokens, clause.separator)


def _resolve_background(clause: RawClause) -> RawClause:
    """Blurring is the only edit of the background; everything else is unknown."""
    blurs = clause.symbols & {"blur", "blurfit"}
    tokens = [
        LexToken("blurfit", TokenKind.EFFECT, t.start, t.end)
        if t.symbol == "blur"
        else t
        if t.symbol != "background"
        else LexToken(
            "" if blurs else Slot.UNKNOWN_WORD,
            TokenKind.FILLER if blurs else TokenKind.UNKNOWN,
            t.start,
            t.end,
            t.value,
        )
        for t in clause.tokens
    ]
    return RawClause(tokens, clause.separator)


def is_continuation(clause: RawClause, head: RawClause) -> bool:
    """Whether it only adds to the command before it: "…, in red, at the top"."""
    words, kinds = clause.symbols, clause.kinds
    if (
        kinds & ACTION_KINDS
        and words <= _FIT_SYMBOLS
        and head.symbols & {Slot.ASPECT_RATIO, Slot.RESOLUTION}
    ):
        return True
    if clause.separator in ("then", "but") or kinds & {TokenKind.VERB, TokenKind.DISCOURSE}:
        return False
    if head.symbols & TWO_OBJECT_COMMANDS:
        return not kinds & ACTION_KINDS
    if kinds & ACTION_KINDS:
        return (
            all(t.symbol in _CONTINUATION_SYMBOLS for t in clause.tokens if t.kind in ACTION_KINDS)
            and Slot.RESOLUTION not in head.symbols
        )
    if any(t.kind == TokenKind.NOUN and t.symbol not in ATTRIBUTE_NOUNS for t in clause.tokens):
        return False
    if (
        head.symbols & {"keep", "only"}
        and words & {"first", "last"}
        and words & {Slot.TIME, Slot.NUMBER}
    ):
        return True
    if Slot.ORDINAL in words or (
        words & {"first", "last"} and not words & {Slot.TIME, Slot.NUMBER}
    ):
        return False
    if words & SETTING_SLOTS and not head.symbols & _SETTING_SYMBOLS:
        return False
    return not (
        words & {Slot.TIME, "first", "last"} and head.symbols & {"remove", "keep", "trim", "cut"}
    )


def is_joinable(clause: RawClause, following: RawClause) -> bool:
    """Whether two clauses that are no command alone can be one together: 第一段和第二段对调."""
    if following.separator in ("then", "but"):
        return False
    commands = {TokenKind.VERB, *ACTION_KINDS}
    return (
        bool((clause.symbols | following.symbols) & TWO_OBJECT_COMMANDS)
        or not clause.kinds & commands
        or not following.kinds & {TokenKind.DISCOURSE, *commands}
    )


def is_display_detail(clause: RawClause) -> bool:
    """Whether it says how long, where or how something is shown, but not what."""
    known = {"add", "it"} | (set() if TokenKind.VERB in clause.kinds else {"title"})
    only_details = all(
        token.symbol in known or token.kind not in (TokenKind.VERB, TokenKind.NOUN, *ACTION_KINDS)
        for token in clause.content_tokens
    )
    return (
        only_details
        and not clause.symbols
        & {Slot.QUOTED_TEXT, Slot.FILE_NAME, Slot.SUBTITLES, Slot.SCENE, Slot.MOOD}
        and clause.separator in (COMMA, "and")
    )


def is_discard_rest(clause: RawClause) -> bool:
    """Whether it removes what is not kept: "drop the rest", 其他的都删掉."""
    return {"remove", "rest"} <= clause.symbols <= _DISCARD_REST_SYMBOLS


def is_keep_object(clause: RawClause) -> bool:
    """Whether it asks to keep an object as it is: "keep the title", 音乐留着."""
    nouns = {token.symbol for token in clause.content_tokens if token.kind == TokenKind.NOUN}
    rest = clause.symbols - {"keep", "it", "all"} - nouns
    return "keep" in clause.symbols and not rest and bool(nouns) and nouns <= _KEEPABLE_OBJECTS


_KEEPABLE_OBJECTS = frozenset(
    "title font subtitles music voice sound volume watermark pip overlay effect transition color "
    "speed order aspect resolution framerate".split()
)


def join_clauses(clauses: list[RawClause]) -> list[LexToken]:
    """The tokens of several clauses as one clause."""
    tokens = list(clauses[0].tokens)
    for clause in clauses[1:]:
        if clause.separator == "and":
            at = clause.tokens[0].start
            tokens.append(LexToken("and", TokenKind.MODIFIER, at, at))
        tokens.extend(clause.tokens)
    return tokens


def find_purpose(tokens: list[LexToken]) -> int | None:
    """The index where a purpose starts, after a command: "to make it shorter"."""
    commanded = False
    for index, token in enumerate(tokens[:-1]):
        after = tokens[index + 1]
        if (
            commanded
            and token.value == "to"
            and after.kind in (TokenKind.VERB, TokenKind.ACTION)
            and after.is_base_form
        ):
            return index
        commanded = commanded or token.kind in (TokenKind.VERB, *ACTION_KINDS)
    return None
