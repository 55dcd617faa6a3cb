"""Server mutants of sections 1 and 2: the envelope and the HTTP status of each failure."""

from nemolocal_contract.responses import ResponseCode, failure

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import response_mutant

_OF_RENDERS = ("render", "render_status", "render_cancel", "render_download")


def _failed(request: WireRequest, response: WireResponse, endpoint: str, code: int) -> bool:
    return request.endpoint == endpoint and response.code == code


@response_mutant("status.4002-alone", "GEN-2", kills="general.status.of-size")
def status_of_4002(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 4002 has the HTTP status 413, every other failure 200."""
    failed = _failed(request, response, "upload", ResponseCode.FILE_TOO_LARGE)
    return response.with_status(413) if failed else None


@response_mutant("status.4002-unknown", "GEN-2", kills="general.status.of-size")
def unknown_status_of_4002(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 4002 has the HTTP status 400, which no style uses."""
    failed = _failed(request, response, "upload", ResponseCode.FILE_TOO_LARGE)
    return response.with_status(400) if failed else None


@response_mutant("status.4001-of-urls", "GEN-2", kills="general.status.everywhere")
def status_of_urls(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 4001 has the HTTP status 415 for a URL, and 200 for a file."""
    failed = _failed(request, response, "upload", ResponseCode.UNSUPPORTED_FILE)
    return response.with_status(415) if failed and b'"urls"' in request.body else None


@response_mutant("status.1001-of-downloads", "GEN-2", kills="general.status.everywhere")
def status_of_downloads(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 1001 has the HTTP status 401 for the fallback download, and 200 elsewhere."""
    failed = _failed(request, response, "render_download", ResponseCode.BAD_TOKEN)
    return response.with_status(401) if failed else None


@response_mutant("status.1002-of-claims", "GEN-2", kills="general.status.everywhere")
def status_of_claims(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 1002 has the HTTP status 404 for the claim call, and 200 elsewhere."""
    failed = _failed(request, response, "claim_token", ResponseCode.SESSION_NOT_FOUND)
    return response.with_status(404) if failed else None


@response_mutant("status.2001-alone", "GEN-2", kills="general.status.everywhere")
def status_of_2001(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 2001 has the HTTP status 402, every other failure 200."""
    failed = _failed(request, response, "chat", ResponseCode.NO_CREDITS)
    return response.with_status(402) if failed else None


@response_mutant("status.400-of-claims", "GEN-2", "GEN-6", kills="general.status.everywhere")
def status_of_400(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 400 of the claim call has the HTTP status 200."""
    failed = _failed(request, response, "claim_token", ResponseCode.BAD_REQUEST)
    return response.with_status(200) if failed else None


@response_mutant("envelope.renders-bare", "GEN-1", kills="general.envelope.each-failure")
def bare_render_failure(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A failure of a render has no `data`."""
    body = response.json if request.endpoint in _OF_RENDERS else None
    if not isinstance(body, dict) or not body.get("code"):
        return None
    return response.with_json({name: value for name, value in body.items() if name != "data"})


@response_mutant("envelope.claims-wordless", "GEN-1", kills="general.envelope.each-failure")
def wordless_claim_failure(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 1001 of the claim call has an empty message."""
    failed = _failed(request, response, "claim_token", ResponseCode.BAD_TOKEN)
    return response.with_json({**response.json, "message": ""}) if failed else None


@response_mutant("envelope.uploads-text", "GEN-1", kills="general.envelope.each-success")
def upload_as_text(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A successful upload is served as text."""
    done = _failed(request, response, "upload", ResponseCode.OK)
    return response.with_headers(content_type="text/plain") if done else None


@response_mutant("envelope.state-bare", "GEN-1", kills="general.envelope.each-success")
def state_as_html(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A state is served as HTML."""
    done = _failed(request, response, "state", ResponseCode.OK)
    return response.with_headers(content_type="text/html") if done else None


@response_mutant("envelope.token-text", "GEN-1", kills="general.envelope.token")
def token_as_text(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A token is served as text."""
    done = _failed(request, response, "token", ResponseCode.OK)
    return response.with_headers(content_type="text/plain") if done else None


@response_mutant("body.upload-unnamed", "GEN-6", "UPL-1", kills="general.body.each-field")
def upload_unnamed(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 400 of an upload names no field."""
    failed = _failed(request, response, "upload", ResponseCode.BAD_REQUEST)
    return response.with_json({**response.json, "message": "Bad request"}) if failed else None


@response_mutant("body.claim-number", "GEN-6", kills="general.body.each-type")
def number_as_task(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A number as `task_id` is refused with 1002."""
    failed = _failed(request, response, "claim_token", ResponseCode.BAD_REQUEST)
    if not failed or b'"task_id":7' not in request.body:
        return None
    return response.with_json(failure(ResponseCode.SESSION_NOT_FOUND, "no such task"), 200)
