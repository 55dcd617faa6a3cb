"""Changes of a request before the server sees it: what it does not read, or reads from before."""

from typing import Any

import msgspec

from nemolocal_contract.responses import encode_json
from tests.mutation.mutation_middleware import WireRequest

from .generated_mutant import GeneratedMutant
from .observed_callers import ObservedCallers


def changed_request(
    mutant: GeneratedMutant, request: WireRequest, seen: ObservedCallers
) -> WireRequest | None:
    """Return what the server makes of a request, None if it is as it was."""
    if mutant.part == "form.files":
        return _with_first_file(request)
    body = request.json
    if not isinstance(body, dict) or not body:
        return None
    path = mutant.part.removeprefix("body.").split(".")
    if mutant.change == "repeated":
        before = seen.requests.get(request.endpoint)
        changed = _with_earlier(body, path, before.json if before else {})
    elif mutant.change == "unread":
        changed = _without(body, path)
    else:
        changed = {**body, "urls": list(body.get("urls", ()))[:1]}
    if encode_json(changed) == encode_json(body):
        return None
    return msgspec.structs.replace(request, body=encode_json(changed))


def _without(body: Any, path: list[str]) -> Any:
    """Return a body without a field, `[]` being every item."""
    name, *rest = path
    held = name.removesuffix("[]")
    if not isinstance(body, dict) or held not in body:
        return body
    if not rest:
        return {other: value for other, value in body.items() if other != held}
    if name.endswith("[]"):
        return {**body, held: [_without(item, rest) for item in body[held]]}
    return {**body, held: _without(body[held], rest)}


def _with_earlier(body: Any, path: list[str], before: Any) -> Any:
    """Return a body with the field as an earlier one has it."""
    name, *rest = path
    held = name.removesuffix("[]")
    if not all(isinstance(one, dict) and held in one for one in (body, before)):
        return body
    if not rest:
        return {**body, held: before[held]}
    if name.endswith("[]"):
        pairs = zip(body[held], before[held], strict=False)
        return {**body, held: [_with_earlier(now, rest, then) for now, then in pairs]}
    return {**body, held: _with_earlier(body[held], rest, before[held])}


def _with_first_file(request: WireRequest) -> WireRequest | None:
    """Return a multipart upload with the first of its files."""
    _, marked, boundary = request.headers.get("content-type", "").partition("boundary=")
    mark = b"--" + boundary.encode()
    parts = request.body.split(mark)
    if not marked or len(parts) <= 3:  # what is before the first, one file, the end
        return None
    return msgspec.structs.replace(request, body=mark.join([*parts[:2], parts[-1]]))
