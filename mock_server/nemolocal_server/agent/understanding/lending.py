"""What a clause leaves out is lent by those before it: a verb, a clip, the title, the music."""

from collections.abc import Iterator

from .pieces import ACTS, ATTRIBUTES, REACH, Piece, is_pointing, purpose, spoken_of
from .words.tokens import COMMA, Token

_TITLE = frozenset(
    "C bigger smaller A Z top bottom left right middle fade fadein fadeout fadeboth big small huge "
    "size font remove H T".split()
)
_MUSIC = frozenset(
    "louder quieter volume fade fadein fadeout fadeboth duck duckhint P mute remove lower raise M "
    "up down speaks".split()
)
# A title or music is not trimmed: "it" is the video then.
_LENGTHS = frozenset("trim cut keep split loop play speedup slowdown".split())
_DEGREES = ("bit", "much", "more", "less")
_LOUDNESS = frozenset("volume sound louder quieter".split())
_MOVING = ("move", "swap", "remove", "merge")
# Verbs that turn what they are lent to into its opposite: lent before the words are read alone.
# With these a look is what to do, not what to take away: "remove the title and sharpen it".
_DOING = frozenset(
    "it video photo frame T brighter darker sharpen rotate flip mirror crop zoomin zoomout fadein "
    "fadeout".split()
)
_COMPLETE = frozenset(("K", "Q", "R", "U"))
_TURNING = ("remove", "raise", "lower", "keep")


class Lender:
    """What has been spoken of so far."""

    def __init__(self) -> None:
        self._verbs: list[Token] = []
        self._acts: list[Token] = []
        self._which: list[Token] = []
        self._topic: Token | None = None
        self._stretch: list[Token] = []
        self._adds_music = False
        self._complained = False

    def point_at(self, clips: list[Token]) -> None:
        """The next clause is about these clips: "for the second clip, …"."""
        self._which = clips

    def speak_of(self, tokens: list[Token]) -> None:
        """The title or the music that is spoken of is what "it" means from now on."""
        named = next((token for token in tokens if token.canon in ("title", "music")), None)
        self._topic = named or self._topic

    def dwell_on(self, piece: Piece) -> None:
        """The stretch that a remark is about: "… are boring, get rid of them"."""
        self._stretch = spoken_of(piece)
        self._complained = bool(piece.words & {"too", "lacks"})

    def remember(self, tokens: list[Token]) -> None:
        """What the next clause may leave out of these words, which were understood."""
        self._stretch = []
        self._complained = False
        self._adds_music = any(token.canon == "music" for token in tokens) and not any(
            token.canon in ("remove", "cancel", "stop") for token in tokens
        )
        self._verbs = [token for token in tokens if token.kind == "verb"]
        self._acts = [t for t in tokens if t.kind in ACTS or t.canon in _DEGREES]
        self.speak_of(tokens)
        canons = {word for token in tokens for word in token.canon.split()}
        elsewhere = bool(canons & {"title", "music", *_MOVING})
        clips = [token for token in tokens if token.canon in REACH]
        if clips and not elsewhere:
            self._which = clips
        elif elsewhere or "video" in canons:
            self._which = []

    def about(self, words: set[str]) -> list[Token]:
        """The title or the music, where these words can be about it."""
        if self._topic is None:
            return []
        if words & _LENGTHS:
            return []
        fitting = _TITLE if self._topic.canon == "title" else _MUSIC
        return [self._topic] if words & fitting else []

    def candidates(self, piece: Piece) -> Iterator[list[Token]]:
        """The words as they are, and with what they may leave out, the likeliest first."""
        tokens, words, acts = piece.tokens, piece.words, bool(piece.kinds & ACTS)
        things = any(
            t.kind == "noun" and t.canon not in ATTRIBUTES and t.canon != "video" for t in tokens
        )
        if self._stretch and self._means_stretch(piece):
            yield [*tokens, *self._stretch]
        if self._topic and self._is_its_volume(piece):
            yield [*tokens, self._topic]
        about = [] if things or "X" in words else self.about(words)
        if (end := purpose(tokens)) is not None:
            yield tokens[:end]
        if about and ("it" in words or self._complained):
            yield [*tokens, *about]
        if not things and acts and self._which and self._means_them(piece):
            yield [*tokens, *self._which]
        lent = self._lent(piece, acts)
        first = self._lends_first(piece)
        yield from ([*lent, *tokens], tokens) if first and lent else (tokens,)
        if lent and not first:
            yield [*lent, *tokens]
        if about:
            yield [*tokens, *about]

    def _means_stretch(self, piece: Piece) -> bool:
        """Whether what a remark was about is meant: "the second clip is too long, trim it"."""
        if is_pointing(piece):
            return True
        own = piece.words & {*REACH, "video", "all", "part", "add", "generate", "H", "start", "end"}
        timed = any(token.canon in ("T", "P", "F") for token in self._stretch)
        return not own and not (timed and "T" in piece.words) and piece.after != "then"

    def _is_its_volume(self, piece: Piece) -> bool:
        """Whether it is how loud the music is that was just added: "…, volume to 30%"."""
        own = piece.words & _LOUDNESS and not piece.words & {"video", "voice", "W", "all"}
        return self._adds_music and bool(own) and piece.after in ("and", COMMA)

    def _lends_first(self, piece: Piece) -> bool:
        """Whether words without a verb rather go on with the last one than stand alone."""
        if piece.words & _COMPLETE or "act" in piece.kinds:
            return False
        if not piece.kinds & ACTS:
            return True
        named = piece.words.isdisjoint(_DOING) and piece.words.isdisjoint(REACH)
        return named and any(token.canon in _TURNING for token in self._verbs)

    def _means_them(self, piece: Piece) -> bool:
        """Whether the clips that were named are meant again."""
        if piece.words & {"O", "first", "last", "clip", "W", "T", "X"}:
            return False
        return "it" in piece.words or ("verb" not in piece.kinds and piece.after in ("and", COMMA))

    def _lent(self, piece: Piece, acts: bool) -> list[Token]:
        """The verbs, and what else made the command, for words that have none."""
        if piece.kinds & {"verb", "talk"} or piece.after == "then":
            return []
        return list(self._verbs) if acts else [*self._verbs, *self._acts]
