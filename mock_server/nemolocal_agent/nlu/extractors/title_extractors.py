"""Extractors of titles and subtitles, and of title text without quotes.

`add a title that says Hello World for 3 seconds` gets its quotes before it is split into clauses.
"""

import re

from ...intents import (
    SELECT_ALL,
    TIMELINE_END,
    TIMELINE_START,
    AddSubtitles,
    AddTitle,
    ChangeTitle,
    Edit,
    Fade,
    RemoveTitle,
    Selector,
    TimelineSpan,
    first_span,
    last_span,
    span_between,
)
from ..lexer.tokens import (
    COMMA,
    REMOVAL_SYMBOLS,
    LexToken,
    Slot,
    TokenKind,
    slot_pattern,
    symbol_set,
)
from .attribute_extractors import (
    extract_color,
    extract_position,
    extract_title_scale,
    extract_title_size,
)
from .audio_extractors import extract_fade_kind
from .clause import Clause, extract_span, has_several_times

TITLE_NOUNS = ("title", "title says")
CARD_NOUNS = (
    "intro",
    "outro",
    "card",
    "gap",
    "creditsroll",
    "typewriter",
    "add intro",
    "add outro",
)
"""What can have a text of its own, if a verb adds it and the words say so: "… that says"."""

# A position in the frame, not a time.
_MIDDLE = re.compile(r" (?:at|in|on|to) middle(?= )")
_ON_VIDEO = re.compile(r" (?:on|later|in|at|of)(?: it)? (?:video|frame)(?= )")
_VIDEO = re.compile(r"(?<! all) video ")
_LENGTH = re.compile(rf" ({slot_pattern(Slot.TIME)})(?= )")
_TITLE_TO = re.compile(rf" title to {slot_pattern(Slot.QUOTED_TEXT)} ")
_SHOWN_MS = 3000
# Verbs that add a title; "show the title in red" changes one.
_ADD_WORDS = symbol_set(
    "add insert include attach append introduce incorporate create make another new need want "
    "generate 添加 加 加入 加上 插入 做个 来个 加个 增加 弄个"
)
# What ends a title text without quotes.
_CLOSING = ("then", Slot.TIME, Slot.POSITION, "throughout", "all")
_VERBS_WITHOUT_TEXT = REMOVAL_SYMBOLS | symbol_set("set move")
_COURTESY = ("please", "pls", "plz", "now", "thanks", "thank you", "instead", "too")
_LINKS = symbol_set("says called is it")
_PREPOSITIONS = symbol_set("for from at on in with during to")
_SETTINGS = symbol_set(
    "first last start end top bottom left right middle all throughout small big huge "
    "halfway corner lowerthird size font between after",
    Slot.TIME,
    Slot.POSITION,
    Slot.COLOR,
    Slot.FONT_SIZE,
    Slot.NUMBER,
)


def extract_subtitles(clause: Clause) -> list[Edit] | None:
    """Add the subtitles in the message."""
    return [AddSubtitles(clause.first_value(Slot.SUBTITLES))]


def extract_title(clause: Clause) -> list[Edit] | None:
    """Add, change, fade or remove a title."""
    clause.line = _ON_VIDEO.sub(" ", clause.line)
    if _VIDEO.search(clause.line) and not clause.has_any("title", "subtitles", "font"):
        return None  # the quoted text is the name of a video
    quoted = [str(text) for text in clause.values(Slot.QUOTED_TEXT)]
    if clause.has_any("subtitles") and not clause.has_any("title", Slot.QUOTED_TEXT):
        return _change_subtitles(clause)
    if clause.has_any("remove") and not clause.has_any("add", "set", "replace"):
        return _remove(clause, quoted)
    if clause.has_any("fade", "fadein", "fadeout", "fadeboth") and not (
        quoted and clause.has_any("add")
    ):
        return _fade(clause)
    if clause.has_any("replace", "set", "move") and quoted and not _is_new_title(clause):
        return _change_text(clause, quoted)
    if quoted and _TITLE_TO.search(clause.line) and not _is_new_title(clause):
        return _change_text(clause, quoted)
    if len(quoted) == 1:
        return _add(clause, quoted[0])
    if quoted or not clause.has_any("title", "font", "size"):
        return None
    return None if _is_new_title(clause) else _change(clause)


def _change_subtitles(clause: Clause) -> list[Edit] | None:
    if clause.has_any("remove"):
        return [RemoveTitle(subtitles=True)]
    return _change(clause) if clause.has_any("set", "bigger", "smaller", "move") else None


def _remove(clause: Clause, quoted: list[str]) -> list[Edit] | None:
    if not quoted and not clause.has_any("title", "subtitles"):
        return None  # the size of a title cannot be removed
    return [RemoveTitle(Selector(name=quoted[0]) if quoted else _title_selector(clause))]


