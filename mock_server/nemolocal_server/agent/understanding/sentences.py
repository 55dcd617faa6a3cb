"""A message is cut into sentences, and a sentence into the pieces between its breaks."""

from collections.abc import Iterator

from ..intents import Topic
from .pieces import Piece
from .words.tokens import COMMA, STRONG, Token

TOPICS: dict[str, Topic] = {
    "exporting": "export", "credits": "credits", "status": "status", "uploading": "upload",
}  # fmt: skip
_BREAKS = frozenset((COMMA, STRONG, "and", "then", "but"))
_EDGES = frozenset(("first", "last", "O"))
_CLIPS = frozenset(("clip", "video", "photo"))
_ASKED = ("how to", "how do", "how can", "what does", "what is")


def sentences(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens between full stops."""
    sentence: list[Token] = []
    for token in tokens:
        sentence.append(token)
        if token.canon == STRONG:
            yield sentence
            sentence = []
    yield sentence


def topic_of(sentence: list[Token], original: str) -> Topic | None:
    """The topic of a sentence that is no command at all: a greeting, a refusal, a question."""
    rest = [
        token
        for token in sentence
        if token.kind not in ("filler", "stop", "chatter")
        and token.canon not in ("then", "and", "but")
    ]
    if not rest:
        return "hello" if any(token.kind == "chatter" for token in sentence) else None
    if all(token.canon in ("decline", "cancel", "negation", "it", "is") for token in rest):
        return (
            "declined" if any(t.canon in ("decline", "cancel", "negation") for t in rest) else None
        )
    if _asks(rest, sentence, original):
        return next((TOPICS[t.canon] for t in rest if t.canon in ("credits", "status")), "how")
    return None


def _asks(rest: list[Token], sentence: list[Token], original: str) -> bool:
    """Whether it is a real question; "can you …" and 可以…吗 are polite requests."""
    shows = rest[0].kind == "verb" and rest[0].value == "show"  # "show me what …"
    if rest[0].canon == "question" or (shows and _is_what(rest[1:2])):
        return True
    for token in rest:
        said = original[token.start : token.end].lower()
        if token.canon == "question" and (not said.isascii() or said in _ASKED):
            return True
    fillers = [original[token.start : token.end] for token in sentence if token.kind == "filler"]
    asked = any("吗" in filler or "嗎" in filler for filler in fillers)
    return asked and not any("可" in f or "能" in f or "行" in f or "好" in f for f in fillers)


def _is_what(tokens: list[Token]) -> bool:
    """Whether a question goes on; "show it when …" is none."""
    return any(token.canon == "question" and token.value != "when" for token in tokens)


def pieces(sentence: list[Token]) -> list[Piece]:
    """The pieces of a sentence, without the reasons that it gives."""
    found: list[Piece] = []
    piece: list[Token] = []
    after = ""
    for token in _mended(_without_reasons(sentence)):
        if token.canon == "but" and piece and piece[-1].canon in ("everything", "all", "video"):
            token = Token("except", "word", token.start, token.end)
        breaks = token.canon in _BREAKS and token.kind in ("stop", "word", "talk")
        if not breaks or (token.canon == "and" and any(t.canon == "between" for t in piece)):
            piece.append(token)
            continue
        if any(t.canon for t in piece):
            found.append(Piece(piece, after))
            after = ""
        piece = []
        after = after if after == "then" else token.canon
    if any(t.canon for t in piece):
        found.append(Piece(piece, after))
    return found


def _without_reasons(sentence: list[Token]) -> list[Token]:
    """Without why it is wanted: "so that I can …", "because …", up to the next comma."""
    kept: list[Token] = []
    dropping = False
    for place, token in enumerate(sentence):
        if token.canon == "because":
            if _measures(sentence[place : place + 5]):
                kept.append(Token("to", "word", token.start, token.end))
                continue
            dropping = True
        elif token.kind == "stop" and token.canon in (STRONG, COMMA):
            dropping = False
        if token.canon == "question":
            token = Token("when" if token.value == "when" else "", "word", token.start, token.end)
        if not dropping:
            kept.append(token)
    return kept


def _measures(reason: list[Token]) -> bool:
    """Whether "so that it …" says how long or how large it is to be: "so that it lasts 12 s"."""
    said = [token for token in reason if token.kind != "filler"]
    return (
        str(reason[0].value).startswith("so")
        and len(said) > 1
        and said[1].canon
        in ("for", "is", "it", "T", "B", "set for", "under", "max", "set", "long", "only")
        and any(token.canon in ("T", "B") for token in said)
        and all(token.canon not in ("who", "because") for token in said[1:])
    )


def _mended(sentence: list[Token]) -> Iterator[Token]:
    """Adverbs of order become breaks; each of `the first and third clips` becomes a clip."""
    words = [token for token in sentence if token.kind != "filler"]
    for place, token in enumerate(words):
        if token.canon == "too" and (place + 1 == len(words) or words[place + 1].kind == "stop"):
            continue
        if _is_order(token, words, place):
            yield Token("then", "word", token.start, token.end)
            continue
        yield token
        if clip := _lent_clip(words, place):
            yield clip


def _is_order(token: Token, words: list[Token], place: int) -> bool:
    """Whether "first" or 最后 means when to do it: "first, trim it"."""
    if token.canon not in ("first", "last") or place + 1 == len(words):
        return False
    after = words[place + 1]
    begins = (
        place == 0 or words[place - 1].kind == "stop" or words[place - 1].canon in ("and", "then")
    )
    return begins and (
        (after.kind in ("verb", "act", "look") and after.canon != "keep")
        or (after.canon == COMMA and token.canon == "first")
        or (after.canon in ("title", "music", "watermark") and token.end - token.start == 2)
    )


def _lent_clip(words: list[Token], place: int) -> Token | None:
    """The "clips" that "the first" of "the first and third clips" leaves out; "clips 1 and 3"."""
    token, rest = words[place], [t.canon for t in words[place + 1 : place + 3]]
    if token.canon in _EDGES and len(rest) == 2 and rest[0] in ("and", COMMA) and rest[1] in _EDGES:
        return next((t for t in words[place + 3 : place + 6] if t.canon in _CLIPS), None)
    joins = token.canon in ("and", COMMA) and place > 1 and words[place - 1].canon in ("N", "O")
    if joins and rest[:1] in (["N"], ["O"]) and rest[1:] not in (["clip"], ["video"]):
        return next(
            (t for t in reversed(words[max(0, place - 4) : place]) if t.canon == "clip"),
            None,
        )
    return None
