"""Words to show that are not in quotes: `add a title that says Hello World for 3 seconds`."""

from .tokens import Token

_CLOSING = ("then", "T", "A", "throughout", "all")
_COURTESY = ("please", "pls", "plz", "now", "thanks", "thank you", "instead", "too")
_LINKS = frozenset("says called is it".split())
_PREPOSITIONS = frozenset("for from at on in with during to".split())
_SETTINGS = frozenset(
    "T A C Z first last start end top bottom left right middle all throughout small big huge "
    "halfway corner lowerthird size font between after N".split()
)


def dig_spoken(tokens: list[Token], original: str) -> list[Token]:
    """The same tokens with the words that a title is to show as one quoted slot."""
    if any(token.canon == "H" for token in tokens):
        return tokens
    for place, token in enumerate(tokens):
        if token.canon in ("title", "title says") and token.kind == "noun":
            begin, explicit = _after_links(tokens, place + 1, original)
            if begin is None or not _begins(tokens, begin, explicit, original):
                continue
            end = _end(tokens, begin)
            if end > begin:
                start, stop = tokens[begin].start, tokens[end - 1].end
                slot = Token("H", "slot", start, stop, original[start:stop].strip())
                says = Token("says", "word", start, start)
                return [*tokens[:begin], says, slot, *tokens[end:]]
    return tokens


def _after_links(tokens: list[Token], place: int, original: str) -> tuple[int | None, bool]:
    """The place after "that says", "called", ":"; and whether there was such a word."""
    explicit = False
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "filler" and not explicit:
            pass
        elif token.canon in ("says", "called") or (
            token.kind == "stop" and token.value in (":", "：")
        ):
            explicit = True
        elif (
            token.canon == "to" and any(t.canon in ("set", "replace") for t in tokens[:place])
        ) or (token.canon == "set" and token.start > 0 and not original[token.start].isascii()):
            explicit = explicit or _plain(tokens, place + 1, original)
        elif token.canon not in _LINKS:
            break
        place += 1
    return (place if place < len(tokens) else None), explicit


def _plain(tokens: list[Token], place: int, original: str) -> bool:
    """Whether what follows "change the title to" is a text and not a look."""
    if place >= len(tokens):
        return False
    token = tokens[place]
    return token.kind == "unknown" or (
        original[token.start].isupper() and not original.isupper() and token.canon not in ("C", "A")
    )


def _begins(tokens: list[Token], place: int, explicit: bool, original: str) -> bool:
    token = tokens[place]
    if token.kind == "stop" or token.canon in ("G", "H", "W"):
        return False
    if not explicit and any(t.canon in ("set", "remove", "move") for t in tokens[:place]):
        return False
    if explicit or token.kind == "unknown":
        return True
    if original[token.start].isupper() and not original.isupper():
        return True
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    return (
        after is not None
        and after.kind == "unknown"
        and token.kind in ("slot", "chatter", "look", "act")
    )


def _end(tokens: list[Token], begin: int) -> int:
    """The place after the last word of the text: it ends where a setting or a command begins."""
    place = begin + 1
    while place < len(tokens) and not _ends(tokens, place):
        place += 1
    while place > begin and tokens[place - 1].value in _COURTESY:
        place -= 1
    return place


def _ends(tokens: list[Token], place: int) -> bool:
    token = tokens[place]
    if token.kind == "stop" or token.canon in _CLOSING:
        return True
    after = next((t for t in tokens[place + 1 : place + 4] if t.kind != "filler"), None)
    if after is None:
        return False
    if token.canon in ("and", "but"):
        return after.kind in ("verb", "act", "look") or after.canon == "then"
    return token.canon in _PREPOSITIONS and after.canon in _SETTINGS
