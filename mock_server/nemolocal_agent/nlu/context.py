"""The context of a clause: what it takes from those before it, a verb, clips or a title.

Also remarks: clauses that say something about the video instead of asking for an edit.
"""

from collections.abc import Iterable, Iterator

from .lexer.lexicon import PRESET_SYMBOL
from .lexer.tokens import COMMA, REMOVAL_SYMBOLS, LexToken, Slot, TokenKind, symbol_set
from .segmentation import (
    ACTION_KINDS,
    ATTRIBUTE_NOUNS,
    CLIP_SYMBOLS,
    SETTING_SLOTS,
    RawClause,
    find_purpose,
)

_TITLE_SYMBOLS = symbol_set(
    "bigger smaller top bottom left right middle fade fadein fadeout fadeboth big small huge "
    "size font remove"
) | {Slot.COLOR, Slot.POSITION, Slot.FONT_SIZE, Slot.QUOTED_TEXT, Slot.TIME}
_MUSIC_SYMBOLS = symbol_set(
    "louder quieter volume fade fadein fadeout fadeboth duck duckhint mute remove lower raise "
    "up down speaks"
) | {Slot.PERCENT, Slot.MOOD}
# With these, "it" is the video: titles and music are not trimmed.
_VIDEO_ONLY_COMMANDS = symbol_set("trim cut keep split loop play speedup slowdown")
_DEGREES = ("bit", "much", "more", "less")
_LOUDNESS = symbol_set("volume sound louder quieter")
_OTHER_SOUNDS = symbol_set("video voice all", Slot.FILE_NAME)
# With these, a clause has a target other than that of the last remark or the clips named before.
_REMARK_INDEPENDENT_SYMBOLS = CLIP_SYMBOLS | symbol_set(
    "video all part add generate start end", Slot.QUOTED_TEXT
)
_NEW_TARGET_SYMBOLS = symbol_set(
    "first last clip", Slot.ORDINAL, Slot.FILE_NAME, Slot.TIME, Slot.UNKNOWN_WORD
)
_CLIP_COMMANDS = ("move", "swap", "remove", "merge")
# A verb of `_INVERTING_VERBS` is inherited first, unless the clause has one of these symbols: in
# "remove the title and sharpen it", the effect is not removed but applied.
_STANDALONE_SYMBOLS = symbol_set(
    "it video photo frame brighter darker sharpen rotate flip mirror crop zoomin zoomout fadein "
    "fadeout"
) | {Slot.TIME}
_INVERTING_VERBS = REMOVAL_SYMBOLS | symbol_set("raise lower keep")
_MUSIC_REMOVALS = REMOVAL_SYMBOLS | symbol_set("stop", "cancel", "cancel halt")
# Values that can be enough: "720p is enough", "10 seconds will do".
_SUFFICIENT_SLOTS = SETTING_SLOTS | {Slot.TIME, Slot.FILE_SIZE, Slot.FILE_LIMIT, Slot.PERCENT}
_REMARK_OPENINGS = symbol_set("who there negation at")
_JUDGEMENT_SYMBOLS = symbol_set("is too much more less lacks flaw", Slot.UNKNOWN_WORD)
_SPAN_SYMBOLS = symbol_set("", Slot.TIME, Slot.NUMBER)
_REMARK_TARGET_SYMBOLS = (
    CLIP_SYMBOLS
    | symbol_set(
        "video part start end middle half of from to until through between and at in it "
        "after before clip when for long later earlier"
    )
    | {Slot.TIME, Slot.NUMBER, Slot.PERCENT, Slot.FRACTION}
)
_OPPOSITES = {
    "brighter": "darker", "louder": "quieter", "loud": "quieter", "quiet": "louder",
    "fast": "slower", "faster": "slower", "slow": "faster", "warmer": "cooler", "vivid": "dull",
    "big": "smaller", "small": "bigger", "huge": "smaller", "blur": "sharpen", "contrast": "flat",
}  # fmt: skip
# Looks of which less can be asked for, and those that are there or not.
_ONLY_WEAKER = (PRESET_SYMBOL, "vignette")
_ALL_OR_NOTHING = ("sepia", "grayscale")
_OPPOSITES |= {other: one for one, other in _OPPOSITES.items() if other not in _OPPOSITES}


