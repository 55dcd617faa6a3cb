"""Changes of a response: its status, its headers, its body, a field of it."""

import msgspec

from nemolocal_contract.responses import ResponseCode, http_status
from tests.mutation.mutation_middleware import WireResponse

from .generated_mutant import GeneratedMutant
from .stream_changes import changed_stream
from .value_changes import REPLACED, EarlierValues, change_field

_STATUSES = {"created": 201, "server-error": 500, "not-found": 404, "ok": 200}
_OTHER_HEADERS = {"other": "application/octet-stream", "empty": "", "type": "soon", "zero": "0"}
_THOUSAND = 1000


def changed_response(
    mutant: GeneratedMutant, response: WireResponse, token: str, earlier: EarlierValues
) -> WireResponse:
    """Return the response with the change of a mutant."""
    if mutant.subject == "event":
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            return response
        return _with_body(response, changed_stream(mutant, response.body, token, earlier))
    if mutant.is_of_body:
        body = response.json
        return response.with_json(body) if change_field(mutant, body, token, earlier) else response
    if mutant.part == "status":
        return _changed_status(mutant, response)
    if mutant.part == "body":
        return _changed_body(mutant, response, token, earlier)
    return _changed_header(mutant, response)


def _with_body(response: WireResponse, body: bytes) -> WireResponse:
    return msgspec.structs.replace(response, body=body)


def _changed_status(mutant: GeneratedMutant, response: WireResponse) -> WireResponse:
    if mutant.change == "other-style":
        return response.with_status(http_status(ResponseCode(int(mutant.outcome)), "http"))
    return response.with_status(_STATUSES[mutant.change])


def _changed_header(mutant: GeneratedMutant, response: WireResponse) -> WireResponse:
    name = mutant.part.removeprefix("header.")
    value = response.headers.get(name)
    if value is None:
        return response
    return response.with_headers(**{name: _changed_value(mutant.change, value)})


def _changed_value(change: str, value: str) -> str | None:
    if change == "dropped":
        return None
    if change == "times-1000":
        return str(int(value) * _THOUSAND)
    return str(int(value) // _THOUSAND) if change == "by-1000" else _OTHER_HEADERS[change]


def _changed_body(
    mutant: GeneratedMutant, response: WireResponse, token: str, earlier: EarlierValues
) -> WireResponse:
    body = response.body
    if mutant.change in REPLACED:
        return _with_body(response, earlier.exchange(mutant.change, token, body))
    return _with_body(response, b"" if mutant.change == "empty" else body[: len(body) // 2])
