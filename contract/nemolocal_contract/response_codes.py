"""The codes of the contract and the HTTP status that each takes in each style (GEN-1, GEN-2)."""

from enum import IntEnum


class ResponseCode(IntEnum):
    """What the `code` of an envelope says."""

    OK = 0
    BAD_REQUEST = 400
    EXPORT_BLOCKED = 402
    FORBIDDEN = 403
    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405
    RATE_LIMITED = 429
    INTERNAL = 500
    BAD_TOKEN = 1001
    SESSION_NOT_FOUND = 1002
    NO_CREDITS = 2001
    UNSUPPORTED_FILE = 4001
    FILE_TOO_LARGE = 4002


_HTTP_STYLE = {
    ResponseCode.BAD_TOKEN: 401,
    ResponseCode.SESSION_NOT_FOUND: 404,
    ResponseCode.NO_CREDITS: 402,
    ResponseCode.UNSUPPORTED_FILE: 415,
    ResponseCode.FILE_TOO_LARGE: 413,
}


def http_status(code: ResponseCode, errors: str = "envelope") -> int:
    """The HTTP status of a failure under `errors=envelope` (the default) or `errors=http`."""
    if code not in _HTTP_STYLE:
        return 200 if code is ResponseCode.OK else int(code)
    return _HTTP_STYLE[code] if errors == "http" else 200
