"""Routes a message: some requests do not go to the chat (CLI-2).

Only whole words outside quotation marks count, and only as a request: "downloaded clips look dark"
and "don't export yet" are chat, "roll the credits" is an edit.
"""

import re
from typing import Literal

import msgspec

from nemolocal_contract.media import normalize_extension

Route = Literal["export", "credits", "status", "upload", "chat"]


class Step(msgspec.Struct, frozen=True):
    """A part of a message and its route."""

    route: Route
    text: str


class _RoutePatterns(msgspec.Struct, frozen=True):
    """The words of a route, except where they mean something else.

    `overrides_edit`: the route also applies to a message that begins like an edit.
    """

    route: Route
    pattern: re.Pattern[str]
    exceptions: re.Pattern[str]
    overrides_edit: bool = False


def _route_patterns(
    route: Route, pattern: str, exceptions: str, *, overrides_edit: bool = False
) -> _RoutePatterns:
    compiled = re.compile(pattern, re.IGNORECASE)
    return _RoutePatterns(route, compiled, re.compile(exceptions, re.IGNORECASE), overrides_edit)


_EDIT_VERB = (
    r"(?:add|insert|put|overlay|place|roll|trim|cut|crop|split|remove|delete|replace|change|set|"
    r"make|create|generate|rotate|mute|blur|brighten|darken|speed|slow|shorten|fade|merge|edit)"
)
_EDIT_FIRST = re.compile(
    rf"^\s*(?:please\s+|can you\s+|could you\s+|now\s+|then\s+)?{_EDIT_VERB}\b"
    r"|^\s*(?:请|帮我|把|给|再)*(?:在[^，。]*)?(?:添加|加上|加入|加|删除|去掉|剪|裁|替换|改)",
    re.IGNORECASE,
)

# The order is that of the contract's table, but "status of the export" asks for the status.
_ROUTES: tuple[_RoutePatterns, ...] = (
    _route_patterns(
        "status",
        r"\bstatus\b[^.!?]*\bexport\b|\bexport\s+status\b|导出状态",
        r"(?!)",
    ),
    _route_patterns(
        "export",
        r"\b(?:export|download)\b|\bsend\s+me\s+the\s+(?:video|file|clip)\b|导出",
        r"\b(?:export|download)\s+(?:button|icon|link|badge|graphic|sticker|sign|bar)\b"
        r"|\b(?:the|my|your|last|previous|that|this|first)\s+(?:\w+\s+)?(?:export|download)\s+"
        r"(?:looks?|is|was|has|had|seems?|came|sounds?|did)\b"
        r"|\b(?:before|until|after)\s+(?:you\s+|we\s+|i\s+|the\s+)?(?:export|download)\b"
        r"|导出(?:的|前|之前|后)|已导出",
        overrides_edit=True,
    ),
    _route_patterns(
        "credits",
        r"\b(?:credits?|balance)\b|积分|余额",
        r"\b(?:end|opening|closing|rolling|film|movie|title)\s+credits?\b|\bcredits?\s+roll\b"
        r"|\b(?:white|colou?r|audio|sound|stereo|tonal)[\s-]balance\b"
        r"|\bbalance\s+(?:the|out|it|them|my|colou?rs?|audio)\b",
    ),
    _route_patterns(
        "status",
        r"\bstatus\b|\bshow\s+(?:me\s+)?(?:the\s+|my\s+|all\s+)?tracks\b|状态",
        r"\bstatus\s+(?:bar|symbol|quo)\b",
    ),
    _route_patterns(
        "upload",
        r"\bupload\b|上传",
        r"\b(?:the|my|your|this|that|last|first|second)\s+upload\b|上传的|已上传",
    ),
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』|《[^》]*》|(?<!\w)'[^']*'(?!\w)")
_NEGATED = re.compile(
    r"\b(?:don['’]?t|do\s+not|not|never|no|without|stop|cancel|won['’]?t|shouldn['’]?t)\b"
    r"[^.,;!?]*?\b(?:export|download|send|credits?|balance|status|upload)\b"
    r"|(?:不要|不用|不必|无需|先别|先不|暂不|别|没有|没)[^，。！？]{0,4}(?:导出|上传|积分|余额|状态)",
    re.IGNORECASE,
)
# An export after an edit in the same message.
_THEN_EXPORT = re.compile(
    r"(?:\s*[,;.]\s*|\s+)(?:and\s+(?:then\s+)?|then\s+)"
    r"(?P<last>(?:please\s+)?(?:export|download|send\s+me\s+the)\b)"
    r"|[，,。\s]*(?:然后|再|并且|并|最后)(?P<last_zh>导出)",
    re.IGNORECASE,
)


def route(message: str) -> Route:
    """Return the route of a whole message."""
    if _is_file(message):
        return "upload"
    text = _NEGATED.sub(" ", _QUOTED.sub(" ", message))
    is_edit = _EDIT_FIRST.match(text) is not None
    for words in _ROUTES:
        if is_edit and not words.overrides_edit:
            continue
        if words.pattern.search(words.exceptions.sub(" ", text)):
            return words.route
    return "chat"


def steps(message: str) -> tuple[Step, ...]:
    """Split a message: "trim to 10 seconds and export" is an edit, then an export."""
    whole = route(message)
    unquoted = _QUOTED.sub(lambda quoted: "_" * len(quoted.group()), message)
    then = _THEN_EXPORT.search(unquoted) if whole == "export" else None
    if then is not None:
        first, last = (
            message[: then.start()].strip(),
            message[then.start(then.lastgroup or 0) :].strip(),
        )
        if first and route(first) == "chat" and route(last) == "export":
            return Step("chat", first), Step("export", last)
    return (Step(whole, message),)


def _is_file(message: str) -> bool:
    """Whether a message is only the name or the URL of a file that can be uploaded."""
    text = message.strip()
    name = text.strip("\"'")
    is_single = " " not in name or (text[0] == text[-1] and text[0] in "\"'")
    return is_single and normalize_extension(name.partition("?")[0]) is not None
