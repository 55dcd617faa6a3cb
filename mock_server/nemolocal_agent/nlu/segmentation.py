"""Splits a message into sentences and clauses, and tells kinds of clauses apart."""

from collections.abc import Iterator

from ..understanding import Topic
from .lexer.tokens import COMMA, SENTENCE_END, LexToken, Slot, TokenKind, symbol_set

TOPICS_BY_SYMBOL: dict[str, Topic] = {
    "exporting": "export", "credits": "credits", "status": "status", "uploading": "upload",
}  # fmt: skip
_CLAUSE_SEPARATORS = frozenset((COMMA, SENTENCE_END, "and", "then", "but"))
_SEQUENCE_ADVERBS = frozenset(("first", "last"))
_ENDS = frozenset((COMMA, SENTENCE_END))
_BREAKING_KINDS = frozenset((TokenKind.SEPARATOR, TokenKind.MODIFIER, TokenKind.DISCOURSE))
_TOPICLESS_KINDS = frozenset((TokenKind.FILLER, TokenKind.SEPARATOR, TokenKind.SMALL_TALK))
_POSITION_SYMBOLS = frozenset(("first", "last", Slot.ORDINAL))
_LIST_SYMBOLS = _POSITION_SYMBOLS | {"and", COMMA}
_CLIP_NOUNS = frozenset(("clip", "video", "photo"))
_QUESTION_PHRASES = ("how to", "how do", "how can", "what does", "what is")
ACTION_KINDS = frozenset((TokenKind.ACTION, TokenKind.EFFECT, TokenKind.TRANSITION))
_COMMAND_KINDS = ACTION_KINDS | {TokenKind.VERB}
TWO_OBJECT_COMMANDS = symbol_set(
    "swap merge between split replace transition crossfade wipe slide dissolve"
)
"""Commands about two objects: an "and" between them does not end the clause."""
ATTRIBUTE_NOUNS = symbol_set(
    "volume size strength font opacity speed color corner side frame effect order aspect "
    "resolution transparent halftransparent"
)
"""Nouns for a property of an object."""
CLIP_SYMBOLS = frozenset((Slot.ORDINAL, "first", "last", "clip", Slot.FILE_NAME, "last clip"))
"""Symbols that refer to a clip."""
SETTING_SLOTS = frozenset((Slot.FACTOR, Slot.RESOLUTION, Slot.ASPECT_RATIO, Slot.FRAME_RATE))
"""Values that make a command without a verb: 2x, 1080p, 9:16, 30 fps."""
_MEASURE_OPENINGS = symbol_set(
    "for is it under max set long only", Slot.TIME, Slot.FILE_SIZE, "set for"
)
_REFUSAL_SYMBOLS = symbol_set("decline cancel halt it")
_CONTINUATION_SYMBOLS = symbol_set("quiet halftransparent duck duckhint")
_FIT_SYMBOLS = symbol_set("pad fill blurfit it with")
_SETTING_SYMBOLS = SETTING_SLOTS | symbol_set(
    "speed speedup slowdown faster slower slowmo zoomin zoomout timelapse loop generate edit"
)
_DISCARD_REST_SYMBOLS = symbol_set("remove hide halt rest all it of video part")
REFUSAL_REPLACEMENTS = {
    "cancel": ("remove", TokenKind.VERB),
    "cancel halt": ("remove halt", TokenKind.VERB),
    "decline": ("negation", TokenKind.DISCOURSE),
}
"""Words of a refusal that mean a removal or a negation beside a thing."""
KEEPABLE_OBJECTS = symbol_set(
    "title font subtitles music voice sound volume watermark pip overlay effect transition color "
    "speed order aspect resolution framerate"
)
"""Objects that a message can ask to leave as they are."""


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
            _REFUSAL_SYMBOLS.issuperset(t.symbol.split()) or t.kind == TokenKind.SMALL_TALK
            for t in self.content_tokens
        )
        return only and not self.symbols.isdisjoint(REFUSAL_REPLACEMENTS)


def split_sentences(tokens: list[LexToken]) -> Iterator[list[LexToken]]:
    """The tokens of each sentence."""
    sentence: list[LexToken] = []
    for token in tokens:
        sentence.append(token)
        if token.symbol == SENTENCE_END:
            yield sentence
            sentence = []
    yield sentence


