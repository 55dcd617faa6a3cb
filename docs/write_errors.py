"""Writes docs/reference/errors.md: every error of client, commands and server, with its remedy.

It is generated from the source code. Placeholders of f-strings are in braces.
`python docs/write_errors.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nemolocal.errors import CommandError, NothingChecked, UsageError
from nemolocal_client import errors
from nemolocal_client.errors import PROXY_REMEDIES, CannotFetch, NemoError
from nemolocal_client.httpx_adapter import REASONS
from nemolocal_client.local_files import REMEDIES
from nemolocal_client.operations import HttpResponse
from nemolocal_client.response_errors import error_of
from nemolocal_contract.media import ACCEPTED_EXTENSIONS_TEXT
from page_writer import write_pages

ROOT = Path(__file__).parent.parent
TARGET = Path(__file__).parent / "reference" / "errors.md"
CLIENT = ROOT / "client" / "nemolocal_client"
COMMANDS = ROOT / "cli" / "nemolocal"
SERVER = ROOT / "mock_server"
HEAD = """\
# Error messages

Generated from the source code by `python docs/write_errors.py`; a test fails if it is out of date.
Names in braces are placeholders.
"""
CLIENT_HEAD = """
## Errors of the client

`str(error)` is `message: remedy`. The message of a `BackendError` usually comes from the backend;
the first row of each class is the default message.

| error | code | message | remedy |
|---|---|---|---|
"""
BETWEEN_HEAD = """
Remedies of a `BadReply` if something other than the backend responds, without JSON:

| HTTP status | remedy |
|---|---|
"""
REASONS_HEAD = """
Reasons and remedies of a `CannotConnect`:

| reason | remedy |
|---|---|
"""
SYSTEM_HEAD = """
Remedies of a `FileProblem` by the error of the operating system:

| reason | remedy |
|---|---|
"""
COMMANDS_HEAD = """
## Errors of the commands

One line on stderr, after `nemolocal: `. Exit status:

- 0: success; for `serve` also when it is stopped with Ctrl-C.
- 1: a failure; for the commands that check something (`conform`, `conform-client`, `verdict`,
  `exec --verdict`, `skill check`, `skill run`) also if a check failed.
- 2: wrong usage (invalid arguments, settings or environment variables): nothing was done. For the
  commands that check something, and for `bench`, also if there was nothing to check, or an input
  file cannot be read.
- 128 + N: ended by signal N: 130 for Ctrl-C, 143 for SIGTERM, 129 if the terminal closes. Temporary
  folders are removed and child processes are ended.

`exec` exits with the status of its program ([exec](../how-to/exec.md)).

| status | command or module | text |
|---|---|---|
"""
SERVER_HEAD = """
## Error responses of the server

In the envelope of the contract; the reference client adds a remedy to the message.

| code | message | remedy added by the client |
|---|---|---|
"""
MEDIA_HEAD = """
Reasons why a file is refused (4001, between its name and the list of accepted types):

