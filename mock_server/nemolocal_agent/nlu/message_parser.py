"""Parses a message: its clauses one after another, each in the context of those before it."""

import logging

import msgspec

from ..intents import (
    TIMELINE_END,
    TIMELINE_START,
    AddCaptions,
    AddMusic,
    AddOverlay,
    AddSubtitles,
    AddTitle,
    AddTransition,
    DuckMusic,
    Edit,
    KeepHighlights,
    KeepSpan,
    NoEdit,
    PlaceUploads,
    RemoveTransitions,
    SetFit,
    StartOver,
    TimelineSpan,
    Topic,
)
from .context import EllipsisResolver, invert_complaint, is_praise, is_remark
from .extraction_rules import extract_edits
from .extractors.title_extractors import TITLE_NOUNS, quote_title_text
from .lexer.quantities import parse_quantities
from .lexer.tokenizer import tokenize
from .lexer.tokens import COMMA, LexToken, Slot, TokenKind, symbol_set
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
    normalize_refusal,
    split_clauses,
    split_sentences,
)

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
_IDEMPOTENT_EDITS: tuple[list[Edit], ...] = (
    [RemoveTransitions()],
    [StartOver()],
    [AddCaptions()],
    [KeepHighlights()],
)


def parse_message(message: str) -> tuple[Edit, ...] | NoEdit:
    """The edits that a message asks for, in order, or the topic to reply about.

    If one clause looks like a command and is not understood, the whole message is: half an edit
    would be a surprise. Never raises: a bug in here is logged, and the message counts as unknown.
    """
    try:
        return parse_message_or_raise(message)
    except Exception:
        # Never log the message: it is private.
        _log.exception("a message of %d characters could not be read", len(message))
        return _unknown(message)


def parse_message_or_raise(message: str) -> tuple[Edit, ...] | NoEdit:
    """Like `parse_message`, but a bug shows as an exception."""
    tokens = tokenize(message)
    if tokens is None:
        return _unknown(message)
    return _MessageParser(message).parse(parse_quantities(tokens))


def _unknown(message: str) -> NoEdit:
    return NoEdit("unknown", message[:_MAX_ABOUT_LENGTH].strip())


class _MessageParser:
    """What has been understood of a message so far."""

    def __init__(self, original: str) -> None:
        self._original = original
        self._edits: list[Edit] = []
        self._fallback_edits: list[Edit] = []
        self._topics: list[Topic] = []
        self._unknown: list[str] = []
        # "… and drop the rest" only repeats that a part is kept.
        self._discarded_rests: list[RawClause] = []
        self._has_subtitles = False
        self._ellipsis = EllipsisResolver()
        # The tokens of the last command, and the index of its first edit.
        self._last: tuple[list[LexToken], int] | None = None

    def parse(self, tokens: list[LexToken]) -> tuple[Edit, ...] | NoEdit:
        """The edits of all sentences, or the topic to reply about."""
        symbols = {token.symbol for token in tokens}
        self._has_subtitles = Slot.SUBTITLES in symbols
        if not symbols.isdisjoint(TITLE_NOUNS):
            tokens = quote_title_text(tokens, self._original)
        read = 0
        for sentence in split_sentences(tokens):
            if all(token.kind in (TokenKind.FILLER, TokenKind.SEPARATOR) for token in sentence):
                continue
            if (topic := detect_topic(sentence, self._original)) is not None:
                self._topics.append(topic)
                if topic == "declined":  # "trim it. Never mind."
                    self._discard_edits()
                continue
            clauses = split_clauses(sentence)
            read += len(clauses)
            if read > _MAX_CLAUSES:
                return NoEdit("unknown", self._original.strip()[:_MAX_ABOUT_LENGTH])
            self._parse_sentence(clauses)
        return self._result()

    def _result(self) -> tuple[Edit, ...] | NoEdit:
        if not any(isinstance(edit, KeepSpan) for edit in self._edits):
            for clause in self._discarded_rests:
                self._add_unknown(clause)
        if self._unknown:
            return NoEdit("unknown", "; ".join(self._unknown)[:_MAX_ABOUT_LENGTH])
        if edits := _merge_redundant(self._edits or self._fallback_edits):
            return tuple(edits)
        topic = next((topic for topic in _TOPIC_PRIORITY if topic in self._topics), None)
        return (
            NoEdit(topic)
            if topic
            else NoEdit("unknown", self._original.strip()[:_MAX_ABOUT_LENGTH])
        )

    def _parse_sentence(self, clauses: list[RawClause]) -> None:
        self._last = None
        clauses = [normalize_refusal(clause, self._original) for clause in clauses]
        index = 0
        while index < len(clauses):
            index = self._parse_clause(clauses, index)

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
        if (
            self._last_adds_overlay()
            and is_display_detail(clause)
            and self._try_extend_last(clause)
        ):
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

    def _parse_negated(self, clauses: list[RawClause], index: int) -> int:
        """Skip what is negated, with the clauses without a verb that are joined to it."""
        tokens = clauses[index].tokens
        at = next(n for n, token in enumerate(tokens) if token.symbol == "negation")
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
            parts = self._parse_run_on(candidate)
            if edits and parts and len({type(edit) for edit in [*edits, *parts]}) == 1:
                parts = None
            if (found := parts or edits) and not _is_already_removed(self._edits, found):
                new = _merge_with_previous(self._edits, found, clause)
                self._last = (candidate, len(self._edits)) if new else None
                self._edits.extend(new)
                self._ellipsis.update(candidate)
                return True
        return False

    def _discard_edits(self) -> None:
        """Discard all edits, so that no later clause adds to them."""
        self._edits.clear()
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

    def _parse_run_on(self, tokens: list[LexToken]) -> list[Edit] | None:
        """Parse commands without a separator; each starts with its verb.

        The first index where a command can end decides, to limit the time.
        """
        started = False
        for index, token in enumerate(tokens):
            if (
                token.kind == TokenKind.VERB
                and token.is_base_form
                and started
                and self._is_command_start(token)
            ):
                first = self._parse_single_command(tokens[:index])
                rest = tokens[index:]
                if first and any(
                    t.kind in (TokenKind.NOUN, *ACTION_KINDS)
                    or t.symbol in (Slot.TIME, Slot.QUOTED_TEXT)
                    for t in rest
                ):
                    second = self._parse_run_on(rest) or self._parse_single_command(rest)
                    return [*first, *second] if second else None
            started = started or token.kind in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT)
        return None

    def _is_command_start(self, verb: LexToken) -> bool:
        """Whether a verb can start another command: 换成 and 移到 continue the first one."""
        chinese = not self._original[verb.start].isascii()
        return not (chinese and verb.symbol.startswith(("set", "move")))

    def _parse_single_command(self, tokens: list[LexToken]) -> list[Edit] | None:
        """The edits of one of several commands; "use it" alone is none."""
        edits = extract_edits(tokens, self._original)
        return None if edits and isinstance(edits[0], PlaceUploads) else edits

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
        else:
            self._add_unknown(clause)

    def _add_unknown(self, clause: RawClause) -> None:
        start, end = clause.tokens[0].start, clause.tokens[-1].end
        self._unknown.append(self._original[start:end].strip())


