"""Text to show that is neither in quotes nor called a title: "put SALE -50%!!! on top"."""

import re
import unicodedata

from ..lexer.tokens import LexToken, Slot, TokenKind, symbol_set

_PLACES = symbol_set("top bottom lowerthird corner", Slot.POSITION)
_GIVEN_TEXTS = symbol_set("", Slot.QUOTED_TEXT, Slot.SUBTITLES)
_BEFORE_PLACE = symbol_set("at on in to later")
# What a text in capitals can stand beside; any other known thing is what is meant.
_TEXT_NOUNS = symbol_set("title name_of")
_CAPITALS = re.compile(r"(?:^|\s)[A-Z][A-Z0-9]+(?:[\s!?.,%-]|$)")
_MARKUP = re.compile(r"\s{0,3}[{<\[]")
_HAN = re.compile("[\u3400-\u9fff]")


def quote_placed_text(tokens: list[LexToken], original: str) -> list[LexToken]:
    """The tokens with the text as a title, if the message shows a text somewhere."""
    symbols = {token.symbol for token in tokens}
    if not symbols.isdisjoint(_GIVEN_TEXTS):
        return _name_quoted_text(tokens)
    for index, token in enumerate(tokens if "title" in symbols else ()):
        if token.symbol == "title" and _MARKUP.match(original, token.end):
            begin, end = _line_after(token.end, original)
            return [*tokens[:index], *_title_tokens(begin, end, original)]
    verb = next((n for n, t in enumerate(tokens) if t.kind == TokenKind.VERB), None)
    if verb is None or "add" not in tokens[verb].symbol.split() or _names_something(tokens):
        return tokens
    colon = next((n for n, t in enumerate(tokens) if n > verb and t.value in (":", "：")), None)
    if colon is not None and colon + 1 < len(tokens):
        if any(token.symbol in _PLACES | {"name_of"} for token in tokens[:colon]):
            begin, end = _line_after(tokens[colon].end, original)
            return [*_without_unknown(tokens[:colon]), *_title_tokens(begin, end, original)]
        return tokens
    place = _place_at_end(tokens)
    if place is None or (place <= verb + 1 and not _has_signs(original)):
        return tokens
    begin, end = tokens[verb].end, tokens[place].start
    between = [t for t in tokens[verb + 1 : place] if t.symbol == "title" and t.end < end]
    begin = between[0].end if between else begin
    text = original[begin:end]
    if not _looks_like_text(text, original):
        return tokens
    start = begin + len(text) - len(text.lstrip())
    shown = _title_tokens(start, start + len(text.strip()), original)
    return [*tokens[: verb + 1], *shown, *tokens[place:]]


def _names_something(tokens: list[LexToken]) -> bool:
    """Whether the message is about a known thing: "put the LOGO on top"."""
    return any(
        (token.kind == TokenKind.NOUN and token.symbol not in (*_TEXT_NOUNS, "corner"))
        or token.symbol == Slot.FILE_NAME
        for token in tokens
    )


def _place_at_end(tokens: list[LexToken]) -> int | None:
    """The index where the place starts that the message ends with."""
    index = len(tokens)
    placed = False
    skipped = (TokenKind.FILLER, TokenKind.SEPARATOR)
    # The verb is before it.
    while (token := tokens[index - 1]).symbol in _PLACES or token.kind in skipped:
        placed = placed or token.symbol in _PLACES
        index -= 1
    while placed and index and tokens[index - 1].symbol in _BEFORE_PLACE:
        index -= 1
    return index if placed else None


def _looks_like_text(text: str, message: str) -> bool:
    """Whether it is shown as it is: capitals, a hashtag, an emoji, another script."""
    if not text.strip():
        return False
    return _has_signs(text) or (not message.isupper() and bool(_CAPITALS.search(text)))


def _has_signs(text: str) -> bool:
    for sign in text:
        if sign in "#@" or (ord(sign) > 0x2000 and unicodedata.category(sign) == "So"):
            return True
        if sign.isalpha() and ord(sign) > 0x36F and not _HAN.match(sign):
            return True
    return False


def _name_quoted_text(tokens: list[LexToken]) -> list[LexToken]:
    """`Add a call to action: 'Buy now'` is a title, whatever the words before the colon."""
    index = next(n for n, t in enumerate(tokens) if t.symbol in (Slot.QUOTED_TEXT, Slot.SUBTITLES))
    before = tokens[:index]
    if tokens[index].symbol == Slot.SUBTITLES or not before or before[-1].value not in (":", "："):
        return tokens
    if any(token.kind == TokenKind.NOUN for token in before):
        return tokens
    if not any("add" in token.symbol.split() for token in before):
        return tokens
    start = tokens[index].start
    title = LexToken("title", TokenKind.NOUN, start, start)
    says = LexToken("says", TokenKind.MODIFIER, start, start)
    return [*_without_unknown(before[:-1]), title, says, *tokens[index:]]


def _without_unknown(tokens: list[LexToken]) -> list[LexToken]:
    """Without the words that only say what the text is for."""
    described = (TokenKind.UNKNOWN,)
    return [t for t in tokens if t.kind not in described and t.symbol != "name_of"]


def _title_tokens(start: int, end: int, original: str) -> list[LexToken]:
    return [
        LexToken("title", TokenKind.NOUN, start, start),
        LexToken("says", TokenKind.MODIFIER, start, start),
        LexToken(Slot.QUOTED_TEXT, TokenKind.SLOT, start, end, original[start:end]),
    ]


def _line_after(at: int, original: str) -> tuple[int, int]:
    """The rest of the line, without the white space around it."""
    stop = original.find("\n", at)
    text = original[at : len(original) if stop < 0 else stop]
    start = at + len(text) - len(text.lstrip())
    return start, start + len(text.strip())
