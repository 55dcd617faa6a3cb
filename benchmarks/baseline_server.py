"""The baseline: one Starlette route under uvicorn, with the response of the balance."""

import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/api/credits/balance/simple"
_BODY = b'{"code":0,"data":{"available":100,"frozen":0,"total":100}}'


async def _read_balance(_request: Request) -> Response:
    return Response(_BODY, media_type="application/json; charset=utf-8")


def main() -> None:
    """Serve on a free port; the URL is the only line on stdout."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    host, port = listener.getsockname()
    print(f"http://{host}:{port}", flush=True)
    app = Starlette(routes=[Route(PATH, _read_balance)])
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