def _merge_redundant(edits: list[Edit]) -> list[Edit]:
    """Merge new music with its ducking, a transition with its type, and a repeated fit.

    Captions whose words follow as SRT are those subtitles.
    """
    found: list[Edit] = []
    if any(isinstance(edit, AddSubtitles) for edit in edits):
        edits = [edit for edit in edits if not isinstance(edit, AddCaptions)]
    for edit in edits:
        if isinstance(edit, DuckMusic) and found and isinstance(found[-1], AddMusic):
            found[-1] = msgspec.structs.replace(found[-1], duck=True)
        elif isinstance(edit, AddTransition) and found and _is_transition_detail(found[-1], edit):
            found[-1] = msgspec.structs.replace(found[-1], type=edit.type)
        elif not (isinstance(edit, SetFit) and found[-1:] == [edit]):
            found.append(edit)
    return found


def _is_transition_detail(before: Edit, edit: AddTransition) -> bool:
    """Whether the type of a transition follows its length: 转场时长2秒，用叠化."""
    if not isinstance(before, AddTransition) or edit.duration_ms is not None:
        return False
    return before.duration_ms is not None and before.selector == edit.selector


def _is_already_removed(before: list[Edit], found: list[Edit]) -> bool:
    """Whether it keeps what the last edit removed: "keep 2 to 4 s and 8 to 10 s"."""
    if not before or not isinstance(found[0], KeepSpan) or not isinstance(before[-1], KeepSpan):
        return False
    last, span = before[-1].span, found[0].span
    absolute = all(
        point.share is None and not point.before_end for point in (last.start, last.end, span.start)
    )
    same = before[-1].selector == found[0].selector
    return absolute and same and span.start.ms >= max(last.end.ms - last.start.ms, 1)


def _merge_with_previous(before: list[Edit], found: list[Edit], clause: RawClause) -> list[Edit]:
    """The edits of a clause that follows others, without repetitions.

    "Start at 3 s and end at 13 s" changes the last edit in `before`: both times refer to the
    current timeline, not to what the first edit leaves.
    """
    if clause.separator not in (COMMA, "and") or not before:
        return found
    if found in _IDEMPOTENT_EDITS and before[-1:] == found:
        return []
    last, edit = before[-1], found[0]
    if (
        isinstance(last, KeepSpan)
        and isinstance(edit, KeepSpan)
        and clause.symbols & {"end", "stop", "until"}
        and (last.selector, last.span.end, edit.span.start)
        == (edit.selector, TIMELINE_END, TIMELINE_START)
        and last.span.start.ms < edit.span.end.ms
    ):
        before[-1] = KeepSpan(TimelineSpan(last.span.start, edit.span.end), last.selector)
        return found[1:]
    return found
