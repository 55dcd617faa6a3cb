"""The address under which the caller reached this server."""

from starlette.requests import Request

from .access_middleware import access_decision_of


def base_url(request: Request) -> str:
    """`http://127.0.0.1:8787`, as its sender may use it; no slash at the end.

    That of the settings, else after the Host of the request, which was judged before.
    """
    return access_decision_of(request.scope).base_url
