"""The clauses of a message are read one after another, each in the light of those before it."""

from ..intents import (
    AddOverlay,
    AddTitle,
    Edit,
    KeepSpan,
    NoEdit,
    PlaceUploads,
    Topic,
)
from .edit_merging import is_already_removed, merge_redundant, merge_with_previous
from .ellipsis import EllipsisResolver
from .extraction_rules import extract_edits
from .lexer.tokens import LexToken, Slot, TokenKind
from .lexer.unquoted_text import quote_title_text
from .raw_clause import (
    ACTION_KINDS,
    CLIP_SYMBOLS,
    RawClause,
    is_continuation,
    is_discard_rest,
    is_display_detail,
    is_joinable,
    is_keep_object,
    join_clauses,
    normalize_refusal,
)
from .remarks import invert_complaint, is_praise, is_remark
from .segmentation import TOPICS_BY_SYMBOL, detect_topic, split_clauses, split_sentences

# Nobody asks for so much in one clause, or for so many things: it keeps the time in bounds.
_MAX_WORDS = 120
_MAX_CLAUSES = 60
_MAX_ABOUT_LENGTH = 200
_TOPIC_PRIORITY: tuple[Topic, ...] = (
    "how",
    "export",
    "credits",
    "status",
    "upload",
    "declined",
    "hello",
)


