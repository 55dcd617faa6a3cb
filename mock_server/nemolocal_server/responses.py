"""Replies as bytes: JSON by msgspec."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from nemolocal_contract.responses import encode_json, success


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`body` as JSON."""
    return Response(
        encode_json(body), status, headers=headers, media_type="application/json; charset=utf-8"
    )


def success_response(data: Any) -> Response:
    """`data` in the envelope of a success (GEN-1)."""
    return json_response(success(data))
