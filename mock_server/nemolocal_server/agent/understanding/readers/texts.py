"""Commands about titles and subtitles."""

import re

from ...intents import (
    ALL,
    AddSubtitles,
    AddTitle,
    ChangeTitle,
    Edit,
    Fade,
    RemoveTitle,
    Span,
    Which,
    between,
    first,
    last,
)
from ...intents.reach import END, START
from .clause import Clause
from .details import color, grow, position, size
from .sounds import way_of
from .spans import read_stretch

# Where, not when.
_MIDDLE = re.compile(r" (?:at|in|on|to) middle(?= )")
_ON_VIDEO = re.compile(r" (?:on|later|in|at|of)(?: it)? (?:video|frame)(?= )")
_VIDEO = re.compile(r"(?<! all) video ")
_LENGTH = re.compile(r" (T\d+)(?= )")
_TITLE_TO = re.compile(r" title to H\d+ ")
_SHOWN_MS = 3000
# Words that put something there that was not; "show the title in red" changes one.
_NEW = frozenset(
    "add insert include attach append introduce incorporate create make another new need want "
    "generate 添加 加 加入 加上 插入 做个 来个 加个 增加 弄个".split()
)


def read_subtitles(clause: Clause) -> list[Edit] | None:
    """Subtitles that were pasted."""
    return [AddSubtitles(clause.first("G"))]


def read_title(clause: Clause) -> list[Edit] | None:
    """Add, change, fade, or remove a title."""
    clause.line = _ON_VIDEO.sub(" ", clause.line)
    if _VIDEO.search(clause.line) and not clause.has("title", "subtitles", "font"):
        return None  # the words name a video
    quoted = [str(text) for text in clause.all("H")]
    if clause.has("subtitles") and not clause.has("title", "H"):
        return [RemoveTitle(subtitles=True)] if clause.has("remove") else None
    if clause.has("remove") and not clause.has("add", "set", "replace"):
        return [RemoveTitle(Which(name=quoted[0]) if quoted else _which(clause))]
    if clause.has("fade", "fadein", "fadeout", "fadeboth") and not (quoted and clause.has("add")):
        return _fade(clause)
    if clause.has("replace", "set", "move") and quoted and not _adds(clause):
        return _retitle(clause, quoted)
    if quoted and _TITLE_TO.search(clause.line) and not _adds(clause):
        return _retitle(clause, quoted)
    if len(quoted) == 1:
        return _add(clause, quoted[0])
    if quoted or not clause.has("title", "font", "size"):
        return None
    return None if _adds(clause) else _change(clause)


def _adds(clause: Clause) -> bool:
    """Whether something new is wanted, not another look of what is there."""
    surfaces = (
        clause.original[t.start : t.end].lower().split()[0]
        for t in clause.tokens
        if t.kind == "verb"
    )
    if _puts(clause):
        return True
    return clause.has("add", "generate") and any(surface in _NEW for surface in surfaces)


def _puts(clause: Clause) -> bool:
    """Whether words are put somewhere: 标题“A”放在顶部. With 把 before them they are there."""
    start = clause.tokens[0].start
    put = any(t.kind == "verb" and clause.original[t.start] == "放" for t in clause.tokens)
    known = any(sign in clause.original[max(0, start - 2) : start] for sign in "把将將")
    return put and clause.has("H") and not known


def _which(clause: Clause) -> Which:
    if (number := clause.first("O")) is not None:
        return Which(number=int(number))
    if clause.has("last"):
        return Which(number=-1)
    return Which(number=1) if clause.has("first") else ALL


def _fade(clause: Clause) -> list[Edit]:
    return [Fade(way_of(clause), clause.first("T"), "title")]


def _retitle(clause: Clause, quoted: list[str]) -> list[Edit] | None:
    which = Which(name=quoted[0]) if len(quoted) == 2 else _which(clause)
    if len(quoted) == 1 and (changes := _changes(clause)) and not _is_text(clause):
        return [ChangeTitle(Which(name=quoted[0]), **changes)]  # type: ignore[arg-type]
    return [ChangeTitle(which, quoted[-1], **_changes(clause))]  # type: ignore[arg-type]


def _is_text(clause: Clause) -> bool:
    """Whether the quoted words are what to show: they stand after "to", or after "says"."""
    place = next(n for n, token in enumerate(clause.tokens) if token.canon == "H")
    before = [word for token in clause.tokens[:place] for word in token.canon.split()]
    return before[-1:] in (["to"], ["says"], ["replace"], ["with"], ["set"])


def _changes(clause: Clause) -> dict[str, object]:
    span = _span(clause)
    found: dict[str, object] = {
        "span": span,
        "color": color(clause),
        "position": position(clause),
        "size": None if grow(clause) else size(clause),
        "grow": grow(clause),
    }
    return {name: value for name, value in found.items() if value is not None}


def _change(clause: Clause) -> list[Edit] | None:
    changes = _changes(clause)
    return [ChangeTitle(_which(clause), **changes)] if changes else None  # type: ignore[arg-type]


def _add(clause: Clause, text: str) -> list[Edit] | None:
    fades: list[Edit] = []
    if clause.has("fade", "fadein", "fadeout", "fadeboth"):
        fades = _fade(Clause([t for t in clause.tokens if t.canon not in ("T",)], clause.original))
    span = _span(clause)
    return [AddTitle(text, span, color(clause), position(clause), size(clause)), *fades]


def _span(clause: Clause) -> Span | None:
    """When a title shows: `at 5s` is three seconds from there, `at the end` the last three."""
    clause.line = _MIDDLE.sub(" ", clause.line)
    stretch = read_stretch(clause)
    if stretch is None:
        return last(_SHOWN_MS) if clause.has("end") else None
    how, span = stretch
    if how in ("for", "bare") and " end " in clause.line and span.end.share is None:
        return last(span.end.ms)
    if how in ("from-start", "for", "first"):
        later = read_stretch(clause)
        if (
            later
            and later.how in ("at", "from")
            and later.span.start.share is None
            and span.end.share is None
        ):
            return _shown_from(later.span, span.end.ms)
        return span
    if how == "at":
        long = _LENGTH.search(clause.line)  # 在开头显示4秒
        return _shown_from(span, clause.value(long[1]) if long else _SHOWN_MS)
    if how in ("to", "by"):
        return first(span.end.ms)
    return span


def _shown_from(span: Span, length_ms: int) -> Span | None:
    start = span.start
    if start == END:
        return last(length_ms)
    if start == START:
        return None if length_ms == _SHOWN_MS else first(length_ms)
    if start.share is not None or start.before_end:
        return Span(start, END)
    return between(start.ms, start.ms + length_ms)
