"""Mutants of responses: each field of each success and refusal, its status and its headers."""

from collections.abc import Iterator

from .contract_messages import Field, Operation, operations
from .generated_mutant import GeneratedMutant

_BY_TYPE = {
    "string": "dropped null type empty constant repeated foreign exchanged",
    "integer": "dropped null type empty constant repeated foreign exchanged"
    " plus-one minus-one times-1000 by-1000",
    "number": "dropped null type empty constant repeated foreign exchanged"
    " plus-one minus-one times-1000 by-1000",
    "boolean": "dropped null type other-value",
    "object": "dropped null type empty repeated foreign",
    "array": "dropped null type empty first-dropped last-dropped doubled reversed",
}
# Times in text, which can be off by one as well.
_TIMES = ("expires_at",)
_FAILURE = (
    Field("code", "integer"),
    Field("message", "string"),
    Field("data", "null"),
)
_OF_FAILURE = {
    "code": "dropped null type empty plus-one",
    "message": "dropped null type empty constant foreign",
    "data": "dropped type",
}
_OF_BODY = "empty half repeated foreign"
_ENVELOPE_CODE = "dropped null type plus-one"


def response_mutants() -> Iterator[GeneratedMutant]:
    """Return the mutants of all responses."""
    for operation in operations():
        for part, change, field in _success_changes(operation):
            yield _mutant(operation, "success", part, change, field)
        for code in operation.codes:
            for part, change, field in _failure_changes(operation, code):
                yield _mutant(operation, str(code), part, change, field)


def _mutant(
    operation: Operation, outcome: str, part: str, change: str, field: Field
) -> GeneratedMutant:
    return GeneratedMutant(
        "response",
        operation.name,
        operation.operation,
        outcome,
        part,
        change,
        field.type,
        field.values,
        field.neighbours,
    )


_NONE = Field("", "")
_Changes = Iterator[tuple[str, str, Field]]


def _success_changes(operation: Operation) -> _Changes:
    yield from _named("status", "created server-error not-found")
    yield from _named("header.content-type", "dropped empty other")
    if operation.media_type != "application/json":
        if operation.media_type != "text/event-stream":
            yield from _named("body", _OF_BODY)
        return
    for field in operation.fields:
        yield from ((field.path, change, field) for change in _changes_of(field))


def _changes_of(field: Field) -> Iterator[str]:
    if field.path == "code":
        yield from _ENVELOPE_CODE.split()
        return
    for change in _BY_TYPE[field.type].split():
        if change == "exchanged" and not field.neighbours:
            continue
        yield change
    if field.values:
        yield "other-value"
    if field.path.rpartition(".")[2] in _TIMES:
        yield from ("plus-one", "minus-one")


def _failure_changes(operation: Operation, code: int) -> _Changes:
    usual = operation.statuses[code]
    yield from _named("status", "server-error other-style" if usual == 200 else "ok server-error")
    yield from _named("header.content-type", "dropped empty other")
    if code == 429:
        yield from _named("header.retry-after", "dropped empty type zero times-1000 by-1000")
    for field in _FAILURE:
        yield from ((field.path, change, field) for change in _OF_FAILURE[field.path].split())


def _named(part: str, changes: str) -> _Changes:
    return ((part, change, _NONE) for change in changes.split())