| reason |
|---|
"""
KINDS: dict[str, type[NemoError]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, NemoError)
}
STATUSES = {kind.__name__: kind.exit_status for kind in (CommandError, UsageError, NothingChecked)}
# What makes a refusal of the server, and its code.
REFUSALS = {
    "bad_request": "400",
    "bad_token": "1001",
    "session_not_found": "1002",
    "unsupported_file": "4001",
    "fetch_failed": "4001",
}
CODES = {
    "NO_CREDITS": "2001",
    "SESSION_NOT_FOUND": "1002",
    "UNSUPPORTED_FILE": "4001",
    "FILE_TOO_LARGE": "4002",
    "EXPORT_BLOCKED": "402",
    "RATE_LIMITED": "429",
    "BAD_REQUEST": "400",
    "BAD_TOKEN": "1001",
    "NOT_FOUND": "404",
}


# A text that is only a placeholder: its values are listed elsewhere.
_FILLED = re.compile(r"\{[^}]*\}")


class Said(msgspec.Struct, frozen=True, order=True):
    """An error as the sources have it: who says it, its code, its message, its way out."""

    who: str
    code: str
    message: str
    remedy: str = ""


def client_errors() -> list[Said]:
    """The defaults of each class, and what is said in its place."""
    rows = []
    for name, kind in KINDS.items():
        code = str(kind.code or "")
        rows.append(Said(name, code, kind.message, kind.remedy))
        for module, call in _calls(CLIENT, {name, "cls"}):
            if _name(call) == "cls" and not _inside(module, call, name):
                continue
            message = _argument(module, call, 0)
            remedy = _keyword(module, call, "remedy") or kind.remedy
            # A message in braces alone is the backend's.
            if message and not _FILLED.fullmatch(message) and not _FILLED.fullmatch(remedy):
                rows.append(Said(name, code, message, remedy))
    return list(dict.fromkeys(rows))


def command_errors() -> list[Said]:
    """The texts of `CommandError` and its kinds, each with its way out in it; the code is the
    status.
    """
    rows = {
        Said(module.name, str(STATUSES[_name(call)]), text)
        for module, call in _calls(COMMANDS, {*STATUSES})
        if not _FILLED.fullmatch(text := _argument(module, call, 0))
    }
    return sorted(rows)


def server_errors() -> list[Said]:
    """Refusals in the envelope, by code."""
    rows: set[Said] = set()
    for module, call in _calls(SERVER, {*REFUSALS, "ContractError"}):
        made = _name(call)
        place = -1 if made == "fetch_failed" else 1 if made == "ContractError" else 0
        text = _argument(module, call, place)
        if made == "ContractError":
            code = CODES.get(ast.unparse(call.args[0]).rpartition(".")[2], "")
        else:
            code = REFUSALS[made]
            text = _PREFIXES.get(made, "") + text
        if code and module.name != "errors":
            rows.add(Said("", code, text, _added(made, code, text)))
    return sorted(rows, key=lambda row: (int(row.code), row.message))


def media_errors() -> list[Said]:
    """Reasons for which a file is refused."""
    calls = _calls(SERVER, {"MediaRejected"})
    found = {_argument(module, call, 0) for module, call in calls}
    texts = sorted(text for text in found if not _FILLED.fullmatch(text))
    return [Said("MediaRejected", "4001", text) for text in texts]


_PREFIXES = {
    "bad_token": "Token is missing, invalid or expired: ",
    "session_not_found": "Session not found: ",
    "unsupported_file": "Unsupported file: ",
    "fetch_failed": "Cannot fetch {url}: ",
}


def _added(made: str, code: str, message: str) -> str:
    """Return the remedy that the client shows for a refusal; "" if it never causes it."""
    if code == "404":
        return ""
    if made == "unsupported_file":
        message += f". Accepted: {ACCEPTED_EXTENSIONS_TEXT}"
    if made == "fetch_failed":
        return CannotFetch(message).remedy
    body = msgspec.json.encode({"code": int(code), "message": message, "data": None})
    failure = error_of(HttpResponse("", 200, body))
    return failure.remedy if failure is not None else ""


class _Module:
    """A source: its name, its tree, its texts by name."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.texts = {
            target.id: node.value
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
            and isinstance(node.value, ast.Constant | ast.JoinedStr | ast.BinOp)
        }

    def text(self, node: ast.expr) -> str:
        """A text with what is filled in in braces."""
        match node:
            case ast.Constant():
                return str(node.value)
            case ast.JoinedStr():
                return "".join(map(self.text, node.values))
            case ast.FormattedValue(value=ast.Name(id=name)) if name in self.texts:
                return self.text(self.texts[name])
            case ast.FormattedValue():
                return f"{{{_plain(node.value)}}}"
            case ast.Name() if node.id in self.texts:
                return self.text(self.texts[node.id])
            case ast.BinOp(op=ast.Add()):
                return self.text(node.left) + self.text(node.right)
            case ast.Attribute(attr="remedy", value=ast.Name(id=kind)) if kind in KINDS:
                return KINDS[kind].remedy
        return f"{{{_plain(node)}}}"


def _plain(node: ast.expr) -> str:
    """What is filled in, in a word: the name, not how it is cut or looked up."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Call(args=[first, *_]):
            return _plain(first)
        case ast.Subscript() | ast.BinOp() | ast.BoolOp() | ast.IfExp():
            named = (n for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute))
            return next(map(_plain, named), "…")
    return "…"


def _calls(folder: Path, names: set[str]) -> Iterator[tuple[_Module, ast.Call]]:
    for module, call in _all_calls(folder):
        if _name(call) in names:
            yield module, call


@functools.cache
def _all_calls(folder: Path) -> list[tuple[_Module, ast.Call]]:
    pattern = re.compile("|".join({*KINDS, *REFUSALS, *STATUSES, "ContractError", "MediaRejected"}))
    paths = [
        path for path in sorted(folder.rglob("*.py")) if pattern.search(path.read_text("utf-8"))
    ]
    return [
        (module, node)
        for module in map(_Module, paths)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
    ]


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _inside(module: _Module, call: ast.Call, name: str) -> bool:
    """Whether `cls` is this class."""
    return any(
        isinstance(node, ast.ClassDef) and node.name == name and call in ast.walk(node)
        for node in ast.walk(module.tree)
    )


def _argument(module: _Module, call: ast.Call, place: int) -> str:
    return module.text(call.args[place]) if call.args else ""


def _keyword(module: _Module, call: ast.Call, name: str) -> str:
    given = next((each.value for each in call.keywords if each.arg == name), None)
    return module.text(given) if given is not None else ""


def table() -> str:
    """The whole file."""
    parts = [HEAD, CLIENT_HEAD]
    for said in client_errors():
        parts.append(_row(f"`{said.who}`", said.code, said.message, said.remedy))
    parts.append(BETWEEN_HEAD)
    parts += [_row(str(status), remedy) for status, remedy in PROXY_REMEDIES.items()]
    parts.append(REASONS_HEAD)
    parts += [_row(*row) for row in REASONS.values()]
    parts.append(SYSTEM_HEAD)
    parts += [_row(reason, remedy) for reason, remedy in sorted(REMEDIES.items())]
    parts.append(COMMANDS_HEAD)
    parts += [_row(said.code, f"`{said.who}`", said.message) for said in command_errors()]
    parts.append(SERVER_HEAD)
    parts += [_row(said.code, said.message, said.remedy) for said in server_errors()]
    parts.append(MEDIA_HEAD)
    parts += [_row(said.message) for said in media_errors()]
    return "".join(parts)


def _row(*cells: str) -> str:
    safe = (cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells)
    return f"| {' | '.join(safe)} |\n"


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: table()}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
