"""Title text without quotes: `add a title that says Hello World for 3 seconds`."""

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
    """The tokens with the text of a title as one quoted slot."""
    if any(token.symbol == Slot.QUOTED_TEXT for token in tokens):
        return tokens
    for index, token in enumerate(tokens):
        if token.symbol in ("title", "title says") and token.kind == TokenKind.NOUN:
            begin, explicit = _after_links(tokens, index + 1, original)
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


def _after_links(tokens: list[LexToken], index: int, original: str) -> tuple[int | None, bool]:
    """The index after "that says", "called", ":"; and whether there was such a word."""
    explicit = False
    while index < len(tokens):
        token = tokens[index]
        if token.kind == TokenKind.FILLER and not explicit:
            pass
        elif token.symbol in ("says", "called") or (
            token.kind == TokenKind.SEPARATOR and token.value in (":", "：")
        ):
            explicit = True
        elif (
            token.symbol == "to" and any(t.symbol in ("set", "replace") for t in tokens[:index])
        ) or (token.symbol == "set" and token.start > 0 and not original[token.start].isascii()):
            explicit = explicit or _is_text(tokens, index + 1, original)
        elif token.symbol not in _LINKS:
            break
        index += 1
    return (index if index < len(tokens) else None), explicit


def _is_text(tokens: list[LexToken], index: int, original: str) -> bool:
    """Whether a text follows "change the title to", not a style."""
    if index >= len(tokens):
        return False
    token = tokens[index]
    return token.kind == TokenKind.UNKNOWN or (
        original[token.start].isupper()
        and not original.isupper()
        and token.symbol not in (Slot.COLOR, Slot.POSITION)
    )


def _is_text_start(tokens: list[LexToken], index: int, explicit: bool, original: str) -> bool:
    token = tokens[index]
    if token.kind == TokenKind.SEPARATOR or token.symbol in (
        Slot.SUBTITLES,
        Slot.QUOTED_TEXT,
        Slot.FILE_NAME,
    ):
        return False
    if not explicit and any(t.symbol in ("set", "remove", "move") for t in tokens[:index]):
        return False
    if explicit or token.kind == TokenKind.UNKNOWN:
        return True
    if original[token.start].isupper() and not original.isupper():
        return True
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    return (
        after is not None
        and after.kind == TokenKind.UNKNOWN
        and token.kind in (TokenKind.SLOT, TokenKind.SMALL_TALK, TokenKind.EFFECT, TokenKind.ACTION)
    )


def _find_text_end(tokens: list[LexToken], begin: int) -> int:
    """The index after the text, which ends where a setting or a command starts."""
    index = begin + 1
    while index < len(tokens) and not _is_text_end(tokens, index):
        index += 1
    while index > begin and tokens[index - 1].value in _COURTESY:
        index -= 1
    return index


def _is_text_end(tokens: list[LexToken], index: int) -> bool:
    token = tokens[index]
    if token.kind == TokenKind.SEPARATOR or token.symbol in _CLOSING:
        return True
    after = next((t for t in tokens[index + 1 : index + 4] if t.kind != TokenKind.FILLER), None)
    if after is None:
        return False
    if token.symbol in ("and", "but"):
        return (
            after.kind in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT)
            or after.symbol == "then"
        )
    return token.symbol in _PREPOSITIONS and after.symbol in _SETTINGS
