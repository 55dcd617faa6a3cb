"""Checks the curl commands: shell quoting, headers, forms and options."""

import re
from collections.abc import Iterator

from nemolocal_contract.endpoints import (
    ATTRIBUTION,
    AUTHORIZATION,
    CLIENT_ID,
    endpoints,
    missing_attribution,
)

from ..model import RawFinding
from ..parse.curl import BROKEN_CONTINUATION, SHELLS, CurlArgument, CurlCommand
from ..parse.document import Skill
from ..parse.endpoint_mentions import endpoint_name, url_path
from ..parse.markdown import find_code_blocks
from ..parse.shell_words import WordPart
from .endpoint_checks import check_command_body

_SMART = re.compile("[“”„‘’«»]")
_QUOTED = re.compile(r"\"[^\"]{0,400}\"|'[^']{0,400}'|#.*")
# Commands that end at once: nobody means to run them in the background.
_LOST_AMPERSAND = re.compile(
    r"(?:^|[;&|]|\bthen\b|\bdo\b)[ \t]{0,20}(mkdir|cd|test|\[|touch|cp|mv|export|cat)(?=[ \t])"
    r"[^;&|\n]{0,200}?(?<![&>|])(&)(?![&>\d])[ \t]{0,20}(?=[\w./$\[({])"
)
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w{0,60}|\$\([^\s)]")


def check_shell(skill: Skill) -> Iterator[RawFinding]:
    """Check how the shell reads the commands: quoting, continued lines, a lost `&`."""
    yield from _check_continuations(skill)
    yield from _check_lost_ampersands(skill)
    for curl in skill.commands:
        found = list(_check_words(curl))
        yield from found
        if not curl.url and not _is_misread(found):
            yield RawFinding("skill.shell.no-url", curl.line, "this curl has no URL", curl.column)


def check_commands(skill: Skill) -> Iterator[RawFinding]:
    """Check the request of every command; after a quoting error it is unknown."""
    for curl in skill.commands:
        if curl.url and not _is_misread(list(_check_words(curl))):
            yield from _check_request(skill, curl)


def _is_misread(found: list[RawFinding]) -> bool:
    return bool(found) and found[-1].check != "skill.shell.single-quoted-variable"


def _check_lost_ampersands(skill: Skill) -> Iterator[RawFinding]:
    """Find `mkdir -p x & echo y`: the second command does not wait for the first."""
    for block in find_code_blocks(skill.lines, skill.body_line):
        for number, line in enumerate(block.lines, block.line) if block.language in SHELLS else ():
            match = _LOST_AMPERSAND.search(_QUOTED.sub(_blanks, line))
            if match is not None:
                message = f"a single & runs {match[1]} in the background: the rest does not wait"
                yield RawFinding("skill.shell.lost-ampersand", number, message, match.start(2) + 1)


