"""Splits a message into sentences, and a sentence into clauses."""

from collections.abc import Iterator

from ..intents import Topic
from .lexer.tokens import COMMA, SENTENCE_END, LexToken, Slot, TokenKind
from .raw_clause import RawClause

TOPICS_BY_SYMBOL: dict[str, Topic] = {
    "exporting": "export", "credits": "credits", "status": "status", "uploading": "upload",
}  # fmt: skip
_CLAUSE_SEPARATORS = frozenset((COMMA, SENTENCE_END, "and", "then", "but"))
_POSITION_SYMBOLS = frozenset(("first", "last", Slot.ORDINAL))
_CLIP_NOUNS = frozenset(("clip", "video", "photo"))
_QUESTION_PHRASES = ("how to", "how do", "how can", "what does", "what is")


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
        if token.kind not in (TokenKind.FILLER, TokenKind.SEPARATOR, TokenKind.SMALL_TALK)
        and token.symbol not in ("then", "and", "but")
    ]
    if not rest:
        return "hello" if any(token.kind == TokenKind.SMALL_TALK for token in sentence) else None
    if all(token.symbol in ("decline", "cancel", "negation", "it", "is") for token in rest):
        return (
            "declined" if any(t.symbol in ("decline", "cancel", "negation") for t in rest) else None
        )
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
        said = original[token.start : token.end].lower()
        if token.symbol == "question" and (not said.isascii() or said in _QUESTION_PHRASES):
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
    for token in _insert_separators_and_clips(_without_reasons(sentence)):
        if (
            token.symbol == "but"
            and current
            and current[-1].symbol in ("everything", "all", "video")
        ):
            token = LexToken("except", TokenKind.MODIFIER, token.start, token.end)
        breaks = token.symbol in _CLAUSE_SEPARATORS and token.kind in (
            TokenKind.SEPARATOR,
            TokenKind.MODIFIER,
            TokenKind.DISCOURSE,
        )
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


def _without_reasons(sentence: list[LexToken]) -> list[LexToken]:
    """Drop reasons, up to the next comma: "so that I can …", "because …"."""
    kept: list[LexToken] = []
    dropping = False
    for index, token in enumerate(sentence):
        if token.symbol == "because":
            if _is_target_measure(sentence[index : index + 5]):
                kept.append(LexToken("to", TokenKind.MODIFIER, token.start, token.end))
                continue
            dropping = True
        elif token.kind == TokenKind.SEPARATOR and token.symbol in (SENTENCE_END, COMMA):
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
    said = [token for token in reason if token.kind != TokenKind.FILLER]
    return (
        str(reason[0].value).startswith("so")
        and len(said) > 1
        and said[1].symbol
        in (
            "for",
            "is",
            "it",
            Slot.TIME,
            Slot.FILE_SIZE,
            "set for",
            "under",
            "max",
            "set",
            "long",
            "only",
        )
        and any(token.symbol in (Slot.TIME, Slot.FILE_SIZE) for token in said)
        and all(token.symbol not in ("who", "because") for token in said[1:])
    )


def _insert_separators_and_clips(sentence: list[LexToken]) -> Iterator[LexToken]:
    """Replace sequence adverbs by separators, and insert elided clips."""
    words = [token for token in sentence if token.kind != TokenKind.FILLER]
    for index, token in enumerate(words):
        if token.symbol == "too" and (
            index + 1 == len(words) or words[index + 1].kind == TokenKind.SEPARATOR
        ):
            continue
        if _is_sequence_adverb(token, words, index):
            yield LexToken("then", TokenKind.MODIFIER, token.start, token.end)
            continue
        yield token
        if clip := _elided_clip(words, index):
            yield clip


def _is_sequence_adverb(token: LexToken, words: list[LexToken], index: int) -> bool:
    """Whether "first" or 最后 says when to do something: "first, trim it"."""
    if token.symbol not in ("first", "last") or index + 1 == len(words):
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
