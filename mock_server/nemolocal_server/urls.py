"""The address under which the caller reached this server."""

from starlette.requests import Request


def base_url(request: Request) -> str:
    """`http://127.0.0.1:8787`, after the Host header of the request; no slash at the end."""
    return str(request.base_url).rstrip("/")
