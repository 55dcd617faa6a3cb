"""Commands that follow one another without a separator: "trim it to 5 s add music"."""

from ..intents import Edit, PlaceUploads
from .extraction_rules import extract_edits
from .lexer.tokens import LexToken, Slot, TokenKind
from .segmentation import ACTION_KINDS

_STARTING_KINDS = frozenset((TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT))


def parse_run_on(tokens: list[LexToken], original: str) -> list[Edit] | None:
    """Parse commands without a separator; each starts with its verb.

    The first index where a command can end decides, to limit the time.
    """
    started = False
    for index, token in enumerate(tokens):
        if (
            started
            and token.kind == TokenKind.VERB
            and token.is_base_form
            and _is_command_start(token, original)
        ):
            first = _parse_single_command(tokens[:index], original)
            rest = tokens[index:]
            if first and any(
                t.kind in (TokenKind.NOUN, *ACTION_KINDS)
                or t.symbol in (Slot.TIME, Slot.QUOTED_TEXT)
                for t in rest
            ):
                second = parse_run_on(rest, original) or _parse_single_command(rest, original)
                return [*first, *second] if second else None
        started = started or token.kind in _STARTING_KINDS
    return None


def _is_command_start(verb: LexToken, original: str) -> bool:
    """Whether a verb can start another command: 换成 and 移到 continue the first one."""
    chinese = not original[verb.start].isascii()
    return not (chinese and verb.symbol.startswith(("set", "move")))


def _parse_single_command(tokens: list[LexToken], original: str) -> list[Edit] | None:
    """The edits of one of several commands; "use it" alone is none."""
    edits = extract_edits(tokens, original)
    return None if edits and isinstance(edits[0], PlaceUploads) else edits
