"""Signing in with the control token, and the choice of the language: both are cookies."""

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from nemolocal_contract.endpoints import CONTROL_PREFIX, UI_COOKIE, UI_PREFIX, UI_SIGN_IN
from nemolocal_contract.responses import ResponseCode
from nemolocal_server.errors import ContractError, bad_request
from nemolocal_server.request_context import read_json, services_of

from .page_rendering import render_response, root_path, ui_root
from .translations import LANGUAGE_COOKIE, LANGUAGES

_YEAR = 365 * 86_400


class SignInRequest(msgspec.Struct, frozen=True):
    """The control token, as the user typed it."""

    token: str


async def show_sign_in(request: Request) -> Response:
    """Show the form that asks for the control token."""
    return render_response(request, "sign_in.html", title="sign_in_title")


async def sign_in(request: Request) -> Response:
    """Set the cookie that opens the dashboard in this browser; 403 for another token."""
    policy = services_of(request).access_policy
    body = await read_json(request, SignInRequest)
    if not policy.is_control_token(body.token.strip()):
        raise ContractError(ResponseCode.FORBIDDEN, "this is not the control token of this server")
    response = Response(status_code=204)
    response.set_cookie(
        UI_COOKIE,
        policy.ui_cookie,
        path=f"{root_path(request)}{CONTROL_PREFIX}",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


async def choose_language(request: Request) -> Response:
    """Remember the language of `?lang=` and go back to the page of `?next=`."""
    language = request.query_params.get("lang", "")
    if language not in LANGUAGES:
        raise bad_request(f"query: `lang` must be one of {', '.join(LANGUAGES)}")
    root = ui_root(request)
    target = request.query_params.get("next", "")
    # Only pages of this dashboard: a link must not lead elsewhere.
    is_own = target.startswith(f"{root}/") and "\\" not in target
    response = RedirectResponse(target if is_own else root, 303)
    response.set_cookie(LANGUAGE_COOKIE, language, _YEAR, path=root, samesite="strict")
    return response


ROUTES = [
    Route(UI_SIGN_IN, show_sign_in),
    Route(UI_SIGN_IN, sign_in, methods=["POST"]),
    Route(f"{UI_PREFIX}/language", choose_language),
]
