"""The endpoints by which workers fetch the files of a part and return it; paths are signed."""

import logging
from collections.abc import AsyncIterator
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from nemolocal_contract.endpoints import FARM_PREFIX

from .farm_key import FarmKey
from .part_store import PartRejected, PartStore, PartUnwanted
from .part_tasks import DIGEST_HEADER
from .signed_paths import is_signed

_log = logging.getLogger(__name__)


def file_path(part: str, name: str) -> str:
    """Return the path of a file that a part reads."""
    return f"{FARM_PREFIX}/parts/{part}/files/{name}"


def upload_path(part: str) -> str:
    """Return the path that takes a rendered part."""
    return f"{FARM_PREFIX}/parts/{part}"


def build_transfer_app(key: FarmKey, store: PartStore) -> ASGIApp:
    """Return the endpoints below FARM_PREFIX, which need no token but a signature."""

    async def send_file(request: Request) -> Response:
        if not _is_allowed(request, key):
            return _refusal()
        found = store.file_of(request.path_params["part"], request.path_params["name"])
        if found is None:
            return PlainTextResponse("no render needs this file now\n", HTTPStatus.NOT_FOUND)
        return FileResponse(found)

    async def receive_part(request: Request) -> Response:
        if not _is_allowed(request, key):
            return _refusal()
        part, digest = request.path_params["part"], request.headers.get(DIGEST_HEADER, "")
        try:
            await store.receive(part, digest, _chunks(request))
        except PartRejected as reason:
            return PlainTextResponse(f"the part is refused: {reason}\n", HTTPStatus.BAD_REQUEST)
        except PartUnwanted:
            return PlainTextResponse("the render of this part has ended\n", HTTPStatus.GONE)
        except OSError as error:
            _log.warning("a part could not be stored: %s", error.strerror)
            text = f"the part cannot be stored: {error.strerror}\n"
            return PlainTextResponse(text, HTTPStatus.INSUFFICIENT_STORAGE)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return Router(
        [
            Route(file_path("{part}", "{name:path}"), send_file, methods=["GET"]),
            Route(upload_path("{part}"), receive_part, methods=["PUT"]),
        ]
    )


def _is_allowed(request: Request, key: FarmKey) -> bool:
    return is_signed(key, request.method, request.scope["path"], request.url.query)


def _refusal() -> Response:
    text = "the signature of this address is not valid, or has expired\n"
    return PlainTextResponse(text, HTTPStatus.FORBIDDEN)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk
