"""A piece is the words between two breaks of a sentence; what can be told before reading it."""

from .words.tokens import COMMA, Token

ACTS = frozenset(("act", "look", "trans"))
JOINING = frozenset(
    "swap merge between split replace transition crossfade wipe slide dissolve".split()
)
"""Commands about two things, which an "and" does not part."""
ATTRIBUTES = frozenset(
    "volume size font opacity speed color corner side frame effect order aspect resolution "
    "transparent halftransparent".split()
)
"""Nouns that say how something is, not what it is."""
REACH = frozenset(("O", "first", "last", "clip", "W", "last clip"))
"""Words for one of the clips."""

_REFUSING = frozenset(("decline", "cancel", "it"))
_TAILS = frozenset("quiet blurfit fill pad halftransparent duck duckhint".split())
_FITS = frozenset(("pad", "fill", "blurfit", "it", "with"))
_SETTINGS = frozenset(("K", "Q", "R", "U"))
_SET = _SETTINGS | frozenset(
    "speed speedup slowdown faster slower slowmo zoomin zoomout timelapse loop generate "
    "edit".split()
)
_MEANT = {"cancel": ("remove", "verb"), "decline": ("negation", "talk")}


class Piece:
    """The words between two breaks, and the break before them.

    `content` are the tokens that say something, `words` the readers' words that are in it, `kinds`
    their sorts.
    """

    def __init__(self, tokens: list[Token], after: str = "") -> None:
        self.tokens = tokens
        self.after = after
        self.content = [token for token in tokens if token.canon]
        self.kinds = {token.kind for token in self.content}
        self.words = {word for token in self.content for word in token.canon.split()}

    @property
    def refuses(self) -> bool:
        """Whether it is a refusal and nothing else: "never mind"."""
        return all(t.canon in _REFUSING or t.kind == "chatter" for t in self.content)


def decided(piece: Piece) -> Piece:
    """`cancel` and 不要了 beside a thing take it away; alone they are a refusal."""
    if piece.refuses or not piece.words & _MEANT.keys():
        return piece
    tokens = [
        Token(*_MEANT.get(t.canon, (t.canon, t.kind)), t.start, t.end, t.value, t.base)
        for t in piece.tokens
    ]
    return Piece(tokens, piece.after)


def is_tail(piece: Piece, head: Piece) -> bool:
    """Whether a piece only says more about the command before it: "…, in red, at the top"."""
    words, kinds = piece.words, piece.kinds
    if kinds & ACTS and words <= _FITS and head.words & {"R", "Q"}:
        return True
    if piece.after in ("then", "but") or kinds & {"verb", "talk"}:
        return False
    if head.words & JOINING:
        return not kinds & ACTS
    if kinds & ACTS:
        return (
            all(t.canon in _TAILS for t in piece.tokens if t.kind in ACTS) and "Q" not in head.words
        )
    if any(t.kind == "noun" and t.canon not in ATTRIBUTES for t in piece.tokens):
        return False
    if head.words & {"keep", "only"} and words & {"first", "last"} and words & {"T", "N"}:
        return True
    if "O" in words or (words & {"first", "last"} and not words & {"T", "N"}):
        return False
    if words & _SETTINGS and not head.words & _SET:
        return False
    return not (words & {"T", "first", "last"} and head.words & {"remove", "keep", "trim", "cut"})


def may_join(piece: Piece, following: Piece) -> bool:
    """Whether two pieces that say nothing alone may be one command: 第一段和第二段对调."""
    if following.after in ("then", "but"):
        return False
    commands = {"verb", *ACTS}
    return (
        bool((piece.words | following.words) & JOINING)
        or not piece.kinds & commands
        or not following.kinds & {"talk", *commands}
    )


def only_shows(piece: Piece) -> bool:
    """Whether it says how long, where or how something is shown, and not what."""
    known = {"add", "it"} | (set() if "verb" in piece.kinds else {"title"})
    plain = all(
        token.canon in known or token.kind not in ("verb", "noun", *ACTS) for token in piece.content
    )
    return plain and not piece.words & {"H", "W", "G", "S", "M"} and piece.after in (COMMA, "and")


def is_praise(piece: Piece) -> bool:
    """Whether it praises what is there: "nice fade!" asks for none."""
    content = piece.content
    follows = content[1:2] and content[1].start - content[0].end <= 1
    return bool(
        follows
        and content[0].kind == "chatter"
        and content[1].kind in ("noun", *ACTS)
        and not piece.kinds & {"verb", "slot"}
    )


def is_remark(piece: Piece) -> bool:
    """Whether it says something about the video or the world, and asks for nothing."""
    content = [token for token in piece.content if token.kind != "chatter"]
    if piece.words & {"duck", "duckhint", "speaks"}:
        return False
    if content[0].canon in ("who", "is", "it is") or piece.words & {"too", "post"}:
        return True
    verb = next((token for token in content if token.kind == "verb"), None)
    if verb is None and any(token.canon == "is" for token in content[1:]):
        return True
    if content[0].kind not in ("noun", "unknown") and content[0].canon not in (
        "it",
        "start",
        "end",
    ):
        return False
    return verb is not None and not verb.base and str(verb.value).endswith("s")


def joined(row: list[Piece]) -> list[Token]:
    """The tokens of several pieces as one."""
    tokens = list(row[0].tokens)
    for piece in row[1:]:
        if piece.after == "and":
            at = piece.tokens[0].start
            tokens.append(Token("and", "word", at, at))
        tokens.extend(piece.tokens)
    return tokens


def purpose(tokens: list[Token]) -> int | None:
    """Where "to make it shorter" begins, after a command."""
    commanded = False
    for place, token in enumerate(tokens[:-1]):
        after = tokens[place + 1]
        if commanded and token.value == "to" and after.kind in ("verb", "act") and after.base:
            return place
        commanded = commanded or token.kind in ("verb", *ACTS)
    return None
