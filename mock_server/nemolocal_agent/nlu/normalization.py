"""Rewrites clauses that say one thing and mean another: refusals, undo of an object, crops."""

from .lexer.tokens import LexToken, Slot, TokenKind, symbol_set
from .segmentation import CLIP_SYMBOLS, KEEPABLE_OBJECTS, REFUSAL_REPLACEMENTS, RawClause

_PICTURE_CROP_SYMBOLS = symbol_set(
    "side off_sides left right top bottom fill title music",
    Slot.PERCENT,
    Slot.ASPECT_RATIO,
    Slot.FRACTION,
)
# To undo one of these is no removal: colors are reset, and nobody puts a fault back.
_NOT_UNDONE = symbol_set("color chromakey silentpart audiofault highlight")
# A clause without any of these says what it means.
_REWRITTEN = symbol_set(
    "negation crop undo restart decline background beginning", *REFUSAL_REPLACEMENTS
)
# After these, "beginning at" can be a noun with a place.
_BEFORE_BEGINNING = symbol_set("remove cut trim keep from")
_SETTINGS_WITHOUT_REMOVAL = symbol_set("volume sound voice speed color resolution framerate size")


def normalize_refusal(clause: RawClause, original: str) -> RawClause:
    """Turn a refusal of a thing into a removal: `cancel` and 不要了 beside a noun.

    "Not loud enough" is no refusal but a complaint about too little.
    """
    if clause.symbols.isdisjoint(_REWRITTEN):
        return clause
    clause = _resolve_verb(clause)
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
    if "decline" in clause.symbols and clause.symbols - {"decline", "it"} <= KEEPABLE_OBJECTS:
        return _decline_to_keep(clause)
    if "background" in clause.symbols:
        return _resolve_background(clause)
    if clause.is_refusal or not clause.symbols & REFUSAL_REPLACEMENTS.keys():
        return clause
    tokens = [
        LexToken(
            *REFUSAL_REPLACEMENTS.get(t.symbol, (t.symbol, t.kind)),
            t.start,
            t.end,
            t.value,
            t.is_base_form,
        )
        for t in clause.tokens
    ]
    return RawClause(tokens, clause.separator)


def _resolve_verb(clause: RawClause) -> RawClause:
    """Replace a verb by what it means here: not to keep is to remove."""
    if "beginning" in clause.symbols:
        clause = _resolve_beginning(clause)
    if {"negation", "keep"} <= clause.symbols and clause.content_tokens[0].symbol == "negation":
        clause = _remove_instead_of_keep(clause)
    if "crop" in clause.symbols and clause.symbols.isdisjoint(_PICTURE_CROP_SYMBOLS):
        clause = _trim_instead_of_crop(clause)
    if {"undo", "restart"} & clause.symbols:
        clause = _undo_of_object(clause)
    return clause


def _remove_instead_of_keep(clause: RawClause) -> RawClause:
    """Not to keep something is to remove it: "don't keep the last 5 seconds"."""
    if TokenKind.SLOT not in clause.kinds and clause.symbols.isdisjoint(CLIP_SYMBOLS):
        return clause
    tokens = [
        LexToken("remove", TokenKind.VERB, t.start, t.end) if t.symbol == "keep" else t
        for t in clause.tokens
        if t.symbol != "negation"
    ]
    return RawClause(tokens, clause.separator)


def _resolve_beginning(clause: RawClause) -> RawClause:
    """ "Beginning at" is "from", unless it can be an object: "erase beginning at 0:05"."""
    tokens: list[LexToken] = []
    before: set[str] = set()
    for token in clause.tokens:
        if token.symbol == "beginning from" and _BEFORE_BEGINNING.isdisjoint(before):
            token = LexToken("from", token.kind, token.start, token.end, token.value)
        tokens.append(token)
        before = set(token.symbol.split()) or before
    return RawClause(tokens, clause.separator)


def _trim_instead_of_crop(clause: RawClause) -> RawClause:
    """To crop to a time is to trim: "crop the video to 10 seconds"; a picture has no length."""
    if Slot.TIME not in clause.symbols or "photo" in clause.symbols:
        return clause
    tokens = [
        LexToken("trim", TokenKind.VERB, t.start, t.end) if t.symbol == "crop" else t
        for t in clause.tokens
    ]
    return RawClause(tokens, clause.separator)


def _undo_of_object(clause: RawClause) -> RawClause:
    """To undo a thing is to remove it, not the last edit; to reset one is to make it normal."""
    things = {
        token.symbol
        for token in clause.content_tokens
        if token.kind in (TokenKind.NOUN, TokenKind.EFFECT, TokenKind.TRANSITION)
    } - {"video"}
    if (
        not things
        or TokenKind.VERB in clause.kinds
        or any(_NOT_UNDONE & set(thing.split()) for thing in things)
    ):
        return clause  # "undo the changes of the title"
    effect = TokenKind.EFFECT in clause.kinds
    undone = things.isdisjoint(_SETTINGS_WITHOUT_REMOVAL) and (effect or "undo" in clause.symbols)
    tokens = [t for t in clause.tokens if t.symbol != Slot.FACTOR]
    for index, token in enumerate(tokens):
        if token.symbol in ("undo", "restart"):
            symbol = "remove undone" if undone else "set normal"
            tokens[index] = LexToken(symbol, TokenKind.VERB, token.start, token.end)
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


def from_start_after_cut(clauses: list[RawClause], original: str) -> list[RawClause]:
    """从头开始 after a length says from where, not to start over: 截15秒，从头开始."""
    found = clauses[:1]
    for clause in clauses[1:]:
        token = clause.content_tokens[0]
        said = original[token.start : token.end].startswith("从头")
        cuts = found[-1].symbols & {"take", "cut", "trim", "keep"}
        if said and clause.symbols == {"restart"} and cuts and Slot.TIME in found[-1].symbols:
            words = [
                LexToken("from", TokenKind.MODIFIER, token.start, token.start),
                LexToken("start", TokenKind.MODIFIER, token.start, token.end),
            ]
            found[-1] = RawClause([*found[-1].tokens, *words], found[-1].separator)
        else:
            found.append(clause)
    return found