def _is_new_title(clause: Clause) -> bool:
    """Whether a title is added, not changed."""
    verbs = (
        clause.original[t.start : t.end].lower().split()[0]
        for t in clause.tokens
        if t.kind == TokenKind.VERB
    )
    if _is_placed(clause):
        return True
    return clause.has_any("add", "generate") and any(verb in _ADD_WORDS for verb in verbs)


def _is_placed(clause: Clause) -> bool:
    """Whether text is placed somewhere: 标题“A”放在顶部. After 把 it is an existing title."""
    start = clause.tokens[0].start
    put = any(t.kind == TokenKind.VERB and clause.original[t.start] == "放" for t in clause.tokens)
    known = any(sign in clause.original[max(0, start - 2) : start] for sign in "把将將")
    return put and clause.has_any(Slot.QUOTED_TEXT) and not known


def _title_selector(clause: Clause) -> Selector:
    if (number := clause.first_value(Slot.ORDINAL)) is not None:
        return Selector(number=int(number))
    if clause.has_any("last"):
        return Selector(number=-1)
    return Selector(number=1) if clause.has_any("first") else SELECT_ALL


def _fade(clause: Clause) -> list[Edit]:
    return [Fade(extract_fade_kind(clause), clause.first_value(Slot.TIME), "title")]


def _change_text(clause: Clause, quoted: list[str]) -> list[Edit] | None:
    selector = Selector(name=quoted[0]) if len(quoted) == 2 else _title_selector(clause)
    if len(quoted) == 1 and (changes := _changes(clause)) and not _is_new_text(clause):
        return [ChangeTitle(Selector(name=quoted[0]), **changes)]  # type: ignore[arg-type]
    return [ChangeTitle(selector, quoted[-1], **_changes(clause))]  # type: ignore[arg-type]


def _is_new_text(clause: Clause) -> bool:
    """Whether the quoted text is the new text: it follows "to" or "says"."""
    index = next(n for n, token in enumerate(clause.tokens) if token.symbol == Slot.QUOTED_TEXT)
    before = [word for token in clause.tokens[:index] for word in token.symbol.split()]
    return before[-1:] in (["to"], ["says"], ["replace"], ["with"], ["set"])


def _changes(clause: Clause) -> dict[str, object]:
    span = _span(clause)
    found: dict[str, object] = {
        "span": span,
        "color": extract_color(clause),
        "position": extract_position(clause),
        "size": None if extract_title_scale(clause) else extract_title_size(clause),
        "grow": extract_title_scale(clause),
        "shift": _shift(clause),
    }
    return {name: value for name, value in found.items() if value is not None}


def _shift(clause: Clause) -> str | None:
    """The direction of "move it up a bit"; "to the left" is a position."""
    placed = clause.has_any(Slot.POSITION, "top", "bottom", "left", "right", "middle")
    said = {str(token.value) for token in clause.tokens if token.kind == TokenKind.VERB}
    if placed or not (clause.has_any("move") or said & {"raise", "lower"}):
        return None
    if clause.has_any("up", "upward") or "raise" in said:
        return "up"
    return "down" if clause.has_any("down", "downward") or "lower" in said else None


def _change(clause: Clause) -> list[Edit] | None:
    changes = _changes(clause)
    if changes.keys() <= {"span", "shift"} and not clause.has_any("title", "subtitles"):
        return None  # "flip the font at 5 s"
    return [ChangeTitle(_title_selector(clause), **changes)] if changes else None  # type: ignore[arg-type]


def _add(clause: Clause, text: str) -> list[Edit] | None:
    fades: list[Edit] = []
    if clause.has_any("fade", "fadein", "fadeout", "fadeboth"):
        fades = _fade(Clause([t for t in clause.tokens if t.symbol != Slot.TIME], clause.original))
    if has_several_times(clause):
        return None
    span = _span(clause)
    return [
        AddTitle(
            text, span, extract_color(clause), extract_position(clause), extract_title_size(clause)
        ),
        *fades,
    ]


def _span(clause: Clause) -> TimelineSpan | None:
    """When a title is shown: `at 5s` for three seconds, `at the end` the last three seconds."""
    clause.line = _MIDDLE.sub(" ", clause.line)
    match = extract_span(clause)
    if match is None:
        return last_span(_SHOWN_MS) if clause.has_any("end", "outro") else None
    form, span = match
    if form in ("for", "bare") and " end " in clause.line and span.end.share is None:
        return last_span(span.end.ms)
    if form in ("from-start", "for", "first"):
        later = extract_span(clause)
        if (
            later
            and later.form in ("at", "from")
            and later.span.start.share is None
            and span.end.share is None
        ):
            return _shown_from(later.span, span.end.ms)
        return span
    if form == "at":
        long = _LENGTH.search(clause.line)  # 在开头显示4秒
        return _shown_from(span, clause.value(long[1]) if long else _SHOWN_MS)
    if form in ("to", "by"):
        return first_span(span.end.ms)
    return span