def detect_topic(sentence: list[LexToken], original: str) -> Topic | None:
    """The topic of a sentence without a command: a greeting, a refusal, a question."""
    rest = [
        token
        for token in sentence
        if token.kind not in _TOPICLESS_KINDS and token.symbol not in ("then", "and", "but")
    ]
    if not rest:
        return "hello" if any(token.kind == TokenKind.SMALL_TALK for token in sentence) else None
    words = {word for token in rest for word in token.symbol.split()}
    if words <= _REFUSAL_SYMBOLS | {"negation", "is"}:
        return None if words <= {"it", "is"} else "declined"
    if _is_question(rest, sentence, original):
        return next(
            (TOPICS_BY_SYMBOL[t.symbol] for t in rest if t.symbol in ("credits", "status")), "how"
        )
    return None


def _is_question(rest: list[LexToken], sentence: list[LexToken], original: str) -> bool:
    """Whether it is a real question; "can you …" and 可以…吗 are polite requests."""
    shows = rest[0].kind == TokenKind.VERB and rest[0].value == "show"  # "show me what …"
    if rest[0].symbol == "question" or (shows and _is_question_word(rest[1:2])):
        return True
    for token in rest:
        text = original[token.start : token.end].lower()
        if token.symbol == "question" and (not text.isascii() or text in _QUESTION_PHRASES):
            return True
    fillers = [
        original[token.start : token.end] for token in sentence if token.kind == TokenKind.FILLER
    ]
    asked = any("吗" in filler or "嗎" in filler for filler in fillers)
    return asked and not any("可" in f or "能" in f or "行" in f or "好" in f for f in fillers)


def _is_question_word(tokens: list[LexToken]) -> bool:
    """Whether "show me" starts a question ("what …"); "show it when …" does not."""
    return any(token.symbol == "question" and token.value != "when" for token in tokens)


def split_clauses(sentence: list[LexToken]) -> list[RawClause]:
    """The clauses of a sentence, without the reasons that it gives."""
    found: list[RawClause] = []
    current: list[LexToken] = []
    separator = ""
    sentence = _without_brackets(sentence)
    for token in _insert_separators_and_clips(_without_reasons(sentence)):
        if (
            token.symbol == "but"
            and current
            and current[-1].symbol in ("everything", "all", "video")
        ):
            token = LexToken("except", TokenKind.MODIFIER, token.start, token.end)
        breaks = token.symbol in _CLAUSE_SEPARATORS and token.kind in _BREAKING_KINDS
        if not breaks or (token.symbol == "and" and any(t.symbol == "between" for t in current)):
            current.append(token)
            continue
        if any(t.symbol for t in current):
            found.append(RawClause(current, separator))
            separator = ""
        current = []
        separator = separator if separator == "then" else token.symbol
    if any(t.symbol for t in current):
        found.append(RawClause(current, separator))
    return found


def _without_brackets(sentence: list[LexToken]) -> list[LexToken]:
    """Drop the brackets around a detail, 压到30秒（快放）; what else they hold is a clause."""
    opening = next((n for n, token in enumerate(sentence) if token.value == "("), None)
    if opening is None:
        return sentence
    rest = sentence[opening + 1 :]
    closing = next((n for n, token in enumerate(rest) if token.value == ")"), len(rest))
    if any(t.kind == TokenKind.UNKNOWN or t.symbol == "who" for t in rest[:closing]):
        return sentence
    return [*sentence[:opening], *rest[:closing], *rest[closing + 1 :]]


def _without_reasons(sentence: list[LexToken]) -> list[LexToken]:
    """Drop reasons, up to the next comma: "so that I can …", "because …"."""
    kept: list[LexToken] = []
    dropping = commanded = False
    for index, token in enumerate(sentence):
        commanded = commanded or token.kind in _COMMAND_KINDS
        if token.symbol == "because" and (commanded or token.value != "they're"):
            if _is_target_measure(sentence[index : index + 5]):
                kept.append(LexToken("to", TokenKind.MODIFIER, token.start, token.end))
                continue
            dropping = True
        elif token.symbol == "because":
            token = LexToken("it is", TokenKind.MODIFIER, token.start, token.end)
        elif token.symbol in _ENDS and token.kind == TokenKind.SEPARATOR:
            dropping = False
        if token.symbol == "question":
            token = LexToken(
                "when" if token.value == "when" else "", TokenKind.MODIFIER, token.start, token.end
            )
        if not dropping:
            kept.append(token)
    return kept


