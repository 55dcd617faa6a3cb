"""Parses the curl commands of a document: what each would send."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from .markdown import CodeBlock
from .shell_words import ShellCommand, ShellWord, WordPart, parse_command

SHELLS = frozenset(("", "bash", "sh", "shell", "zsh", "console", "shell-session", "terminal"))
_CURL = re.compile(r"(?<![\w./-])curl(?=[ \t\\])")
_ASSIGNED = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w{0,60})=", re.MULTILINE)
BROKEN_CONTINUATION = re.compile(r"\\[ \t]{1,40}$")
_MAX_COMMANDS = 200
# Nested arrays can grow exponentially.
_MAX_WORDS = 1000
_WITH_VALUE = {
    "-X": "method", "--request": "method", "-H": "header", "--header": "header",
    "-d": "data", "--data": "data", "--data-raw": "raw", "--data-binary": "data",
    "--data-ascii": "data", "--json": "json", "-F": "form", "--form": "form",
    "--url": "url", "-o": "", "--output": "", "-A": "", "--user-agent": "", "-m": "",
    "--max-time": "", "--connect-timeout": "", "--retry": "", "--retry-delay": "", "-w": "",
    "--write-out": "", "-u": "", "--user": "", "-b": "", "--cookie": "", "-e": "", "-x": "",
    "-T": "", "--upload-file": "", "--data-urlencode": "urlencoded", "-c": "", "--limit-rate": "",
    "--form-string": "text_form", "--cacert": "", "--proxy": "", "--range": "", "-r": "",
}  # fmt: skip
_SHORT_WITH_VALUE = frozenset(option[1] for option in _WITH_VALUE if option[1] != "-")


class CurlArgument(msgspec.Struct, frozen=True):
    """An argument of curl: its option, its role, and the word that contains it."""

    option: str
    role: str
    word: ShellWord


class CurlCommand(msgspec.Struct, frozen=True):
    """A curl command, from `line` to `last_line` of the document.

    `flags` are the options without a value. `is_url_split`: an unquoted & ends the command in the
    middle of a URL.
    """

    line: int
    last_line: int
    column: int
    words: tuple[ShellWord, ...]
    arguments: tuple[CurlArgument, ...]
    flags: frozenset[str]
    is_url_split: bool = False

    def with_role(self, *roles: str) -> tuple[CurlArgument, ...]:
        """Return the arguments with these roles: url, method, header, data, raw, json, form …"""
        return tuple(given for given in self.arguments if given.role in roles)

    @property
    def bodies(self) -> tuple[CurlArgument, ...]:
        """The arguments that are the body, forms excepted."""
        return self.with_role("data", "raw", "json", "urlencoded")

    @property
    def method(self) -> str:
        """The method that curl chooses."""
        named = self.with_role("method")
        if named:
            return named[-1].word.text.upper()
        sends = self.bodies or self.with_role("form", "text_form")
        if "-G" in self.flags or "--get" in self.flags:
            return "GET"
        return "POST" if sends else "HEAD" if "-I" in self.flags else "GET"

    @property
    def url(self) -> str:
        """The URL as written, "" if there is none; a word like $HEADERS is not a URL."""
        texts = [given.word.text for given in self.with_role("url")]
        return next((text for text in texts if "/" in text), texts[0] if texts else "")

    @property
    def headers(self) -> dict[str, str]:
        """Name in lower case → value as written; headers without a value are not sent."""
        pairs = (given.word.text.partition(":") for given in self.with_role("header"))
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return {name: value for name, value in headers.items() if value}


def find_curl_commands(blocks: tuple[CodeBlock, ...]) -> tuple[CurlCommand, ...]:
    """Return all curl commands of the shell blocks; arrays such as "${AUTH[@]}" are expanded."""
    found: list[CurlCommand] = []
    arrays: dict[str, tuple[ShellWord, ...]] = {}
    for text, line in _scripts(blocks):
        _read_arrays(text, line, arrays)
        found += islice(_in_block(text, line, arrays), _MAX_COMMANDS - len(found))
    return tuple(found)


def find_assignments(blocks: tuple[CodeBlock, ...]) -> dict[str, ShellWord]:
    """Return the `NAME=value` assignments of the shell blocks; the first of each name."""
    found: dict[str, ShellWord] = {}
    for text, line in _scripts(blocks):
        for match in islice(_ASSIGNED.finditer(text), _MAX_COMMANDS):
            words = parse_command(text, match.end(), *_position(text, match.end(), line)).words
            if words and text[match.end()] not in " \t\n":
                found.setdefault(match[1], words[0])
    return found


def _scripts(blocks: tuple[CodeBlock, ...]) -> Iterator[tuple[str, int]]:
    """Yield the text of each shell block and the number of its first line."""
    for block in islice((block for block in blocks if block.language in SHELLS), _MAX_COMMANDS):
        # A backslash followed by a space was meant to continue; another check reports it.
        lines = (
            line.rstrip() if BROKEN_CONTINUATION.search(line) else line for line in block.lines
        )
        yield "\n".join(lines), block.line


def _read_arrays(text: str, line: int, arrays: dict[str, tuple[ShellWord, ...]]) -> None:
    """Read `NAME=( words )`; the words may refer to other arrays."""
    for match in islice(_ASSIGNED.finditer(text), _MAX_COMMANDS):
        if text[match.end() : match.end() + 1] == "(":
            start = match.end() + 1
            words = parse_command(text, start, *_position(text, start, line)).words
            arrays[match[1]] = tuple(islice(_expand_arrays(words, arrays), _MAX_WORDS))


def _expand_arrays(
    words: Iterable[ShellWord], arrays: Mapping[str, tuple[ShellWord, ...]]
) -> Iterator[ShellWord]:
    """Replace references to arrays by their words."""
    for word in words:
        names = {part.variable for part in word.parts if "[@]" in part.text}
        yield from arrays.get(names.pop(), ()) if names else (word,)


def _in_block(
    text: str, line: int, arrays: dict[str, tuple[ShellWord, ...]]
) -> Iterator[CurlCommand]:
    at = 0
    while (match := _CURL.search(text, at)) is not None:
        at = match.end()
        start = text.rfind("\n", 0, match.start()) + 1
        if "#" in text[start : match.start()] and "$" not in text[start : match.start()]:
            continue
        number, column = _position(text, match.start(), line)
        command = parse_command(text, match.start(), number, column)
        at = max(at, command.end)
        before, after = text[command.end - 1 : command.end], text[command.end + 1 : command.end + 2]
        is_split = command.operator == "&" and before not in " \t&" and after not in " \t\n&"
        yield _parse_curl(command, arrays, (number, column), is_url_split=is_split)


def _position(text: str, at: int, line: int) -> tuple[int, int]:
    return line + text.count("\n", 0, at), at - text.rfind("\n", 0, at)


def _parse_curl(
    command: ShellCommand,
    arrays: dict[str, tuple[ShellWord, ...]],
    place: tuple[int, int],
    *,
    is_url_split: bool,
) -> CurlCommand:
    words = list(_expand_arrays(command.words[1:], arrays))
    flags: set[str] = set()
    arguments = tuple(_parse_arguments(words, flags))
    line, column = place
    return CurlCommand(
        line, command.last_line, column, command.words, arguments, frozenset(flags), is_url_split
    )


def _parse_arguments(words: list[ShellWord], flags: set[str]) -> Iterator[CurlArgument]:
    waiting = ""
    for word in words:
        if waiting:
            yield CurlArgument(waiting, _WITH_VALUE[waiting], word)
            waiting = ""
        elif word.text.startswith("--") and word.text[2:]:
            option, equals, _ = word.text.partition("=")
            waiting = option if option in _WITH_VALUE and not equals else ""
            flags.add(option)
        elif word.text.startswith("-") and word.text[1:]:
            waiting, attached = _short_options(word, flags)
            if attached is not None:
                yield CurlArgument(waiting, _WITH_VALUE[waiting], attached)
                waiting = ""
        else:
            yield CurlArgument("", "url", word)


def _short_options(word: ShellWord, flags: set[str]) -> tuple[str, ShellWord | None]:
    """Parse `-sN`, `-sX POST` or `-XPOST`: return the option and its attached value."""
    text = word.text
    for place, letter in enumerate(text[1:], 1):
        if letter in _SHORT_WITH_VALUE:
            option = f"-{letter}"
            return option, _rest(word, place + 1) if text[place + 1 :] else None
        flags.add(f"-{letter}")
    return "", None


def _rest(word: ShellWord, skip: int) -> ShellWord:
    """Return a word without its first characters."""
    parts: list[WordPart] = []
    for part in word.parts:
        rest = part.text[skip:]
        skip = max(0, skip - len(part.text))
        if rest:
            parts.append(msgspec.structs.replace(part, text=rest))
    return ShellWord(tuple(parts), word.line, word.column, word.unclosed_quote)