class EllipsisResolver:
    """The context that later clauses can refer to."""

    def __init__(self) -> None:
        self._verbs: list[LexToken] = []
        self._actions: list[LexToken] = []
        self._clips: list[LexToken] = []
        self._topic: LexToken | None = None
        self._remark_target: list[LexToken] = []
        self._adds_music = False
        self._is_complaint = False

    def set_clips(self, clips: list[LexToken]) -> None:
        """The next clause is about these clips: "for the second clip, …"."""
        self._clips = clips

    def forget_removal(self) -> None:
        """A new sentence takes nothing away by itself: "Cut the first 5 s. Music, too."."""
        if any(token.symbol.startswith("remove") for token in self._verbs):
            self._verbs = []

    def set_topic(self, tokens: list[LexToken]) -> None:
        """If the tokens name the title or the music, "it" means that from now on."""
        named = next((token for token in tokens if token.symbol in ("title", "music")), None)
        self._topic = named or self._topic

    def set_remark(self, clause: RawClause) -> None:
        """Remember the span that a remark is about: "… are boring, get rid of them"."""
        self._remark_target = _remark_target(clause)
        self._is_complaint = bool(clause.symbols & {"too", "lacks"})

    def update(self, tokens: list[LexToken]) -> None:
        """Update the context with the tokens of a parsed command."""
        self._remark_target = []
        self._is_complaint = False
        self._verbs = [token for token in tokens if token.kind == TokenKind.VERB]
        self._actions = [t for t in tokens if t.kind in ACTION_KINDS or t.symbol in _DEGREES]
        self.set_topic(tokens)
        symbols = {word for token in tokens for word in token.symbol.split()}
        self._adds_music = any(token.symbol == "music" for token in tokens) and not any(
            token.symbol in _MUSIC_REMOVALS for token in tokens
        )
        elsewhere = bool(symbols & {"title", "music", *_CLIP_COMMANDS})
        clips = [t for t in tokens if t.symbol in CLIP_SYMBOLS and not _is_lut(t)]
        if clips and not elsewhere:
            self._clips = clips
        elif elsewhere or "video" in symbols:
            self._clips = []

    def topic_for(self, words: set[str]) -> list[LexToken]:
        """The title or the music, if these words can be about it."""
        if self._topic is None:
            return []
        if words & _VIDEO_ONLY_COMMANDS:
            return []
        fitting = _TITLE_SYMBOLS if self._topic.symbol == "title" else _MUSIC_SYMBOLS
        return [self._topic] if words & fitting else []

    def candidates(self, clause: RawClause) -> Iterator[list[LexToken]]:
        """The tokens of the clause as they are and completed, the most likely first."""
        tokens, words, has_action = clause.tokens, clause.symbols, bool(clause.kinds & ACTION_KINDS)
        has_object = any(
            t.kind == TokenKind.NOUN and t.symbol not in ATTRIBUTE_NOUNS and t.symbol != "video"
            for t in tokens
        )
        if self._remark_target and self._refers_to_remark(clause):
            yield [*tokens, *self._remark_target]
        if self._topic and self._is_music_volume(clause):
            yield [*tokens, self._topic]
        about = [] if has_object or Slot.UNKNOWN_WORD in words else self.topic_for(words)
        if (end := find_purpose(tokens)) is not None:
            yield tokens[:end]
        if about and ("it" in words or self._is_complaint):
            yield [*tokens, *about]
        if not has_object and has_action and self._clips and self._refers_to_clips(clause):
            yield [*tokens, *self._clips]
        inherited = self._inherited(clause, has_action)
        first = self._prefers_inherited(clause)
        yield from ([*inherited, *tokens], tokens) if first and inherited else (tokens,)
        if inherited and not first:
            yield [*inherited, *tokens]
        if about:
            yield [*tokens, *about]

    def _refers_to_remark(self, clause: RawClause) -> bool:
        """Whether it is about the target of the last remark: "the clip is too long, trim it"."""
        if _is_reference_only(clause):
            return True
        has_other_target = clause.symbols & _REMARK_INDEPENDENT_SYMBOLS
        timed = any(
            token.symbol in (Slot.TIME, Slot.PERCENT, Slot.FRACTION)
            for token in self._remark_target
        )
        return (
            not has_other_target
            and not (timed and Slot.TIME in clause.symbols)
            and clause.separator != "then"
        )

    def _is_music_volume(self, clause: RawClause) -> bool:
        """Whether it is the volume of music that was just added: "…, volume to 30%"."""
        return (
            self._adds_music
            and not clause.symbols.isdisjoint(_LOUDNESS)
            and clause.symbols.isdisjoint(_OTHER_SOUNDS)
            and clause.separator in ("and", COMMA)
        )

    def _prefers_inherited(self, clause: RawClause) -> bool:
        """Whether a clause without a verb more likely continues the last command."""
        if clause.symbols & SETTING_SLOTS or TokenKind.ACTION in clause.kinds:
            return False
        if not clause.kinds & ACTION_KINDS:
            return True
        named = clause.symbols.isdisjoint(_STANDALONE_SYMBOLS) and clause.symbols.isdisjoint(
            CLIP_SYMBOLS
        )
        return named and any(token.symbol in _INVERTING_VERBS for token in self._verbs)

    def _refers_to_clips(self, clause: RawClause) -> bool:
        """Whether the clause is about the clips that were named before."""
        if clause.symbols & _NEW_TARGET_SYMBOLS:
            return False
        return "it" in clause.symbols or (
            TokenKind.VERB not in clause.kinds and clause.separator in ("and", COMMA)
        )

    def _inherited(self, clause: RawClause, has_action: bool) -> list[LexToken]:
        """The verbs and other parts of the last command, for a clause without a verb."""
        if clause.kinds & {TokenKind.VERB, TokenKind.DISCOURSE}:
            return []
        if clause.separator == "then" and not _is_span_only(clause):
            return []
        return list(self._verbs) if has_action else [*self._verbs, *self._actions]


