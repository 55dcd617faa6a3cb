"""Words to show that are not in quotes: `add a title that says Hello World for 3 seconds`."""

from .tokens import LexToken, Slot, TokenKind

_CLOSING = ("then", Slot.TIME, Slot.POSITION, "throughout", "all")
_COURTESY = ("please", "pls", "plz", "now", "thanks", "thank you", "instead", "too")
_LINKS = frozenset("says called is it".split())
_PREPOSITIONS = frozenset("for from at on in with during to".split())
_SETTINGS = frozenset(
    "first last start end top bottom left right middle all throughout small big huge "
    "halfway corner lowerthird size font between after".split()
) | {Slot.TIME, Slot.POSITION, Slot.COLOR, Slot.FONT_SIZE, Slot.NUMBER}


def quote_title_text(tokens: list[LexToken], original: str) -> list[LexToken]:
    """The same tokens with the words that a title is to show as one quoted slot."""
    if any(token.symbol == Slot.QUOTED_TEXT for token in tokens):
        return tokens
    for place, token in enumerate(tokens):
        if token.symbol in ("title", "title says") and token.kind == TokenKind.NOUN:
            begin, explicit = _after_links(tokens, place + 1, original)
            if begin is None or not _is_text_start(tokens, begin, explicit, original):
                continue
            end = _find_text_end(tokens, begin)
            if end > begin:
                start, stop = tokens[begin].start, tokens[end - 1].end
                slot = LexToken(
                    Slot.QUOTED_TEXT, TokenKind.SLOT, start, stop, original[start:stop].strip()
                )
                says = LexToken("says", TokenKind.MODIFIER, start, start)
                return [*tokens[:begin], says, slot, *tokens[end:]]
    return tokens


def _after_links(tokens: list[LexToken], place: int, original: str) -> tuple[int | None, bool]:
    """The place after "that says", "called", ":"; and whether there was such a word."""
    explicit = False
    while place < len(tokens):
        token = tokens[place]
        if token.kind == TokenKind.FILLER and not explicit:
            pass
        elif token.symbol in ("says", "called") or (
            token.kind == TokenKind.SEPARATOR and token.value in (":", "：")
        ):
            explicit = True
        elif (
            token.symbol == "to" and any(t.symbol in ("set", "replace") for t in tokens[:place])
        ) or (token.symbol == "set" and token.start > 0 and not original[token.start].isascii()):
            explicit = explicit or _is_text(tokens, place + 1, original)
        elif token.symbol not in _LINKS:
            break
        place += 1
    return (place if place < len(tokens) else None), explicit


def _is_text(tokens: list[LexToken], place: int, original: str) -> bool:
    """Whether what follows "change the title to" is a text and not a look."""
    if place >= len(tokens):
        return False
    token = tokens[place]
    return token.kind == TokenKind.UNKNOWN or (
        original[token.start].isupper()
        and not original.isupper()
        and token.symbol not in (Slot.COLOR, Slot.POSITION)
    )


def _is_text_start(tokens: list[LexToken], place: int, explicit: bool, original: str) -> bool:
    token = tokens[place]
    if token.kind == TokenKind.SEPARATOR or token.symbol in (
        Slot.SUBTITLES,
        Slot.QUOTED_TEXT,
        Slot.FILE_NAME,
    ):
        return False
    if not explicit and any(t.symbol in ("set", "remove", "move") for t in tokens[:place]):
        return False
    if explicit or token.kind == TokenKind.UNKNOWN:
        return True
    if original[token.start].isupper() and not original.isupper():
        return True
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    return (
        after is not None
        and after.kind == TokenKind.UNKNOWN
        and token.kind in (TokenKind.SLOT, TokenKind.SMALL_TALK, TokenKind.EFFECT, TokenKind.ACTION)
    )


def _find_text_end(tokens: list[LexToken], begin: int) -> int:
    """The place after the last word of the text: it ends where a setting or a command begins."""
    place = begin + 1
    while place < len(tokens) and not _is_text_end(tokens, place):
        place += 1
    while place > begin and tokens[place - 1].value in _COURTESY:
        place -= 1
    return place


def _is_text_end(tokens: list[LexToken], place: int) -> bool:
    token = tokens[place]
    if token.kind == TokenKind.SEPARATOR or token.symbol in _CLOSING:
        return True
    after = next((t for t in tokens[place + 1 : place + 4] if t.kind != TokenKind.FILLER), None)
    if after is None:
        return False
    if token.symbol in ("and", "but"):
        return (
            after.kind in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT)
            or after.symbol == "then"
        )
    return token.symbol in _PREPOSITIONS and after.symbol in _SETTINGS
