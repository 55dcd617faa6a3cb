"""What an exchange comes to: the code of its reply, and the rules that it touches."""

from collections.abc import Iterator, Mapping

import msgspec

from nemolocal_contract.endpoints import (
    RENDER_CANCEL,
    RENDER_DOWNLOAD,
    RENDER_STATUS,
    TOKEN,
    Endpoint,
    missing_attribution,
)
from nemolocal_contract.responses import ResponseCode

_RULE_OF_CODE = {
    ResponseCode.BAD_TOKEN: "GEN-3",
    ResponseCode.SESSION_NOT_FOUND: "SES-3",
    ResponseCode.NO_CREDITS: "CRD-4",
    ResponseCode.UNSUPPORTED_FILE: "UPL-3",
    ResponseCode.FILE_TOO_LARGE: "UPL-4",
    ResponseCode.BAD_REQUEST: "GEN-6",
    ResponseCode.EXPORT_BLOCKED: "REN-2",
    ResponseCode.NOT_FOUND: "GEN-6",
    ResponseCode.METHOD_NOT_ALLOWED: "GEN-6",
    ResponseCode.RATE_LIMITED: "AUTH-3",
}
_OF_A_RENDER = (RENDER_STATUS, RENDER_CANCEL, RENDER_DOWNLOAD)


class _CodeField(msgspec.Struct):
    code: int | None = None


def response_code(status: int, content_type: str, body: str) -> int | None:
    """The code of a reply; None where there was none."""
    if not status:
        return None
    if content_type.startswith("application/json"):
        try:
            named = msgspec.json.decode(body, type=_CodeField).code
        except msgspec.MsgspecError:  # a list, half a body, or a fault's broken JSON
            named = None
        if named is not None:
            return named
    return status if status >= 400 else int(ResponseCode.OK)


def tag_rules(
    endpoint: Endpoint | None,
    code: int | None,
    headers: Mapping[str, str],
    *,
    token_in_url: bool,
) -> tuple[str, ...]:
    """The ids of the rules at stake, each once: the endpoint's, the failure's, the headers'."""
    return tuple(dict.fromkeys(_rules(endpoint, code, headers, token_in_url)))


def _rules(
    endpoint: Endpoint | None, code: int | None, headers: Mapping[str, str], token_in_url: bool
) -> Iterator[str]:
    if endpoint is not None:
        yield endpoint.rule
        if missing_attribution(headers):
            yield "GEN-4"
    if token_in_url:
        yield "GEN-5"
    if code == ResponseCode.BAD_REQUEST and endpoint == TOKEN:
        yield "AUTH-2"
    elif code == ResponseCode.SESSION_NOT_FOUND and endpoint in _OF_A_RENDER:
        yield "REN-8"
    elif code in _RULE_OF_CODE:
        yield _RULE_OF_CODE[ResponseCode(code)]
