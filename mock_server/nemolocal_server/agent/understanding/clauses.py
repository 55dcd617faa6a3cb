"""The clauses of a message are read one after another, each in the light of those before it."""

from ..intents import (
    AddOverlay,
    AddTitle,
    Edit,
    Keep,
    PlaceUploads,
    Talk,
    Topic,
)
from .commands import edits_of
from .complaints import turned_round
from .lending import Lender
from .pieces import (
    ACTS,
    REACH,
    Piece,
    decided,
    drops_the_rest,
    is_praise,
    is_remark,
    is_tail,
    joined,
    keeps_a_thing,
    may_join,
    only_shows,
)
from .sentences import TOPICS, pieces, sentences, topic_of
from .tidying import continued, is_lost, tidied
from .words.spoken import dig_spoken
from .words.tokens import Token

# Nobody asks for so much in one clause, or for so many things: it keeps the time in bounds.
_MOST_WORDS = 120
_MOST_PIECES = 60
_ABOUT = 200
_ORDER: tuple[Topic, ...] = (
    "how",
    "export",
    "credits",
    "status",
    "upload",
    "declined",
    "hello",
)


class Reading:
    """What has been understood of a message so far."""

    def __init__(self, original: str) -> None:
        self._original = original
        self._edits: list[Edit] = []
        self._hints: list[Edit] = []
        self._topics: list[Topic] = []
        self._unknown: list[str] = []
        # "… and drop the rest" says again what keeping a part means.
        self._rests: list[Piece] = []
        self._subtitled = False
        self._lender = Lender()
        # The words of the last command, and where its edits begin.
        self._last: tuple[list[Token], int] | None = None

    def read(self, tokens: list[Token]) -> tuple[Edit, ...] | Talk:
        """The edits of all sentences, or what to talk about."""
        self._subtitled = any(token.canon == "G" for token in tokens)
        read = 0
        for sentence in sentences(dig_spoken(tokens, self._original)):
            if all(token.kind in ("filler", "stop") for token in sentence):
                continue
            if (topic := topic_of(sentence, self._original)) is not None:
                self._topics.append(topic)
                if topic == "declined":  # "trim it. Never mind."
                    self._take_back()
                continue
            row = pieces(sentence)
            read += len(row)
            if read > _MOST_PIECES:
                return Talk("unknown", self._original.strip()[:_ABOUT])
            self._read_row(row)
        return self._result()

    def _result(self) -> tuple[Edit, ...] | Talk:
        if not any(isinstance(edit, Keep) for edit in self._edits):
            for piece in self._rests:
                self._give_up(piece)
        if self._unknown:
            return Talk("unknown", "; ".join(self._unknown)[:_ABOUT])
        if edits := tidied(self._edits or self._hints):
            return tuple(edits)
        topic = next((topic for topic in _ORDER if topic in self._topics), None)
        return Talk(topic) if topic else Talk("unknown", self._original.strip()[:_ABOUT])

    def _read_row(self, row: list[Piece]) -> None:
        self._last = None
        row = [decided(piece, self._original) for piece in row]
        place = 0
        while place < len(row):
            place = self._read_piece(row, place)

    def _read_piece(self, row: list[Piece], place: int) -> int:
        """Read what begins at a piece; returns the place after it."""
        piece = row[place]
        content = piece.content
        if len(content) > _MOST_WORDS or "condition" in piece.words:
            self._give_up(piece)
        elif is_praise(piece) or all(token.kind == "chatter" for token in content):
            self._topics.append("hello")
        elif self._drops(piece):
            pass
        elif piece.refuses:
            self._take_back()  # "trim it, no, never mind"
            self._topics.append("declined")
        elif "negation" in piece.words and not piece.words & {"duck", "duckhint"}:
            return self._read_negated(row, place)
        elif asked := next((t.canon for t in content if t.canon in ("credits", "status")), None):
            self._topics.append(TOPICS[asked])
        elif keeps_a_thing(piece):
            self._topics.append("declined")
        elif is_remark(piece):
            self._read_remark(piece)
        else:
            return self._read_command(row, place)
        return place + 1

    def _drops(self, piece: Piece) -> bool:
        """不要了 after a remark takes away what the remark was about."""
        said = Piece([Token("remove", "verb", t.start, t.end) for t in piece.content])
        chinese = not self._original[piece.tokens[0].start].isascii()
        return chinese and piece.words == {"cancel"} and self._accept(said)

    def _read_command(self, row: list[Piece], place: int) -> int:
        piece = row[place]
        if drops_the_rest(piece):
            self._rests.append(piece)
            return place + 1
        if only_shows(piece) and self._is_shown() and self._rejoin(piece):
            return place + 1
        end = place + 1
        if end < len(row) and drops_the_rest(row[end]) and "verb" not in piece.kinds:
            at = piece.tokens[0].start
            piece = Piece([Token("keep", "verb", at, at), *piece.tokens], piece.after)
            row = [*row[:place], piece, *row[end:]]
        while end < len(row) and is_tail(row[end], piece):
            end += 1
        for stop in range(end, place, -1):
            if self._accept(Piece(joined(row[place:stop]), piece.after)):
                return stop
        if (
            end < len(row)
            and may_join(piece, row[end])
            and not drops_the_rest(row[end])
            and self._accept(Piece(joined(row[place : end + 1]), piece.after))
        ):
            return end + 1
        if not self._rejoin(piece):
            self._set_aside(piece)
        return place + 1

    def _read_negated(self, row: list[Piece], place: int) -> int:
        """What is not wanted is left out, with what is joined to it without a verb of its own."""
        tokens = row[place].tokens
        at = next(n for n, token in enumerate(tokens) if token.canon == "negation")
        before = Piece(tokens[:at], row[place].after)
        self._topics.append("declined")
        self._lender.dwell_on(Piece(tokens[at:], row[place].after))
        says = any(t.kind not in ("chatter", "word") for t in before.content)
        if says and not is_remark(before) and not self._accept(before) and not self._rejoin(before):
            self._set_aside(before)
        place += 1
        while (
            place < len(row)
            and row[place].after == "and"
            and not row[place].kinds & {"verb", *ACTS}
        ):
            place += 1
        return place

    def _read_remark(self, piece: Piece) -> None:
        """A remark asks for nothing, unless nothing else does: "it's too dark"."""
        self._lender.speak_of(piece.tokens)
        self._lender.dwell_on(piece)
        if piece.content[0].canon == "is":
            self._topics.append("hello")
        if not piece.words & {"too", "lacks", "post", "R"}:
            return
        said = [
            token for token in piece.tokens if token.canon not in ("is", "it is", "who", "post")
        ]
        about = self._lender.about(piece.words) if "it" in piece.words else []
        edits = edits_of(turned_round([*said, *about]), self._original) or []
        self._hints.extend(edit for edit in edits if not isinstance(edit, PlaceUploads))

    def _accept(self, piece: Piece) -> bool:
        """Read these words, with what the context lends them; True where they make edits."""
        for candidate in self._lender.candidates(piece):
            edits = edits_of(candidate, self._original)
            parts = self._run_on(candidate)
            if edits and parts and len({type(edit) for edit in [*edits, *parts]}) == 1:
                parts = None
            if (found := parts or edits) and not is_lost(self._edits, found):
                new = continued(self._edits, found, piece)
                self._last = (candidate, len(self._edits)) if new else None
                self._edits.extend(new)
                self._lender.remember(candidate)
                return True
        return False

    def _take_back(self) -> None:
        """Forget all that was asked for, so that nothing later adds to it."""
        self._edits.clear()
        self._last = None

    def _is_shown(self) -> bool:
        """Whether the last command put something into the picture."""
        return self._last is not None and isinstance(
            self._edits[self._last[1]], AddTitle | AddOverlay
        )

    def _rejoin(self, piece: Piece) -> bool:
        """Words that are no command alone may say more about the one before: "…, shown for 5 s"."""
        if self._last is None or piece.after == "but":
            return False
        tokens, place = self._last
        edits = edits_of([*tokens, *piece.tokens], self._original)
        before = self._edits[place:]
        if not edits or edits == before or [*map(type, edits)] != [*map(type, before)]:
            return False
        self._edits[place:] = edits
        self._last = ([*tokens, *piece.tokens], place)
        return True

    def _run_on(self, tokens: list[Token]) -> list[Edit] | None:
        """Commands one after another without a break: each begins with its verb.

        The first place where one can end decides, so that the time stays in bounds.
        """
        started = False
        for place, token in enumerate(tokens):
            if token.kind == "verb" and token.base and started and self._begins(token):
                first = self._command(tokens[:place])
                rest = tokens[place:]
                if first and any(t.kind in ("noun", *ACTS) or t.canon in ("T", "H") for t in rest):
                    second = self._run_on(rest) or self._command(rest)
                    return [*first, *second] if second else None
            started = started or token.kind in ("verb", "act", "look")
        return None

    def _begins(self, verb: Token) -> bool:
        """Whether a verb can begin a command after another: 换成, 移到 go on with the first."""
        chinese = not self._original[verb.start].isascii()
        return not (chinese and verb.canon.startswith(("set", "move")))

    def _command(self, tokens: list[Token]) -> list[Edit] | None:
        """The edits of one command among several; "use it" alone is too little to be one."""
        edits = edits_of(tokens, self._original)
        return None if edits and isinstance(edits[0], PlaceUploads) else edits

    def _set_aside(self, piece: Piece) -> None:
        """A piece that is no edit: a topic, the clip that comes next, or not understood."""
        content = [token for token in piece.content if token.kind != "chatter"]
        words = {token.canon for token in content}
        if topic := next((TOPICS[word] for word in TOPICS if word in words), None):
            self._topics.append(topic)
        elif "upload" in words and words <= {
            "upload",
            "video",
            "it",
            "add",
            "to",
            "photo",
        }:
            self._topics.append("upload")
        elif self._subtitled and words & {"subtitles", "it", "add", "G"}:
            pass
        elif words <= {"save", "it", "video", "who"}:
            self._topics.append("hello")
        elif words & REACH and words <= REACH | {
            "take",
            "for",
            "in",
            "it",
            "of",
            "on",
            "at",
        }:
            self._lender.point_at(content)
        else:
            self._give_up(piece)

    def _give_up(self, piece: Piece) -> None:
        start, end = piece.tokens[0].start, piece.tokens[-1].end
        self._unknown.append(self._original[start:end].strip())
