"""Mutants of requests: what a server overlooks, refuses without reason, or takes from before."""

from collections.abc import Iterator

from nemolocal_contract.endpoints import ATTRIBUTION, CLIENT_ID, RENDER

from .contract_messages import Field, Operation, operations
from .generated_mutant import GeneratedMutant

# Why a request with a token is refused with 1001.
_TOKEN_CAUSES = "missing malformed unknown expired revoked claim scope in-query"
_BY_CODE = {
    402: "plan",
    429: "again",
    2001: "credits",
    4002: "file.size",
}
_FILE_CAUSES = ("file.type", "file.content", "url")
_NONE = Field("", "")
_DRAFT_CAUSES = ("id.duplicate", "draft.empty", "draft.media", "draft.times")


def request_mutants() -> Iterator[GeneratedMutant]:
    """Return the mutants of all requests."""
    for operation in operations():
        for cause in _causes(operation):
            yield _mutant(operation, cause, "ignored")
        for part, change, field in _readings(operation):
            yield _mutant(operation, part, change, field)
        yield from (_mutant(operation, part, "refused") for part in _allowed(operation))


def _causes(operation: Operation) -> Iterator[str]:
    """Return what the operation refuses a request for."""
    if operation.needs_token:
        yield from (f"token.{cause}" for cause in _TOKEN_CAUSES.split())
        if operation.names_in_path:
            yield "token.in-path"
    yield from _owner_causes(operation)
    if CLIENT_ID in operation.headers:
        yield from (f"header.{CLIENT_ID}.{how}" for how in ("missing", "empty", "too-long"))
    yield from (_BY_CODE[code] for code in operation.codes if code in _BY_CODE)
    if operation.name == "upload":
        yield from _FILE_CAUSES
    if operation.name == "render":
        yield from _DRAFT_CAUSES
        yield from (f"header.{name}" for name in ATTRIBUTION)
    if operation.body:
        yield "body.not-json"
        yield from (f"body.{name}.missing" for name in operation.required)


def _owner_causes(operation: Operation) -> Iterator[str]:
    if "user" in operation.names_in_path:
        yield "user.foreign"
    if _names_session(operation):
        yield from ("session.unknown", "session.foreign")
    if "render" in operation.names_in_path:
        yield from ("render.unknown", "render.foreign")
    if operation.name == "claim_page":
        yield "claim.unknown"


def _names_session(operation: Operation) -> bool:
    fields = {field.path for field in operation.body}
    return "session" in operation.names_in_path or bool(fields & {"session_id", "sessionId"})


def _readings(operation: Operation) -> Iterator[tuple[str, str, Field]]:
    """Return what a server may not read, or take from the request before."""
    for field in operation.body:
        if field.type in ("object", "array") and field.path != "draft":
            if field.path == "urls":
                yield "body.urls", "first-only", field
            continue
        if field.path.startswith("draft."):
            continue  # the draft as a whole is one value of a request
        if field.path not in operation.required:
            yield f"body.{field.path}", "unread", field
        yield f"body.{field.path}", "repeated", field
    if operation.is_form:
        yield "form.files", "first-only", Field("files", "array")


def _allowed(operation: Operation) -> Iterator[str]:
    """Return what must not be refused."""
    if "user" in operation.names_in_path:
        yield "user.own"
    if operation.needs_token and operation.operation != f"{RENDER.method} {RENDER.template}":
        yield from (f"header.{name}" for name in ATTRIBUTION)


def _mutant(operation: Operation, part: str, change: str, field: Field = _NONE) -> GeneratedMutant:
    return GeneratedMutant(
        "request", operation.name, operation.operation, "", part, change, field.type
    )
