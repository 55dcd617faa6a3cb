"""Parses a message: its clauses one after another, each in the context of those before it."""

import logging

from nemolocal_contract.describe.text_formats import truncate_text

from ..intents import (
    SELECT_ALL,
    AddOverlay,
    AddTitle,
    Edit,
    FreezeFrame,
    Generate,
    KeepSpan,
    MoveClip,
    PlaceUploads,
    Redo,
    RemoveClip,
    RemoveSpan,
    StartOver,
    SwapClips,
    Undo,
)
from ..understanding import NoEdit, Note, Topic, Understanding
from .context import EllipsisResolver, depends_on_context, invert_complaint, is_praise, is_remark
from .edit_merging import is_already_removed, merge_redundant, merge_with_previous
from .extraction_rules import extract_edits, find_notes
from .extractors.prompted_generation import generate_from_prompt
from .extractors.script_cards import cards_from_script
from .extractors.title_extractors import CARD_NOUNS, TITLE_NOUNS, quote_title_text
from .extractors.untitled_text import quote_placed_text
from .lexer.quantities import parse_quantities
from .lexer.tokenizer import tokenize
from .lexer.tokens import COMMA, LexToken, Slot, TokenKind, symbol_set
from .normalization import from_start_after_cut, normalize_refusal
from .run_on_commands import parse_run_on
from .segmentation import (
    ACTION_KINDS,
    CLIP_SYMBOLS,
    TOPICS_BY_SYMBOL,
    RawClause,
    detect_topic,
    is_continuation,
    is_discard_rest,
    is_display_detail,
    is_joinable,
    is_keep_object,
    join_clauses,
    split_clauses,
    split_sentences,
)
from .unsupported import find_reason

_log = logging.getLogger(__name__)

# More than any real message has; limits the time.
_MAX_WORDS = 120
_MAX_CLAUSES = 60
_MAX_ABOUT_LENGTH = 200
_TOPIC_PRIORITY: tuple[Topic, ...] = (
    "how", "export", "credits", "status", "upload", "declined", "hello",
)  # fmt: skip
_UPLOAD_SYMBOLS = symbol_set("upload video it add to photo")
_CLIP_MENTION_SYMBOLS = CLIP_SYMBOLS | symbol_set("take for in it of on at")
_EMPTY_KINDS = frozenset((TokenKind.FILLER, TokenKind.SEPARATOR))
_OPEN_KINDS = (TokenKind.UNKNOWN, TokenKind.SLOT)
# What these edits do is too much if a part of the message was not understood.
_EDITS_WITH_OBJECT = (KeepSpan, RemoveSpan, RemoveClip, SwapClips, MoveClip)
_EDITS_OF_WHOLE_MESSAGES = (StartOver, Undo, Redo, Generate)


def understand_message(message: str) -> Understanding:
    """What a message asks for: its edits, in order, and the parts that were not understood.

    Never raises: a bug in here is logged, and the message counts as unknown.
    """
    try:
        return _understand(message)
    except Exception:
        # Never log the message: it is private.
        _log.exception("a message of %d characters could not be read", len(message))
        return _unknown(message)


def parse_message(message: str) -> tuple[Edit, ...] | NoEdit:
    """The edits that a message asks for, or the topic to reply about: `understand_message`."""
    return understand_message(message).intent


def parse_message_or_raise(message: str) -> tuple[Edit, ...] | NoEdit:
    """Like `parse_message`, but a bug shows as an exception."""
    return _understand(message).intent


def _understand(message: str) -> Understanding:
    tokens = tokenize(message)
    if tokens is None or (not message.isascii() and _has_kana(message, tokens)):
        return _unknown(message)
    if (cards := cards_from_script(message)) is not None:
        return Understanding(cards)
    generated = generate_from_prompt(message, tokens)
    if generated is not None:
        edit, note = generated
        return Understanding((edit,), notes=() if note is None else (note,))
    return _MessageParser(message).parse(parse_quantities(tokens))


def _has_kana(message: str, tokens: list[LexToken]) -> bool:
    """Whether a word is Japanese, which must not be half understood as Chinese."""
    return any(
        "\u3040" <= message[token.start] <= "\u30ff"
        for token in tokens
        if token.kind in _OPEN_KINDS
    )


def _unknown(message: str) -> Understanding:
    about = truncate_text(message.strip(), _MAX_ABOUT_LENGTH)
    return Understanding(no_edit=NoEdit("unknown", about, find_reason(about)))