def _is_target_measure(reason: list[LexToken]) -> bool:
    """Whether "so that it …" gives a target length or file size: "so that it lasts 12 s"."""
    content = [token for token in reason if token.kind != TokenKind.FILLER]
    return (
        str(reason[0].value).startswith("so")
        and len(content) > 1
        and content[1].symbol in _MEASURE_OPENINGS
        and any(token.symbol in (Slot.TIME, Slot.FILE_SIZE) for token in content)
        and all(token.symbol not in ("who", "because") for token in content[1:])
    )


def _insert_separators_and_clips(sentence: list[LexToken]) -> Iterator[LexToken]:
    """Replace sequence adverbs by separators, and insert elided clips."""
    filler = TokenKind.FILLER
    words = [token for token in sentence if token.kind is not filler]
    for index, token in enumerate(words):
        if token.symbol == "too" and (
            index + 1 == len(words) or words[index + 1].kind == TokenKind.SEPARATOR
        ):
            continue
        if token.symbol in _SEQUENCE_ADVERBS and _is_sequence_adverb(token, words, index):
            yield LexToken("then", TokenKind.MODIFIER, token.start, token.end)
            continue
        yield token
        if token.symbol in _LIST_SYMBOLS and (clip := _elided_clip(words, index)):
            yield clip


def _is_sequence_adverb(token: LexToken, words: list[LexToken], index: int) -> bool:
    """Whether "first" or 最后 says when to do something: "first, trim it"."""
    if index + 1 == len(words):
        return False
    following = words[index + 1]
    begins = (
        index == 0
        or words[index - 1].kind == TokenKind.SEPARATOR
        or words[index - 1].symbol in ("and", "then")
    )
    return begins and (
        (
            following.kind in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT)
            and following.symbol != "keep"
        )
        or (following.symbol == COMMA and token.symbol == "first")
        or (following.symbol in ("title", "music", "watermark") and token.end - token.start == 2)
    )


def _elided_clip(words: list[LexToken], index: int) -> LexToken | None:
    """The noun that "the first and third clips" and "clips 1 and 3" leave out."""
    token, rest = words[index], [t.symbol for t in words[index + 1 : index + 3]]
    if (
        token.symbol in _POSITION_SYMBOLS
        and len(rest) == 2
        and rest[0] in ("and", COMMA)
        and rest[1] in _POSITION_SYMBOLS
    ):
        return next((t for t in words[index + 3 : index + 6] if t.symbol in _CLIP_NOUNS), None)
    joins = (
        token.symbol in ("and", COMMA)
        and index > 1
        and words[index - 1].symbol in (Slot.NUMBER, Slot.ORDINAL)
    )
    if (
        joins
        and rest[:1] in ([Slot.NUMBER], [Slot.ORDINAL])
        and rest[1:] not in (["clip"], ["video"])
    ):
        return next(
            (t for t in reversed(words[max(0, index - 4) : index]) if t.symbol == "clip"),
            None,
        )
    return None


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
    return "keep" in clause.symbols and not rest and bool(nouns) and nouns <= KEEPABLE_OBJECTS


def join_clauses(clauses: list[RawClause]) -> RawClause:
    """Several clauses as one."""
    tokens = list(clauses[0].tokens)
    for clause in clauses[1:]:
        if clause.separator == "and":
            at = clause.tokens[0].start
            tokens.append(LexToken("and", TokenKind.MODIFIER, at, at))
        tokens.extend(clause.tokens)
    return RawClause(tokens, clauses[0].separator)


def find_purpose(tokens: list[LexToken]) -> int | None:
    """The index where a purpose starts, after a command: "to make it shorter"."""
    if all(token.value != "to" for token in tokens):
        return None
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
        commanded = commanded or token.kind in _COMMAND_KINDS
    return None