def _shown_from(span: TimelineSpan, length_ms: int) -> TimelineSpan | None:
    start = span.start
    if start == TIMELINE_END:
        return last_span(length_ms)
    if start == TIMELINE_START:
        return None if length_ms == _SHOWN_MS else first_span(length_ms)
    if start.share is not None or start.before_end:
        return TimelineSpan(start, TIMELINE_END)
    return span_between(start.ms, start.ms + length_ms)


def quote_title_text(tokens: list[LexToken], original: str) -> list[LexToken]:
    """The tokens with the text of a title as one quoted slot."""
    if any(token.symbol == Slot.QUOTED_TEXT for token in tokens):
        return tokens
    for index, token in enumerate(tokens):
        card = token.symbol in CARD_NOUNS and _is_added(tokens[: index + 1])
        if card or (token.symbol in TITLE_NOUNS and token.kind == TokenKind.NOUN):
            begin, explicit = _after_links(tokens, index + 1, original)
            if begin is None or (card and not explicit):
                continue
            if not _is_text_start(tokens, begin, explicit, original):
                continue
            lined = begin > 0 and tokens[begin - 1].value in (":", "：")
            end = _find_text_end(tokens, begin, lined)
            if end > begin:
                start = _text_start(tokens, begin, original)
                stop = _text_stop(tokens, end, original)
                slot = LexToken(
                    Slot.QUOTED_TEXT, TokenKind.SLOT, start, stop, original[start:stop].strip()
                )
                says = LexToken("says", TokenKind.MODIFIER, start, start)
                return [*tokens[:begin], says, slot, *tokens[end:]]
    return tokens


def _is_added(tokens: list[LexToken]) -> bool:
    """Whether a verb before the last token adds it."""
    words = {word for token in tokens for word in token.symbol.split()}
    adds = not words.isdisjoint(("add", "generate")) or tokens[-1].symbol == "creditsroll"
    return adds and words.isdisjoint(("remove", "cut", "trim", "keep"))


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
    if not explicit and any(t.symbol in _VERBS_WITHOUT_TEXT for t in tokens[:index]):
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


def _text_start(tokens: list[LexToken], begin: int, original: str) -> int:
    """Where the text starts, with the signs before its first word: `{tag}`, an emoji."""
    before = tokens[begin - 1].end if begin else 0
    between = original[before : tokens[begin].start]
    return before + len(between) - len(between.lstrip())


def _text_stop(tokens: list[LexToken], end: int, original: str) -> int:
    """Where the text ends, with the signs that follow its last word."""
    stop = tokens[end].start if end < len(tokens) else len(original)
    closes = end < len(tokens) and tokens[end].value == ")"
    if closes and any(sign in original[:stop] for sign in "(（"):
        return tokens[end].end
    return stop if end == len(tokens) else tokens[end - 1].end


def _find_text_end(tokens: list[LexToken], begin: int, lined: bool = False) -> int:
    """The index after the text, which ends where a setting or a command starts.

    After a colon (`lined`), commas and dashes are part of the text if no command follows.
    """
    index = begin + 1
    while index < len(tokens):
        goes_on = lined and _is_inner_separator(tokens, index)
        if not goes_on and _is_text_end(tokens, index):
            break
        index += 1
    while index > begin and tokens[index - 1].value in _COURTESY:
        index -= 1
    return index


def _is_inner_separator(tokens: list[LexToken], index: int) -> bool:
    """Whether a comma, dash or bracket is followed by more text."""
    token = tokens[index]
    if token.kind != TokenKind.SEPARATOR or token.symbol != COMMA:
        return False
    rest: list[LexToken] = []
    for after in tokens[index + 1 :]:
        if after.kind == TokenKind.SEPARATOR:
            break
        rest.append(after)
    content = [t for t in rest if t.kind != TokenKind.FILLER]
    if not content or token.value in ("(", "（"):
        return bool(content)
    if any(t.kind == TokenKind.UNKNOWN for t in content):
        return content[0].kind not in (TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT)
    return content[0].kind not in (
        TokenKind.VERB, TokenKind.ACTION, TokenKind.EFFECT,
    ) and content[0].symbol not in _SETTINGS | _PREPOSITIONS | {"then", "and", "but"}  # fmt: skip


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
