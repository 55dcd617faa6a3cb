"""How the code of a document polls: loops that ask for a render, in a shell or another language."""

import re
from collections.abc import Iterator

from ..model import StatedLimit
from .markdown import CodeBlock

_RENDER_STATUS_URL = re.compile(r"/api/render/proxy/lambda/[<${:]")
_BEGINS = re.compile(r"([ \t]{0,40})(?:for|while|until)\b")
_OPENS = re.compile(r"[ \t]{0,40}(?:do|\{)[ \t]{0,8}$")
_ENDS = re.compile(r"[ \t]{0,40}done\b|[^#\n]{0,400};[ \t]{0,8}done\b")
_PAUSE = re.compile(r"\bsleep(?:[ \t]{1,4}|\()(\d{1,6})\b")
_TIMES = re.compile(
    r"\bseq (?:1 )?(\d{1,4})\b|\{1\.\.(\d{1,4})\}|\brange\((?:\d, ?)?(\d{1,4})\)"
    r"|\bi ?<=? ?(\d{1,4})\b"
)
# Who sleeps so long counts in thousandths of a second.
_MILLISECONDS = 1000


def find_polling_loops(blocks: tuple[CodeBlock, ...]) -> tuple[StatedLimit, ...]:
    """The pauses and the number of turns of every loop in which a render is asked for."""
    return tuple(said for block in blocks for said in _in_block(block))


def _in_block(block: CodeBlock) -> Iterator[StatedLimit]:
    last = max((n for n, line in enumerate(block.lines) if _ENDS.match(line)), default=-1)
    number = 0
    while number < len(block.lines):
        begun = _BEGINS.match(block.lines[number])
        end = _end(block.lines, number, len(begun[1]), last) if begun else number + 1
        loop = block.lines[number:end]
        if begun and any(map(_RENDER_STATUS_URL.search, loop)):
            yield from _limits_in_loop(loop, block.line + number)
        number = end


def _end(lines: tuple[str, ...], first: int, indent: int, last: int) -> int:
    """The number of the first line behind a loop: after its `done`, or where the indent ends.

    `last` is the number of the last `done`.
    """
    if _ENDS.match(lines[first]):
        return first + 1
    for number in range(first + 1, len(lines)):
        line = lines[number]
        if _ENDS.match(line):
            return number + 1
        inside = not line.strip() or len(line) - len(line.lstrip()) > indent or _OPENS.match(line)
        if not inside and last < number:
            return number
    return len(lines)


def _limits_in_loop(loop: tuple[str, ...], first: int) -> Iterator[StatedLimit]:
    for number, line in enumerate(loop, first):
        pause, times = _PAUSE.search(line), _TIMES.search(line)
        if pause is not None:
            length = int(pause[1])
            seconds = length // _MILLISECONDS if length >= _MILLISECONDS else length
            said = pause.group().rstrip("(")
            yield StatedLimit("poll_interval", seconds, number, pause.start() + 1, said)
        if times is not None and number == first:
            count = int(next(group for group in times.groups() if group))
            yield StatedLimit("poll_tries", count, number, times.start() + 1, times.group())
