"""The envelope around JSON replies (GEN-1) and the bytes it travels in."""

from typing import Any

import msgspec

from .response_codes import ResponseCode

encode_json = msgspec.json.encode
decode_json = msgspec.json.decode


class Envelope(msgspec.Struct, frozen=True):
    """`{"code": 0, "data": …}` or `{"code": n, "message": "…", "data": null}`."""

    code: int
    data: Any = None
    message: str = ""


def success(data: Any) -> dict[str, Any]:
    """The reply to a call that worked."""
    return {"code": int(ResponseCode.OK), "data": data}


def failure(code: ResponseCode, message: str) -> dict[str, Any]:
    """The reply to a call that did not (the shape of the body is assumed, after CLI)."""
    return {"code": int(code), "message": message, "data": None}