class _MessageParser:
    """What has been understood of a message so far."""

    def __init__(self, original: str) -> None:
        self._original = original
        self._edits: list[Edit] = []
        self._fallback_edits: list[Edit] = []
        self._topics: list[Topic] = []
        self._unknown: list[str] = []
        self._notes: list[Note] = []
        # Whether the last command was not understood, so that "it" can mean anything.
        self._is_lost = False
        # "… and drop the rest" only repeats that a part is kept.
        self._discarded_rests: list[RawClause] = []
        # Clips that were named after a command, until a later command is about them.
        self._named_clips: list[RawClause] = []
        self._has_subtitles = self._says_each = False
        self._ellipsis = EllipsisResolver()
        # The tokens of the last command, and the index of its first edit.
        self._last: tuple[list[LexToken], int] | None = None

    def parse(self, tokens: list[LexToken]) -> Understanding:
        """The edits of all sentences, or the topic to reply about."""
        symbols = {token.symbol for token in tokens}
        self._has_subtitles = Slot.SUBTITLES in symbols
        self._says_each = "per" in symbols
        if not symbols.isdisjoint((*TITLE_NOUNS, *CARD_NOUNS)):
            tokens = quote_title_text(tokens, self._original)
        tokens = quote_placed_text(tokens, self._original)
        read = 0
        for sentence in split_sentences(tokens):
            if all(token.kind in _EMPTY_KINDS for token in sentence):
                continue
            if (topic := detect_topic(sentence, self._original)) is not None:
                self._topics.append(topic)
                if topic == "declined":  # "trim it. Never mind."
                    self._discard_edits()
                continue
            clauses = split_clauses(sentence)
            read += len(clauses)
            if read > _MAX_CLAUSES:
                return _unknown(self._original)
            self._parse_sentence(clauses)
        return self._result()

    def _result(self) -> Understanding:
        if not any(isinstance(edit, KeepSpan) for edit in self._edits):
            for clause in self._discarded_rests:
                self._add_unknown(clause)
        for clause in self._named_clips:
            self._add_unknown(clause)
        edits = self._edits if self._unknown else self._edits or self._fallback_edits
        if self._unknown and (not edits or any(map(_needs_whole_message, edits))):
            about = truncate_text("; ".join(self._unknown), _MAX_ABOUT_LENGTH)
            return Understanding(no_edit=NoEdit("unknown", about, find_reason(about)))
        if edits:
            merged = tuple(merge_redundant(edits, self._says_each))
            return Understanding(merged, None, tuple(self._unknown), tuple(self._notes))
        topic = next((topic for topic in _TOPIC_PRIORITY if topic in self._topics), None)
        return Understanding(no_edit=NoEdit(topic)) if topic else _unknown(self._original)

    def _parse_sentence(self, clauses: list[RawClause]) -> None:
        self._last = None
        edits, unknown = len(self._edits), len(self._unknown)
        self._ellipsis.forget_removal()
        clauses = [normalize_refusal(clause, self._original) for clause in clauses]
        clauses = from_start_after_cut(clauses, self._original)
        index = 0
        while index < len(clauses):
            index = self._parse_clause(clauses, index)
        if len(self._unknown) > unknown and _is_conditional(clauses):
            del self._edits[edits:], self._unknown[unknown:]
            self._add_unknown(join_clauses(clauses))

    def _parse_clause(self, clauses: list[RawClause], index: int) -> int:
        """Parse the clause at this index; returns the index of the next one."""
        clause = clauses[index]
        content = clause.content_tokens
        if len(content) > _MAX_WORDS or "condition" in clause.symbols:
            self._add_unknown(clause)
        elif is_praise(clause) or all(token.kind == TokenKind.SMALL_TALK for token in content):
            self._topics.append("hello")
        elif self._try_parse_removal(clause):
            pass
        elif clause.is_refusal:
            self._discard_edits()  # "trim it, no, never mind"
            self._topics.append("declined")
        elif "negation" in clause.symbols and not clause.symbols & {"duck", "duckhint"}:
            return self._parse_negated(clauses, index)
        elif asked := next((t.symbol for t in content if t.symbol in ("credits", "status")), None):
            self._topics.append(TOPICS_BY_SYMBOL[asked])
        elif is_keep_object(clause):
            self._topics.append("declined")
        elif is_remark(clause):
            self._parse_remark(clause)
        else:
            return self._parse_command(clauses, index)
        return index + 1

    def _try_parse_removal(self, clause: RawClause) -> bool:
        """不要了 after a remark removes what the remark was about."""
        if clause.symbols != {"cancel"} or self._original[clause.tokens[0].start].isascii():
            return False
        return self._try_parse(
            RawClause(
                [LexToken("remove", TokenKind.VERB, t.start, t.end) for t in clause.content_tokens]
            )
        )

    def _parse_command(self, clauses: list[RawClause], index: int) -> int:
        clause = clauses[index]
        if is_discard_rest(clause):
            self._discarded_rests.append(clause)
            return index + 1
        if self._is_lost and depends_on_context(clause):
            self._add_unknown(clause)
            return index + 1
        if self._try_repeat_last(clause) or self._is_detail(clause):
            return index + 1
        end = index + 1
        if (
            end < len(clauses)
            and is_discard_rest(clauses[end])
            and TokenKind.VERB not in clause.kinds
        ):
            at = clause.tokens[0].start
            clause = RawClause(
                [LexToken("keep", TokenKind.VERB, at, at), *clause.tokens], clause.separator
            )
            clauses = [*clauses[:index], clause, *clauses[end:]]
        while end < len(clauses) and is_continuation(clauses[end], clause):
            end += 1
        for stop in range(end, index, -1):
            if self._try_parse(join_clauses(clauses[index:stop])):
                return stop
        if (
            end < len(clauses)
            and is_joinable(clause, clauses[end])
            and not is_discard_rest(clauses[end])
            and self._try_parse(join_clauses(clauses[index : end + 1]))
        ):
            return end + 1
        if not self._try_extend_last(clause):
            self._classify_other(clause)
        return index + 1

    def _is_detail(self, clause: RawClause) -> bool:
        """Whether it only says more about the last command, which is extended."""
        shown = self._last_adds_overlay() and is_display_detail(clause)
        return self._narrows_last(clause) or (shown and self._try_extend_last(clause))

    def _narrows_last(self, clause: RawClause) -> bool:
        """Whether it limits the last edit: "black and white, but only the first half"."""
        if clause.separator != "but" or "only" not in clause.symbols:
            return False
        if clause.kinds & {TokenKind.VERB, *ACTION_KINDS}:
            return False
        return self._try_extend_last(RawClause(clause.tokens, COMMA))

    def _parse_negated(self, clauses: list[RawClause], index: int) -> int:
        """Skip what is negated, with the clauses without a verb that are joined to it."""
        tokens = clauses[index].tokens
        at = next(n for n, token in enumerate(tokens) if token.symbol == "negation")
        if len(clauses) == 1 and self._try_parse_absence(tokens, at):
            return index + 1
        if at and any(token.kind == TokenKind.UNKNOWN for token in tokens[at:]):
            self._add_unknown(clauses[index])
            return index + 1
        before = RawClause(tokens[:at], clauses[index].separator)
        self._topics.append("declined")
        self._ellipsis.set_remark(RawClause(tokens[at:], clauses[index].separator))
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
        index += 1
        while (
            index < len(clauses)
            and clauses[index].separator == "and"
            and not clauses[index].kinds & {TokenKind.VERB, *ACTION_KINDS}
        ):
            index += 1
        return index

    def _try_parse_absence(self, tokens: list[LexToken], at: int) -> bool:
        """`No transitions` as a whole message takes them away."""
        negation = tokens[at]
        said = self._original[negation.start : negation.end].lower()
        if self._edits or self._topics or at or said not in ("no", "without any"):
            return False
        if any(token.kind == TokenKind.VERB for token in tokens):
            return False
        gone = LexToken("remove", TokenKind.VERB, negation.start, negation.end)
        return self._try_parse(RawClause([gone, *tokens[1:]]))

    def _parse_remark(self, clause: RawClause) -> None:
        """A remark is only an edit if the message asks for nothing else: "it's too dark"."""
        self._ellipsis.set_topic(clause.tokens)
        self._ellipsis.set_remark(clause)
        if clause.content_tokens[0].symbol == "is":
            self._topics.append("hello")
        if not clause.symbols & {"too", "lacks", "post", Slot.ASPECT_RATIO}:
            return
        statement = [
            token for token in clause.tokens if token.symbol not in ("is", "it is", "who", "post")
        ]
        about = self._ellipsis.topic_for(clause.symbols) if "it" in clause.symbols else []
        edits = extract_edits(invert_complaint([*statement, *about]), self._original) or []
        self._fallback_edits.extend(edit for edit in edits if not isinstance(edit, PlaceUploads))

    def _try_parse(self, clause: RawClause) -> bool:
        """Parse the clause with what the context adds to it; returns whether it makes edits."""
        for candidate in self._ellipsis.candidates(clause):
            edits = extract_edits(candidate, self._original)
            parts = parse_run_on(candidate, self._original)
            if edits and parts and len({type(edit) for edit in [*edits, *parts]}) == 1:
                parts = None
            if (found := parts or edits) and not is_already_removed(self._edits, found):
                new = merge_with_previous(self._edits, found, clause)
                self._last = (candidate, len(self._edits)) if new else None
                self._edits.extend(new)
                self._notes.extend(find_notes(candidate, found, self._original))
                self._ellipsis.update(candidate)
                self._is_lost = False
                self._named_clips.clear()
                return True
        return False

    def _try_repeat_last(self, clause: RawClause) -> bool:
        """Parse "freeze at 2 s and at 4 s" as two edits; False if the clause is no other time."""
        if self._last is None or not _is_another_time(clause):
            return False
        tokens, index = self._last
        before = self._edits[index:]
        times = [token for token in tokens if token.symbol == Slot.TIME]
        if not times or not isinstance(before[0], FreezeFrame | AddTitle):
            return False
        time = next(token for token in clause.tokens if token.symbol == Slot.TIME)
        repeated = [time if token in times else token for token in tokens]
        edits = extract_edits(repeated, self._original) if len(times) == 1 else None
        if edits and {*map(type, edits)} == {*map(type, before)}:
            # A held frame moves all that follows it: the last is made first.
            self._edits[index:] = sorted([*before, *edits], key=_time_of_freeze, reverse=True)
        else:
            self._add_unknown(clause)
        return True

    def _discard_edits(self) -> None:
        """Discard all edits, so that no later clause adds to them."""
        self._edits.clear()
        self._notes.clear()
        self._named_clips.clear()
        self._last = None

    def _last_adds_overlay(self) -> bool:
        """Whether the last command added a title or an overlay."""
        return self._last is not None and isinstance(
            self._edits[self._last[1]], AddTitle | AddOverlay
        )

    def _try_extend_last(self, clause: RawClause) -> bool:
        """Parse the clause as more about the last command: "…, shown for 5 s"."""
        if self._last is None or clause.separator == "but":
            return False
        tokens, index = self._last
        edits = extract_edits([*tokens, *clause.tokens], self._original)
        before = self._edits[index:]
        if not edits or edits == before or [*map(type, edits)] != [*map(type, before)]:
            return False
        self._edits[index:] = edits
        self._last = ([*tokens, *clause.tokens], index)
        return True

    def _classify_other(self, clause: RawClause) -> None:
        """Classify a clause that is no edit: a topic, the clips of the next clause, or unknown."""
        content = [token for token in clause.content_tokens if token.kind != TokenKind.SMALL_TALK]
        words = {token.symbol for token in content}
        if topic := next(
            (TOPICS_BY_SYMBOL[word] for word in TOPICS_BY_SYMBOL if word in words), None
        ):
            self._topics.append(topic)
        elif "upload" in words and words <= _UPLOAD_SYMBOLS:
            self._topics.append("upload")
        elif self._has_subtitles and words & {"subtitles", "it", "add", Slot.SUBTITLES}:
            pass
        elif words <= {"save", "it", "video", "who"}:
            self._topics.append("hello")
        elif words & CLIP_SYMBOLS and words <= _CLIP_MENTION_SYMBOLS:
            self._ellipsis.set_clips(content)
            if self._edits:
                self._named_clips.append(clause)
        else:
            self._add_unknown(clause)

    def _add_unknown(self, clause: RawClause) -> None:
        """Remember what was not understood; nothing that follows may inherit from before it."""
        start, end = clause.tokens[0].start, clause.tokens[-1].end
        if self._last is not None and _completes_command(clause):
            tokens, index = self._last
            if isinstance(self._edits[index], _EDITS_WITH_OBJECT):
                # Half of "keep 2 to 4 s and 8 to 10 s" is not what was asked for.
                del self._edits[index:]
                start = min(start, min(token.start for token in tokens))
        self._unknown.append(self._original[start:end].strip())
        self._last = None
        self._ellipsis = EllipsisResolver()
        self._is_lost = True