def depends_on_context(clause: RawClause) -> bool:
    """Whether it needs what was said before: "make it bigger", "the second one too"."""
    if clause.symbols & (_VIDEO_ONLY_COMMANDS | SETTING_SLOTS):
        return False
    named = any(
        t.kind == TokenKind.NOUN and t.symbol not in ATTRIBUTE_NOUNS for t in clause.content_tokens
    )
    commands = clause.kinds & {TokenKind.VERB, *ACTION_KINDS}
    return not named and ("it" in clause.symbols or not commands)


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
    opening = content[0].symbol
    if opening in ("who", "is", "it is", "there") or clause.symbols & {"too", "post", "lacks"}:
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
    is_subject = content[0].kind in (TokenKind.NOUN, TokenKind.UNKNOWN)
    if not is_subject and opening not in ("it", "start", "end"):
        return False
    return verb is not None and not verb.is_base_form and str(verb.value).endswith("s")


def _is_span_only(clause: RawClause) -> bool:
    """Whether it names times and nothing else: "… and also 22-25"."""
    words = clause.symbols - {"first", "last"}
    return bool(words & _SPAN_SYMBOLS) and words <= _SPAN_SYMBOLS | _REMARK_TARGET_SYMBOLS


def _remark_target(clause: RawClause) -> list[LexToken]:
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


def _is_reference_only(clause: RawClause) -> bool:
    """Whether it only says what to do with the target of a remark: "get rid of them", 删掉."""
    verbs = [token for token in clause.content_tokens if token.kind == TokenKind.VERB]
    rest = [
        t for t in clause.content_tokens if t.kind not in (TokenKind.VERB, TokenKind.SMALL_TALK)
    ]
    away = all(t.symbol in ("it", "out", "away", "off", "all", "part", "video") for t in rest)
    return len(verbs) == 1 and away and bool(clause.symbols & {"remove", "cut", "trim", "keep"})


def invert_complaint(tokens: Iterable[LexToken]) -> list[LexToken]:
    """Turn a complaint into a request: "too dark" asks for more light, "too much glow" for a bit.

    Empty if it is about a look that has neither an opposite nor an amount: "too sepia".
    """
    row = [_lacks_to_more(token) for token in tokens]
    if not any(token.symbol == "too" for token in row):
        return row
    if any(token.symbol in _ALL_OR_NOTHING for token in row):
        return []
    weaker = any(token.symbol in _ONLY_WEAKER for token in row)
    return [
        LexToken(_complained(t.symbol), t.kind, t.start, t.end, t.value)
        for t in row
        if t.symbol not in ("much", "bit") and (weaker or t.symbol != "too")
    ]


def _is_lut(token: LexToken) -> bool:
    """Whether it names a file of colours, which can be no clip."""
    return token.symbol == Slot.FILE_NAME and str(token.value).lower().endswith(".cube")


def _complained(symbol: str) -> str:
    """What a complaint that names this asks for."""
    return "bit" if symbol == "too" else _OPPOSITES.get(symbol, symbol)


def _lacks_to_more(token: LexToken) -> LexToken:
    """Turn "not enough" into "more"."""
    if token.symbol != "lacks":
        return token
    return LexToken("more", TokenKind.MODIFIER, token.start, token.end)
