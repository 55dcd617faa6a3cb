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
_TAILS = frozenset("quiet halftransparent duck duckhint".split())
_FITS = frozenset(("pad", "fill", "blurfit", "it", "with"))
_SETTINGS = frozenset(("K", "Q", "R", "U"))
_SET = _SETTINGS | frozenset(
    "speed speedup slowdown faster slower slowmo zoomin zoomout timelapse loop generate "
    "edit".split()
)
# What can be enough: "720p is enough", "10 seconds will do".
_SUFFICING = frozenset("T Q R U B P K".split())
_RESTS = frozenset("remove rest all it of video part".split())
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
        only = all(t.canon in _REFUSING or t.kind == "chatter" for t in self.content)
        return only and not self.words.isdisjoint(_MEANT)


def decided(piece: Piece, original: str) -> Piece:
    """`cancel` and 不要了 beside a thing take it away; alone they are a refusal.

    "Not loud enough" is a complaint that there is too little of it, no refusal.
    """
    if {"negation", "enough"} <= piece.words:
        tokens = [t for t in piece.tokens if t.canon not in ("negation", "set enough")]
        at = piece.tokens[-1].end
        return Piece([*tokens, Token("lacks", "word", at, at)], piece.after)
    last = piece.content[-1]
    thing = "verb" not in piece.kinds and (
        piece.kinds & {"noun", "slot"} or piece.words & {*REACH, "rest"}
    )
    if thing and last.canon == "negation" and original[last.start : last.end] == "不要":
        gone = Token("remove", "verb", last.start, last.end)
        return Piece([gone if token is last else token for token in piece.tokens], piece.after)
    if "decline" in piece.words and piece.words - {"decline", "it"} <= _STAYING:
        return _kept(piece)
    if "background" in piece.words:
        return _on_background(piece)
    if piece.refuses or not piece.words & _MEANT.keys():
        return piece
    tokens = [
        Token(*_MEANT.get(t.canon, (t.canon, t.kind)), t.start, t.end, t.value, t.base)
        for t in piece.tokens
    ]
    return Piece(tokens, piece.after)


def _kept(piece: Piece) -> Piece:
    """Something that is not to be touched stays: 音乐别动."""
    tokens = [
        Token("keep", "verb", t.start, t.end) if t.canon == "decline" else t for t in piece.tokens
    ]
    return piece if piece.refuses else Piece(tokens, piece.after)


def _on_background(piece: Piece) -> Piece:
    """Only to blur the background is something that can be done to it."""
    blurs = piece.words & {"blur", "blurfit"}
    tokens = [
        Token("blurfit", "look", t.start, t.end)
        if t.canon == "blur"
        else t
        if t.canon != "background"
        else Token("" if blurs else "X", "filler" if blurs else "unknown", t.start, t.end, t.value)
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


def drops_the_rest(piece: Piece) -> bool:
    """Whether it says that what is not kept goes: "drop the rest", 其他的都删掉."""
    return {"remove", "rest"} <= piece.words <= _RESTS


def keeps_a_thing(piece: Piece) -> bool:
    """Whether something is to stay as it is: "keep the title", 音乐留着."""
    nouns = {token.canon for token in piece.content if token.kind == "noun"}
    rest = piece.words - {"keep", "it", "all"} - nouns
    return "keep" in piece.words and not rest and bool(nouns) and nouns <= _STAYING


_STAYING = frozenset(
    "title font subtitles music voice sound volume watermark pip overlay effect transition color "
    "speed order aspect resolution framerate".split()
)


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
    if content[0].canon in ("who", "is", "it is", "there") or piece.words & {
        "too",
        "post",
        "lacks",
    }:
        return True
    if piece.words & {"enough", "fine"}:
        return piece.words.isdisjoint(_SUFFICING if "enough" in piece.words else _SETTINGS)
    if "flaw" in piece.words and "verb" not in piece.kinds:
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


def spoken_of(piece: Piece) -> list[Token]:
    """The stretch or the clips that a remark is about: "the first six seconds are boring".

    None where it is about something in them: "the dog in the second clip is ugly".
    """
    said: list[Token] = []
    for token in piece.content:
        if token.canon in _OPENING or (token.canon == "flaw" and not said):
            continue
        if token.canon in _JUDGING:
            break
        if token.canon not in _STRETCH:
            return []
        said.append(token)
    else:
        if "negation" not in piece.words and "there" not in piece.words:
            return []
    return said if any(token.kind == "slot" or token.canon in REACH for token in said) else []


_OPENING = frozenset("who there negation at".split())
_JUDGING = frozenset("is too much more less X lacks flaw".split())
_STRETCH = REACH | frozenset(
    "T N P F video part start end middle half of from to until through between and at in it "
    "after before clip when for long later earlier".split()
)


def is_pointing(piece: Piece) -> bool:
    """Whether it only says what to do with what was spoken of: "get rid of them", 删掉."""
    verbs = [token for token in piece.content if token.kind == "verb"]
    rest = [t for t in piece.content if t.kind not in ("verb", "chatter")]
    away = all(t.canon in ("it", "out", "away", "off", "all", "part", "video") for t in rest)
    return len(verbs) == 1 and away and bool(piece.words & {"remove", "cut", "trim", "keep"})


def purpose(tokens: list[Token]) -> int | None:
    """Where "to make it shorter" begins, after a command."""
    commanded = False
    for place, token in enumerate(tokens[:-1]):
        after = tokens[place + 1]
        if commanded and token.value == "to" and after.kind in ("verb", "act") and after.base:
            return place
        commanded = commanded or token.kind in ("verb", *ACTS)
    return None