def _is_another_time(clause: RawClause) -> bool:
    """Whether it asks for the same once more: "freeze at 2 s and at 4 s", not "and for 4 s"."""
    symbols = {token.symbol for token in clause.content_tokens}
    if clause.separator == COMMA:
        return symbols == {Slot.TIME, "at"}
    return clause.separator == "and" and Slot.TIME in symbols and symbols <= {Slot.TIME, "at"}


def _time_of_freeze(edit: Edit) -> int:
    return edit.at.ms if isinstance(edit, FreezeFrame) else 0


def _completes_command(clause: RawClause) -> bool:
    """Whether a clause without a command of its own belongs to the one before it."""
    commands = {TokenKind.VERB, *ACTION_KINDS, TokenKind.UNKNOWN}
    return clause.separator in ("and", COMMA) and not clause.kinds & commands


def _needs_whole_message(edit: Edit) -> bool:
    """Whether it takes everything away, or costs most: only if nothing was left out."""
    everything = isinstance(edit, RemoveClip) and edit == RemoveClip(SELECT_ALL)
    return everything or isinstance(edit, _EDITS_OF_WHOLE_MESSAGES)


def _is_conditional(clauses: list[RawClause]) -> bool:
    """Whether a clause that was not understood can change what the others mean."""
    return any(
        "condition" in clause.symbols or (clause.separator == "but" and index)
        for index, clause in enumerate(clauses)
    )
