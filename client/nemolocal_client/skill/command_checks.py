"""The curl commands: what the shell makes of them, and what the backend would answer."""

import re
from collections.abc import Iterator

from nemolocal_contract.endpoints import endpoints
from nemolocal_contract.headers import ATTRIBUTION, AUTHORIZATION, CLIENT_ID, missing_attribution

from .bodies import check_command_body
from .curl import BROKEN, Curl, Given
from .markdown import find_blocks
from .mentions import contract_name, path_of
from .model import Remark
from .reader import Skill
from .shell import Piece

_SMART = re.compile("[“”„‘’«»]")
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w{0,60}|\$\([^\s)]")


def check_commands(skill: Skill) -> Iterator[Remark]:
    """Every command; one that the shell takes apart is not judged further."""
    yield from _check_continuations(skill)
    for curl in skill.commands:
        torn = list(_check_words(curl))
        yield from torn
        if torn and torn[-1].check != "skill.shell.single-quoted-variable":
            continue
        if not curl.url:
            yield Remark("skill.shell.no-url", curl.line, "this curl has no URL", curl.column)
            continue
        yield from _check_request(skill, curl)


def _check_continuations(skill: Skill) -> Iterator[Remark]:
    for block in find_blocks(skill.lines, skill.body):
        if any("curl" in line for line in block.lines):
            for number, line in enumerate(block.lines, block.line):
                match = BROKEN.search(line)
                if match is not None:
                    said = "a space behind the backslash: the command ends here"
                    yield Remark("skill.shell.continuation", number, said, match.start() + 1)


def _check_words(curl: Curl) -> Iterator[Remark]:
    smart = next((p for p in _bare(curl) if _SMART.search(p.text)), None)
    if smart is not None:
        said = "a typographic quotation mark: the shell takes it for a letter"
        yield Remark("skill.shell.smart-quotes", smart.line, said, smart.column)
        return
    for word in curl.words:
        if word.open_quote:
            piece = word.pieces[-1] if word.pieces else word
            said = f"this {word.open_quote} is never closed"
            yield Remark(
                "skill.shell.unterminated-quote", piece.line, said, max(1, piece.column - 1)
            )
            return
    if curl.severed:
        last = curl.words[-1]
        said = "the URL ends at an & that no quotes protect"
        yield Remark("skill.shell.unquoted-ampersand", last.line, said, last.column)
        return
    for given in curl.of("header"):
        if given.word.text.rstrip().endswith(":") and not any(p.quote for p in given.word.pieces):
            said = f"only {given.word.text!r} is the header: its value is a word of its own"
            yield Remark("skill.shell.unquoted-value", given.word.line, said, given.word.column)
            return
    yield from _check_single_quotes(curl)


def _bare(curl: Curl) -> Iterator[Piece]:
    return (piece for word in curl.words for piece in word.pieces if not piece.quote)


def _check_single_quotes(curl: Curl) -> Iterator[Remark]:
    for given in curl.given:
        for piece in given.word.pieces:
            match = _VARIABLE.search(piece.text) if piece.quote == "'" else None
            if match is not None:
                said = f"{match.group()} in single quotes is sent as it stands"
                yield Remark("skill.shell.single-quoted-variable", piece.line, said, piece.column)
                return


def _check_request(skill: Skill, curl: Curl) -> Iterator[Remark]:
    path = path_of(curl.url)
    name = contract_name(curl.method, path) or contract_name("", path)
    if not name:
        return
    known = not any(_is_list(given) for given in curl.of("url"))
    if known:  # with curl "${HEADERS[@]}" … nobody knows what is in it
        yield from _check_headers(curl, name)
    yield from _check_forms(curl, name)
    yield from check_command_body(skill, curl, name)
    endpoint = endpoints()[name]
    explicit = curl.of("method")
    if curl.bodies and (curl.method == "GET" or (endpoint.method == "GET" and not explicit)):
        word = curl.bodies[0].word
        said = f"{endpoint.method} {path} is given a body"
        yield Remark("skill.shell.body-with-get", word.line, said, word.column)
    if name == "chat" and known:
        yield from _check_stream(curl)


def _check_headers(curl: Curl, name: str) -> Iterator[Remark]:
    headers = curl.headers
    if name == "token" and CLIENT_ID.lower() not in headers:
        said = f"the header {CLIENT_ID} is missing: the answer will be 400"
        yield Remark("skill.auth.no-client-id", curl.line, said, curl.column)
    bearer = headers.get(AUTHORIZATION.lower(), "").lower().startswith("bearer ")
    if name not in ("token", "claim_page") and not bearer:
        said = f"the header {AUTHORIZATION}: Bearer … is missing: the answer will be 1001"
        yield Remark("skill.auth.no-bearer", curl.line, said, curl.column)
    missing = missing_attribution(headers)
    if missing and name != "claim_page":
        export = name == "render"
        check = "skill.attribution.export-headers" if export else "skill.attribution.headers"
        lacks = (
            "the three headers X-Skill-… are"
            if len(missing) == len(ATTRIBUTION)
            else ", ".join(missing)
        )
        said = f"missing: {lacks}" if len(missing) < len(ATTRIBUTION) else f"{lacks} missing"
        yield Remark(check, curl.line, said, curl.column)


def _is_list(given: Given) -> bool:
    return any(piece.variable and "URL" not in piece.variable and "/" not in given.word.text
               for piece in given.word.pieces)  # fmt: skip


def _check_forms(curl: Curl, name: str) -> Iterator[Remark]:
    if name != "upload":
        return
    for given in curl.of("form", "text_form"):
        field, equals, value = given.word.text.partition("=")
        where = (given.word.line, given.word.column)
        if field != "files":
            said = f"the form field is {field!r}, and must be 'files'"
            yield Remark("skill.fields.form", where[0], said, where[1])
        elif not equals or not value.lstrip("\"'").startswith("@"):
            said = f"no @ before {value!r}: the name is sent, not the file"
            yield Remark("skill.shell.form-without-at", where[0], said, where[1])
    json = "json" in curl.headers.get("content-type", "")
    if curl.of("data", "raw") and not json:
        word = curl.bodies[0].word
        said = "JSON without Content-Type: application/json"
        yield Remark("skill.shell.content-type", word.line, said, word.column)


def _check_stream(curl: Curl) -> Iterator[Remark]:
    if not curl.flags & {"-N", "--no-buffer"}:
        said = "curl without -N shows the events late"
        yield Remark("skill.shell.no-buffer", curl.line, said, curl.column)
    if "text/event-stream" not in curl.headers.get("accept", ""):
        said = "no Accept: text/event-stream"
        yield Remark("skill.shell.accept", curl.line, said, curl.column)
