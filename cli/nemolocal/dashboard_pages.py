"""The dashboard as `nemolocal serve` composes it; it is imported when a browser asks for a page."""

from typing import Any


class LazyDashboard:
    """The pages of the dashboard as an ASGI app, which cost the start of the server nothing."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            self._app = _build()
        await self._app(scope, receive, send)


def _build() -> Any:
    from nemolocal_dashboard.dashboard_app import build_dashboard

    from .journal_replies import write_scenario

    return build_dashboard(write_scenario)