def _blanks(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _check_continuations(skill: Skill) -> Iterator[RawFinding]:
    for block in find_code_blocks(skill.lines, skill.body_line):
        if any("curl" in line for line in block.lines):
            for number, line in enumerate(block.lines, block.line):
                match = BROKEN_CONTINUATION.search(line)
                if match is not None:
                    message = "a space after the backslash: the command ends here"
                    yield RawFinding("skill.shell.continuation", number, message, match.start() + 1)


def _check_words(curl: CurlCommand) -> Iterator[RawFinding]:
    smart = next((p for p in _unquoted_parts(curl) if _SMART.search(p.text)), None)
    if smart is not None:
        message = "a typographic quotation mark: the shell treats it as a letter"
        yield RawFinding("skill.shell.smart-quotes", smart.line, message, smart.column)
        return
    for word in curl.words:
        if word.unclosed_quote:
            part = word.parts[-1] if word.parts else word
            message = f"this {word.unclosed_quote} is never closed"
            yield RawFinding(
                "skill.shell.unterminated-quote", part.line, message, max(1, part.column - 1)
            )
            return
    if curl.is_url_split:
        last = curl.words[-1]
        message = "the URL ends at an unquoted &"
        yield RawFinding("skill.shell.unquoted-ampersand", last.line, message, last.column)
        return
    for given in curl.with_role("header"):
        if given.word.text.rstrip().endswith(":") and not any(p.quote for p in given.word.parts):
            message = f"only {given.word.text!r} is the header: its value is a separate word"
            yield RawFinding(
                "skill.shell.unquoted-value", given.word.line, message, given.word.column
            )
            return
    yield from _check_single_quotes(curl)


def _unquoted_parts(curl: CurlCommand) -> Iterator[WordPart]:
    return (part for word in curl.words for part in word.parts if not part.quote)


def _check_single_quotes(curl: CurlCommand) -> Iterator[RawFinding]:
    for given in curl.arguments:
        for part in given.word.parts:
            match = _VARIABLE.search(part.text) if part.quote == "'" else None
            if match is not None:
                message = f"{match.group()} in single quotes is not expanded"
                yield RawFinding(
                    "skill.shell.single-quoted-variable", part.line, message, part.column
                )
                return


def _check_request(skill: Skill, curl: CurlCommand) -> Iterator[RawFinding]:
    path = url_path(curl.url)
    name = endpoint_name(curl.method, path) or endpoint_name("", path)
    if not name:
        return
    known = not any(_is_list(given) for given in curl.with_role("url"))
    if known:  # the content of curl "${HEADERS[@]}" … is unknown
        yield from _check_headers(curl, name)
    yield from _check_forms(curl, name)
    yield from check_command_body(skill, curl, name)
    endpoint = endpoints()[name]
    explicit = curl.with_role("method")
    if curl.bodies and (curl.method == "GET" or (endpoint.method == "GET" and not explicit)):
        word = curl.bodies[0].word
        message = f"{endpoint.method} {path} has a body"
        yield RawFinding("skill.shell.body-with-get", word.line, message, word.column)
    if name == "chat" and known:
        yield from _check_stream(curl)


def _check_headers(curl: CurlCommand, name: str) -> Iterator[RawFinding]:
    headers = curl.headers
    if name == "token" and CLIENT_ID.lower() not in headers:
        message = f"the header {CLIENT_ID} is missing: the response will be 400"
        yield RawFinding("skill.auth.no-client-id", curl.line, message, curl.column)
    bearer = headers.get(AUTHORIZATION.lower(), "").lower().startswith("bearer ")
    if name not in ("token", "claim_page") and not bearer:
        message = f"the header {AUTHORIZATION}: Bearer … is missing: the response will be 1001"
        yield RawFinding("skill.auth.no-bearer", curl.line, message, curl.column)
    missing = missing_attribution(headers)
    if missing and name != "claim_page":
        export = name == "render"
        check = "skill.attribution.export-headers" if export else "skill.attribution.headers"
        lacks = (
            "the three headers X-Skill-… are"
            if len(missing) == len(ATTRIBUTION)
            else ", ".join(missing)
        )
        message = f"missing: {lacks}" if len(missing) < len(ATTRIBUTION) else f"{lacks} missing"
        yield RawFinding(check, curl.line, message, curl.column)


def _is_list(given: CurlArgument) -> bool:
    return any(part.variable and "URL" not in part.variable and "/" not in given.word.text
               for part in given.word.parts)  # fmt: skip


def _check_forms(curl: CurlCommand, name: str) -> Iterator[RawFinding]:
    if name != "upload":
        return
    for given in curl.with_role("form", "text_form"):
        field, equals, value = given.word.text.partition("=")
        where = (given.word.line, given.word.column)
        if field != "files":
            message = f"the form field is {field!r}, but must be 'files'"
            yield RawFinding("skill.fields.form", where[0], message, where[1])
        elif not equals or not value.lstrip("\"'").startswith("@"):
            message = f"no @ before {value!r}: the name is sent, not the file"
            yield RawFinding("skill.shell.form-without-at", where[0], message, where[1])
    json = "json" in curl.headers.get("content-type", "")
    if curl.with_role("data", "raw") and not json:
        word = curl.bodies[0].word
        message = "JSON without Content-Type: application/json"
        yield RawFinding("skill.shell.content-type", word.line, message, word.column)


def _check_stream(curl: CurlCommand) -> Iterator[RawFinding]:
    if not curl.flags & {"-N", "--no-buffer"}:
        message = "curl without -N shows the events late"
        yield RawFinding("skill.shell.no-buffer", curl.line, message, curl.column)
    if "text/event-stream" not in curl.headers.get("accept", ""):
        message = "no Accept: text/event-stream"
        yield RawFinding("skill.shell.accept", curl.line, message, curl.column)