class MessageParser:
    """What has been understood of a message so far."""

    def __init__(self, original: str) -> None:
        self._original = original
        self._edits: list[Edit] = []
        self._hints: list[Edit] = []
        self._topics: list[Topic] = []
        self._unknown: list[str] = []
        # "… and drop the rest" says again what keeping a part means.
        self._discarded_rests: list[RawClause] = []
        self._has_subtitles = False
        self._ellipsis = EllipsisResolver()
        # The words of the last command, and where its edits begin.
        self._last: tuple[list[LexToken], int] | None = None

    def parse(self, tokens: list[LexToken]) -> tuple[Edit, ...] | NoEdit:
        """The edits of all sentences, or what to talk about."""
        self._has_subtitles = any(token.symbol == Slot.SUBTITLES for token in tokens)
        read = 0
        for sentence in split_sentences(quote_title_text(tokens, self._original)):
            if all(token.kind in (TokenKind.FILLER, TokenKind.SEPARATOR) for token in sentence):
                continue
            if (topic := detect_topic(sentence, self._original)) is not None:
                self._topics.append(topic)
                if topic == "declined":  # "trim it. Never mind."
                    self._discard_edits()
                continue
            row = split_clauses(sentence)
            read += len(row)
            if read > _MAX_CLAUSES:
                return NoEdit("unknown", self._original.strip()[:_MAX_ABOUT_LENGTH])
            self._parse_sentence(row)
        return self._result()

    def _result(self) -> tuple[Edit, ...] | NoEdit:
        if not any(isinstance(edit, KeepSpan) for edit in self._edits):
            for piece in self._discarded_rests:
                self._add_unknown(piece)
        if self._unknown:
            return NoEdit("unknown", "; ".join(self._unknown)[:_MAX_ABOUT_LENGTH])
        if edits := merge_redundant(self._edits or self._hints):
            return tuple(edits)
        topic = next((topic for topic in _TOPIC_PRIORITY if topic in self._topics), None)
        return (
            NoEdit(topic)
            if topic
            else NoEdit("unknown", self._original.strip()[:_MAX_ABOUT_LENGTH])
        )

    def _parse_sentence(self, row: list[RawClause]) -> None:
        self._last = None
        row = [normalize_refusal(piece, self._original) for piece in row]
        place = 0
        while place < len(row):
            place = self._parse_clause(row, place)

    def _parse_clause(self, row: list[RawClause], place: int) -> int:
        """Read what begins at a piece; returns the place after it."""
        piece = row[place]
        content = piece.content_tokens
        if len(content) > _MAX_WORDS or "condition" in piece.symbols:
            self._add_unknown(piece)
        elif is_praise(piece) or all(token.kind == TokenKind.SMALL_TALK for token in content):
            self._topics.append("hello")
        elif self._try_parse_removal(piece):
            pass
        elif piece.is_refusal:
            self._discard_edits()  # "trim it, no, never mind"
            self._topics.append("declined")
        elif "negation" in piece.symbols and not piece.symbols & {"duck", "duckhint"}:
            return self._parse_negated(row, place)
        elif asked := next((t.symbol for t in content if t.symbol in ("credits", "status")), None):
            self._topics.append(TOPICS_BY_SYMBOL[asked])
        elif is_keep_object(piece):
            self._topics.append("declined")
        elif is_remark(piece):
            self._parse_remark(piece)
        else:
            return self._parse_command(row, place)
        return place + 1

    def _try_parse_removal(self, piece: RawClause) -> bool:
        """不要了 after a remark takes away what the remark was about."""
        said = RawClause(
            [LexToken("remove", TokenKind.VERB, t.start, t.end) for t in piece.content_tokens]
        )
        chinese = not self._original[piece.tokens[0].start].isascii()
        return chinese and piece.symbols == {"cancel"} and self._try_parse(said)

    def _parse_command(self, row: list[RawClause], place: int) -> int:
        piece = row[place]
        if is_discard_rest(piece):
            self._discarded_rests.append(piece)
            return place + 1
        if is_display_detail(piece) and self._last_adds_overlay() and self._try_extend_last(piece):
            return place + 1
        end = place + 1
        if end < len(row) and is_discard_rest(row[end]) and TokenKind.VERB not in piece.kinds:
            at = piece.tokens[0].start
            piece = RawClause(
                [LexToken("keep", TokenKind.VERB, at, at), *piece.tokens], piece.separator
            )
            row = [*row[:place], piece, *row[end:]]
        while end < len(row) and is_continuation(row[end], piece):
            end += 1
        for stop in range(end, place, -1):
            if self._try_parse(RawClause(join_clauses(row[place:stop]), piece.separator)):
                return stop
        if (
            end < len(row)
            and is_joinable(piece, row[end])
            and not is_discard_rest(row[end])
            and self._try_parse(RawClause(join_clauses(row[place : end + 1]), piece.separator))
        ):
            return end + 1
        if not self._try_extend_last(piece):
            self._classify_other(piece)
        return place + 1

    def _parse_negated(self, row: list[RawClause], place: int) -> int:
        """What is not wanted is left out, with what is joined to it without a verb of its own."""
        tokens = row[place].tokens
        at = next(n for n, token in enumerate(tokens) if token.symbol == "negation")
        before = RawClause(tokens[:at], row[place].separator)
        self._topics.append("declined")
        self._ellipsis.set_remark(RawClause(tokens[at:], row[place].separator))
        says = any(
            t.kind not in (TokenKind.SMALL_TALK, TokenKind.MODIFIER) for t in before.content_tokens
        )
        if (
            says
            and not is_remark(before)
            and not self._try_parse(before)
            and not self._try_extend_last(before)
        ):
            self._classify_other(before)
        place += 1
        while (
            place < len(row)
            and row[place].separator == "and"
            and not row[place].kinds & {TokenKind.VERB, *ACTION_KINDS}
        ):
            place += 1
        return place

    def _parse_remark(self, piece: RawClause) -> None:
        """A remark asks for nothing, unless nothing else does: "it's too dark"."""
        self._ellipsis.set_topic(piece.tokens)
        self._ellipsis.set_remark(piece)
        if piece.content_tokens[0].symbol == "is":
            self._topics.append("hello")
        if not piece.symbols & {"too", "lacks", "post", Slot.ASPECT_RATIO}:
            return
        said = [
            token for token in piece.tokens if token.symbol not in ("is", "it is", "who", "post")
        ]
        about = self._ellipsis.topic_for(piece.symbols) if "it" in piece.symbols else []
        edits = extract_edits(invert_complaint([*said, *about]), self._original) or []
        self._hints.extend(edit for edit in edits if not isinstance(edit, PlaceUploads))

    def _try_parse(self, piece: RawClause) -> bool:
        """Read these words, with what the context lends them; True where they make edits."""
        for candidate in self._ellipsis.candidates(piece):
            edits = extract_edits(candidate, self._original)
            parts = self._parse_run_on(candidate)
            if edits and parts and len({type(edit) for edit in [*edits, *parts]}) == 1:
                parts = None
            if (found := parts or edits) and not is_already_removed(self._edits, found):
                new = merge_with_previous(self._edits, found, piece)
                self._last = (candidate, len(self._edits)) if new else None
                self._edits.extend(new)
                self._ellipsis.update(candidate)
                return True
        return False

    def _discard_edits(self) -> None:
        """Forget all that was asked for, so that nothing later adds to it."""
        self._edits.clear()
        self._last = None

    def _last_adds_overlay(self) -> bool:
        """Whether the last command put something into the picture."""
        return self._last is not None and isinstance(
            self._edits[self._last[1]], AddTitle | AddOverlay
        )

    def _try_extend_last(self, piece: RawClause) -> bool:
        """Words that are no command alone may say more about the one before: "…, shown for 5 s"."""
        if self._last is None or piece.separator == "but":
            return False
        tokens, place = self._last
        edits = extract_edits([*tokens, *piece.tokens], self._original)
        before = self._edits[place:]
        if not edits or edits == before or [*map(type, edits)] != [*map(type, before)]:
            return False
        self._edits[place:] = edits
        self._last = ([*tokens, *piece.tokens], place)
        return True

    def _parse_run_on(self, tokens: list[LexToken]) -> list[Edit] | None:
        """Commands one after another without a break: each begins with its verb.

        The first place where one can end decides, so that the time stays in bounds.
        """
        started = False
        for place, token in enumerate(tokens):
            if (
                token.kind == TokenKind.VERB
                and token.is_base_form
                and started
                and self._is_command_start(token)
            ):
                first = self._command(tokens[:place])
                rest = tokens[place:]
                if first and any(
                    t.kind in (TokenKind.NOUN, *ACTION_KINDS)
                    or t.symbol in (Slot.TIME, Slot.QUOTED_TEXT)
                    for t in rest
                ):
                    second = self._parse_run_on(rest) or self._command(rest)
                    return [*first, *second] if second else None
            started = started or token.kind in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT)
        return None

    def _is_command_start(self, verb: LexToken) -> bool:
        """Whether a verb can begin a command after another: 换成, 移到 go on with the first."""
        chinese = not self._original[verb.start].isascii()
        return not (chinese and verb.symbol.startswith(("set", "move")))

    def _command(self, tokens: list[LexToken]) -> list[Edit] | None:
        """The edits of one command among several; "use it" alone is too little to be one."""
        edits = extract_edits(tokens, self._original)
        return None if edits and isinstance(edits[0], PlaceUploads) else edits

    def _classify_other(self, piece: RawClause) -> None:
        """A piece that is no edit: a topic, the clip that comes next, or not understood."""
        content = [token for token in piece.content_tokens if token.kind != TokenKind.SMALL_TALK]
        words = {token.symbol for token in content}
        if topic := next(
            (TOPICS_BY_SYMBOL[word] for word in TOPICS_BY_SYMBOL if word in words), None
        ):
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
        elif self._has_subtitles and words & {"subtitles", "it", "add", Slot.SUBTITLES}:
            pass
        elif words <= {"save", "it", "video", "who"}:
            self._topics.append("hello")
        elif words & CLIP_SYMBOLS and words <= CLIP_SYMBOLS | {
            "take",
            "for",
            "in",
            "it",
            "of",
            "on",
            "at",
        }:
            self._ellipsis.set_clips(content)
        else:
            self._add_unknown(piece)

    def _add_unknown(self, piece: RawClause) -> None:
        start, end = piece.tokens[0].start, piece.tokens[-1].end
        self._unknown.append(self._original[start:end].strip())
